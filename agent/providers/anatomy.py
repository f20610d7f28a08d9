"""Where a kernel source says how its kernels are launched: launches, autotune configs, named integers.

Only what ModelNew's forward can reach is worth changing alone; a backward that no benchmark calls is not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import libcst as cst

from .edits import constant, name_of
from .kernels import Kernel

OPTIONS = {"num_warps", "num_stages"}
"""Launch options that the tuner sets."""
_UNWRAPPED = {"constexpr", "int", "min"}
_CONFIG = ("kwargs", "num_warps", "num_stages")
"""The first parameters of triton.Config, which may come without their names."""


@dataclass(frozen=True)
class Literal:
    """One integer in the source that a name stands for."""

    node: cst.BaseExpression
    value: int
    name: str
    live: bool
    of_kernel: bool = False
    """Whether it is a kernel parameter's own: a default, or given by a launch, a config or a dict of options."""
    less: int = 0
    """How much less than the value stands there: the 1023 of ``(n + 1023) // 1024`` is one less."""


@dataclass(frozen=True, eq=False)
class Launch:
    """One ``kernel[grid](…)``, or one ``triton.Config(…)`` with ``kernel`` None."""

    call: cst.Call
    kernel: str | None
    live: bool

    @property
    def unpacked(self) -> list[cst.BaseExpression]:
        """What stands behind ``**``."""
        return [arg.value for arg in self.call.args if arg.star == "**"]

    def keyword(self, name: str) -> cst.BaseExpression | None:
        """Value of a keyword argument."""
        for place, arg in enumerate(self.call.args):
            config = self.kernel is None and not arg.keyword and place < len(_CONFIG)
            if (arg.keyword and arg.keyword.value == name) or (config and _CONFIG[place] == name):
                return arg.value
        return None


@dataclass
class Anatomy:
    """What the tuner knows of one source."""

    module: cst.Module
    kernels: dict[str, Kernel]
    """Triton functions by name."""
    launches: list[Launch] = field(default_factory=list)
    configs: list[Launch] = field(default_factory=list)
    autotuned: set[str] = field(default_factory=set)
    heuristics: dict[str, dict[str, cst.BaseExpression]] = field(default_factory=dict)
    """What triton.heuristics computes for each kernel's parameters and options: it goes before the launch."""
    literals: dict[str, list[Literal]] = field(default_factory=lambda: defaultdict(list))
    """By the name's upper case, so that a host's ``block`` and a kernel's ``BLOCK`` go together."""
    divisors: list[Literal] = field(default_factory=list)
    """Integers that the host divides by, and those that it adds to round up."""
    divided: set[str] = field(default_factory=set)
    """Upper-case names that the host divides by: the grid has an axis of that many parts."""
    dicts: set[str] = field(default_factory=set)
    """Names that stand for dicts with every key written out, and no launch option among them."""
    homes: dict[cst.CSTNode, cst.CSTNode] = field(default_factory=dict)
    """The statement of the module in which each expression stands."""

    def kernel(self, launch: Launch) -> Kernel:
        """What the launched kernel does; of a config, the kernel when only one is autotuned."""
        tuned = next(iter(self.autotuned)) if len(self.autotuned) == 1 else ""
        return self.kernels.get(launch.kernel or tuned) or Kernel([])

    def open_ended(self, launch: Launch) -> bool:
        """Whether ``**something`` may hold keywords that the source does not show."""
        return any(name_of(value) not in self.dicts and not takes_options(value) for value in launch.unpacked)

    def bound(self, launch: Launch) -> dict[str, cst.BaseExpression]:
        """What a launch or config passes for each parameter of its kernel."""
        names = self.kernel(launch).parameters
        passed: dict[str, cst.BaseExpression] = {}
        for place, arg in enumerate(launch.call.args):
            if isinstance(arg.value, cst.Dict) and (launch.kernel is None or arg.star == "**"):
                passed |= entries(arg.value)
            elif arg.keyword:
                passed[arg.keyword.value] = arg.value
            elif launch.kernel and not arg.star and place < len(names):
                passed[names[place]] = arg.value
        return passed

    def note(self, name: str, value: cst.BaseExpression, live: bool, of_kernel: bool = False) -> None:
        """Remember the integers that ``name`` is set to."""
        found = self.literals[name.upper()]
        for node in leaves(value):
            number = constant(node)
            if number is not None and all(node is not literal.node for literal in found):
                found.append(Literal(node, number, name, live, of_kernel))


def leaves(node: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """Integers that an expression chooses among: itself, ``tl.constexpr(n)``, ``min(n, …)``, ``n if … else m``."""
    if constant(node) is not None:
        yield node
    elif isinstance(node, cst.IfExp):
        yield from (*leaves(node.body), *leaves(node.orelse))
    elif isinstance(node, cst.Lambda):
        yield from leaves(node.body)
    elif isinstance(node, cst.Call) and name_of(node.func) in _UNWRAPPED:
        yield from (arg.value for arg in node.args if constant(arg.value) is not None)


def entries(node: cst.Dict) -> dict[str, cst.BaseExpression]:
    """A dict's values by those keys that are written as strings."""
    return {
        str(element.key.evaluated_value): element.value
        for element in node.elements
        if isinstance(element, cst.DictElement) and isinstance(element.key, cst.SimpleString)
    }


def takes_options(node: cst.BaseExpression) -> bool:
    """Whether this is a dict whose keys all stand here and leave room for launch options beside it."""
    if isinstance(node, cst.Call):
        keys = {arg.keyword.value for arg in node.args if arg.keyword}
        return name_of(node.func) == "dict" and len(keys) == len(node.args) and not keys & OPTIONS
    if not isinstance(node, cst.Dict):
        return False
    return len(entries(node)) == len(node.elements) and not entries(node).keys() & OPTIONS
