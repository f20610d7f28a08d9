"""Where a kernel source says how its kernels are launched: launches, autotune configs, named integers.

Only what ModelNew's forward can reach is worth changing alone; a backward that no benchmark calls is not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import libcst as cst

from .edits import constant, name_of

_UNWRAPPED = {"constexpr", "int", "min"}
_LAUNCH_OPTIONS = {"num_warps", "num_stages"}


@dataclass(frozen=True)
class Literal:
    """One integer in the source that a name stands for."""

    node: cst.BaseExpression
    value: int
    name: str
    live: bool
    of_kernel: bool = False
    """Whether it is a kernel parameter's own: a default, or given by a launch or config."""


@dataclass(frozen=True, eq=False)
class Launch:
    """One ``kernel[grid](…)``, or one ``triton.Config(…)`` with ``kernel`` None."""

    call: cst.Call
    kernel: str | None
    live: bool

    @property
    def open_ended(self) -> bool:
        """Whether ``**something`` may hold any keyword."""
        return any(arg.star == "**" for arg in self.call.args)

    def keyword(self, name: str) -> cst.BaseExpression | None:
        """Value of a keyword argument."""
        return next((arg.value for arg in self.call.args if arg.keyword and arg.keyword.value == name), None)


@dataclass
class Anatomy:
    """What the tuner knows of one source."""

    module: cst.Module
    launches: list[Launch] = field(default_factory=list)
    configs: list[Launch] = field(default_factory=list)
    parameters: dict[str, list[str]] = field(default_factory=dict)
    """Parameter names of each Triton function."""
    autotuned: set[str] = field(default_factory=set)
    literals: dict[str, list[Literal]] = field(default_factory=lambda: defaultdict(list))
    """By the name's upper case, so that a host's ``block`` and a kernel's ``BLOCK`` go together."""
    divisors: list[Literal] = field(default_factory=list)
    """Integers that a cdiv divides by."""
    homes: dict[cst.CSTNode, cst.CSTNode] = field(default_factory=dict)
    """The statement of the module in which each expression stands."""

    def bound(self, launch: Launch) -> dict[str, cst.BaseExpression]:
        """What a launch or config passes for each parameter of its kernel."""
        names = self.parameters.get(launch.kernel or "", [])
        passed: dict[str, cst.BaseExpression] = {}
        for place, arg in enumerate(launch.call.args):
            if launch.kernel is None and isinstance(arg.value, cst.Dict):
                passed |= _entries(arg.value)
            elif arg.keyword:
                passed[arg.keyword.value] = arg.value
            elif not arg.star and place < len(names):
                passed[names[place]] = arg.value
        return passed


def dissect(source: str, kernels: Sequence[str]) -> Anatomy:
    """Launches and named integers of a source with these Triton functions; raises ValueError."""
    try:
        module = cst.parse_module(source)
        anatomy = Anatomy(module)
        collector = _Collector(anatomy, set(kernels), _reached(module))
        for statement in module.body:
            collector.home = statement
            statement.visit(collector)
    except (cst.ParserSyntaxError, RecursionError) as error:
        raise ValueError(f"the parent's source cannot be taken apart ({type(error).__name__})") from None
    for launch in (*anatomy.launches, *anatomy.configs):
        for name, value in anatomy.bound(launch).items():
            if name not in _LAUNCH_OPTIONS:  # these are looked up where they are set
                _note(anatomy, name, value, launch.live, of_kernel=True)
    return anatomy


