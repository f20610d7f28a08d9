"""What the Triton functions of a source do with their tile sizes: multiply tiles, walk along an axis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import libcst as cst

from .edits import name_of

_DOTS = {"dot", "dot_scaled"}
_RANGES = {"range", "static_range"}
_PRECISIONS = {"input_precision", "allow_tf32"}


@dataclass
class Kernel:
    """One function under @triton.jit, with what it inherits from those that it calls."""

    parameters: list[str]
    multiplies: bool = False
    """Whether it has a tl.dot."""
    precise: bool = False
    """Whether a tl.dot says how it rounds, which only fp32 operands ask for."""
    walked: set[str] = field(default_factory=set)
    """Upper-case names by which its loops step."""
    loops: list[cst.Call] = field(default_factory=list)
    """Each ``tl.range(…, num_stages=…)``: its stages go before the launch's."""
    uses: set[str] = field(default_factory=set)

    @property
    def takes_stages(self) -> bool:
        """Whether a launch's num_stages can matter: to a tl.dot, or as a parameter of the kernel's own."""
        return self.multiplies or "num_stages" in self.parameters

    @property
    def own_stages(self) -> list[cst.Call]:
        """The loops that are told their stages here, and not by a parameter."""
        values = [(call, arg.value) for call in self.loops for arg in call.args if _is_stages(arg)]
        return [call for call, value in values if name_of(value) not in self.parameters]

    def inherit(self, other: Kernel) -> None:
        """Take over what a called function does."""
        self.multiplies |= other.multiplies
        self.precise |= other.precise
        self.walked |= other.walked
        self.loops += [loop for loop in other.loops if loop not in self.loops]


def read_kernel(node: cst.FunctionDef) -> Kernel:
    """What this function does by itself."""
    params = (*node.params.posonly_params, *node.params.params, *node.params.kwonly_params)
    reader = _Reader(Kernel([param.name.value for param in params]))
    node.body.visit(reader)
    return reader.kernel


def inherit_from_called(kernels: dict[str, Kernel]) -> None:
    """Hand on what functions do to those that call them, however deep."""
    for _ in kernels:
        for kernel in kernels.values():
            for name in kernel.uses & kernels.keys():
                kernel.inherit(kernels[name])


class _Reader(cst.CSTVisitor):
    def __init__(self, kernel: Kernel) -> None:
        super().__init__()
        self.kernel = kernel
        self._counts: dict[str, set[str]] = {}

    def visit_Name(self, node: cst.Name) -> None:
        self.kernel.uses.add(node.value)

    def visit_Assign(self, node: cst.Assign) -> None:
        for item in node.targets:
            name = name_of(item.target)
            if name:
                self._counts[name] = set(_divisor(node.value))

    def visit_For(self, node: cst.For) -> None:
        if isinstance(node.iter, cst.Call) and name_of(node.iter.func) in _RANGES:
            self.kernel.walked |= {name.upper() for name in self._steps(node.iter)}

    def visit_Call(self, node: cst.Call) -> None:
        name, keywords = name_of(node.func), {arg.keyword.value for arg in node.args if arg.keyword}
        if name in _DOTS:
            self.kernel.multiplies = True
            self.kernel.precise |= bool(keywords & _PRECISIONS)
        elif name in _RANGES and "num_stages" in keywords:
            self.kernel.loops.append(node)

    def _steps(self, call: cst.Call) -> Iterator[str]:
        """``B`` in ``range(0, n, B)``, in ``range(cdiv(n, B))`` and in ``range(count)`` with such a count."""
        for place, arg in enumerate(arg for arg in call.args if not arg.keyword):
            name = name_of(arg.value)
            yield from _divisor(arg.value)
            yield from self._counts.get(name or "", ())
            if name and place == 2:
                yield name


def _is_stages(arg: cst.Arg) -> bool:
    return arg.keyword is not None and arg.keyword.value == "num_stages"


def _divisor(node: cst.BaseExpression) -> Iterator[str]:
    if isinstance(node, cst.Call) and name_of(node.func) == "cdiv" and len(node.args) == 2:
        name = name_of(node.args[1].value)
        if name:
            yield name