def leaves(node: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """Integers that an expression chooses among: itself, ``tl.constexpr(n)``, ``min(n, …)``, ``n if … else m``."""
    if constant(node) is not None:
        yield node
    elif isinstance(node, cst.IfExp):
        yield from (*leaves(node.body), *leaves(node.orelse))
    elif isinstance(node, cst.Call) and name_of(node.func) in _UNWRAPPED:
        yield from (arg.value for arg in node.args if constant(arg.value) is not None)


def _entries(node: cst.Dict) -> dict[str, cst.BaseExpression]:
    return {
        str(element.key.evaluated_value): element.value
        for element in node.elements
        if isinstance(element, cst.DictElement) and isinstance(element.key, cst.SimpleString)
    }


def _note(
    anatomy: Anatomy, name: str, value: cst.BaseExpression, live: bool, of_kernel: bool = False
) -> None:
    """Remember the integers that ``name`` is set to."""
    found = anatomy.literals[name.upper()]
    for node in leaves(value):
        number = constant(node)
        if number is not None and all(node is not literal.node for literal in found):
            found.append(Literal(node, number, name, live, of_kernel))


class _Names(cst.CSTVisitor):
    """Every name below a node, a backward's body left out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return node.name.value != "backward"

    def visit_Name(self, node: cst.Name) -> None:
        self.found.add(node.value)


def _reached(module: cst.Module) -> set[str]:
    """Names that are reached from ModelNew, through whatever the module defines."""
    uses: dict[str, set[str]] = defaultdict(set)
    for owner, node in _definitions(module.body):
        names = _Names()
        node.visit(names)
        uses[owner] |= names.found
    reached, waiting = set(), ["ModelNew"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(uses.get(name, ()))
    return reached


def _definitions(body: Sequence[cst.CSTNode]) -> Iterator[tuple[str, cst.CSTNode]]:
    """Each name that a module binds, with the node that binds it."""
    for node in body:
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            yield node.name.value, node
        elif isinstance(node, cst.Assign):
            yield from ((name, node) for item in node.targets for name in _targets(item.target))
        elif isinstance(node, cst.AnnAssign):
            yield from ((name, node) for name in _targets(node.target))
        elif isinstance(node, cst.SimpleStatementLine | cst.If | cst.Else | cst.Try | cst.IndentedBlock):
            yield from _definitions(node.children)


def _targets(node: cst.BaseExpression) -> list[str]:
    if isinstance(node, cst.Tuple):
        return [name for element in node.elements for name in _targets(element.value)]
    name = name_of(node)
    return [name] if name else []


class _Collector(cst.CSTVisitor):
    """Fills an anatomy in the order of the source."""

    def __init__(self, anatomy: Anatomy, kernels: set[str], reached: set[str]) -> None:
        super().__init__()
        self._anatomy = anatomy
        self._kernels = kernels
        self._reached = reached
        self._owners: list[str] = []
        self.home: cst.CSTNode | None = None

    def on_visit(self, node: cst.CSTNode) -> bool:
        if self.home and isinstance(node, cst.BaseExpression):
            self._anatomy.homes[node] = self.home
        return super().on_visit(node)

    def _live(self, name: str) -> bool:
        """Whether a binding of ``name`` here can matter to ModelNew's forward."""
        if not self._owners:
            return name in self._reached
        return self._owners[0] in self._reached and "backward" not in self._owners

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        name = node.name.value
        self._owners.append(name)
        if name in self._kernels:
            self._anatomy.parameters[name] = [
                param.name.value for param in (*node.params.posonly_params, *node.params.params)
            ]
            if any("autotune" in _called(decorator) for decorator in node.decorators):
                self._anatomy.autotuned.add(name)

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self._owners.pop()

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self._owners.append(node.name.value)

    def leave_ClassDef(self, original_node: cst.ClassDef) -> None:
        self._owners.pop()

    def visit_Param(self, node: cst.Param) -> None:
        if node.default:
            name = node.name.value
            own = bool(self._owners) and self._owners[-1] in self._kernels
            _note(self._anatomy, name, node.default, self._live(name), of_kernel=own)

    def visit_Assign(self, node: cst.Assign) -> None:
        for item in node.targets:
            self._bind(item.target, node.value)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        if node.value:
            self._bind(node.target, node.value)

    def visit_CompFor(self, node: cst.CompFor) -> None:
        if isinstance(node.iter, cst.List | cst.Tuple):
            for element in node.iter.elements:
                self._bind(node.target, element.value)

    def visit_Call(self, node: cst.Call) -> None:
        kernel = name_of(node.func.value) if isinstance(node.func, cst.Subscript) else None
        if kernel in self._kernels:
            self._anatomy.launches.append(Launch(node, kernel, self._live(kernel)))
        elif name_of(node.func) == "Config":
            self._anatomy.configs.append(Launch(node, None, self._live(self._config_owner())))
        else:
            self._other_call(node)

    def _other_call(self, node: cst.Call) -> None:
        for arg in node.args:
            if arg.keyword:
                self._bind(arg.keyword, arg.value)
        divisor = constant(node.args[1].value) if len(node.args) == 2 else None
        if name_of(node.func) == "cdiv" and divisor:
            self._anatomy.divisors.append(
                Literal(node.args[1].value, divisor, "the grid's divisor", self._live("ModelNew"))
            )

    def _config_owner(self) -> str:
        return self._owners[0] if self._owners else "ModelNew"

    def _bind(self, target: cst.CSTNode, value: cst.BaseExpression) -> None:
        if isinstance(target, cst.Tuple) and isinstance(value, cst.Tuple):
            for one, other in zip(target.elements, value.elements, strict=False):
                self._bind(one.value, other.value)
            return
        name = name_of(target)
        if name:
            _note(self._anatomy, name, value, self._live(name))


def _called(decorator: cst.Decorator) -> str:
    node = decorator.decorator
    return name_of(node.func if isinstance(node, cst.Call) else node) or ""
