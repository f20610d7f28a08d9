"""Takes a kernel source apart: one walk over its syntax tree fills its anatomy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from .anatomy import OPTIONS, Anatomy, Launch, Literal, entries, takes_options
from .edits import constant, name_of
from .kernels import inherit_from_called, read_kernel
from .reach import reached

_ROUNDED = {"cdiv", "ceil_div"}


def dissect(source: str, kernels: Sequence[str]) -> Anatomy:
    """Launches and named integers of a source with these Triton functions; raises ValueError."""
    try:
        module = cst.parse_module(source)
        functions = _Functions()
        module.visit(functions)
        found = functions.found
        anatomy = Anatomy(module, {name: read_kernel(found[name]) for name in kernels if name in found})
        inherit_from_called(anatomy.kernels)
        collector = _Collector(anatomy, functions, reached(module))
        for statement in module.body:
            collector.home = statement
            statement.visit(collector)
    except (cst.ParserSyntaxError, RecursionError) as error:
        raise ValueError(f"the parent's source cannot be taken apart ({type(error).__name__})") from None
    for launch in (*anatomy.launches, *anatomy.configs):
        for name, value in anatomy.bound(launch).items():
            if name not in OPTIONS:  # these are looked up where they are set
                anatomy.note(name, value, launch.live, of_kernel=True)
    return anatomy


class _Functions(cst.CSTVisitor):
    """Every function by name, and every name that stands for a kernel with its grid, or for a sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, cst.FunctionDef] = {}
        self.values: dict[str, cst.BaseExpression] = {}

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self.found.setdefault(node.name.value, node)

    def visit_Assign(self, node: cst.Assign) -> None:
        for item in node.targets:
            name = name_of(item.target)
            if name and isinstance(node.value, cst.List | cst.Tuple | cst.Subscript):
                self.values[name] = node.value


class _Collector(cst.CSTVisitor):
    """Fills an anatomy in the order of the source."""

    def __init__(self, anatomy: Anatomy, functions: _Functions, names: set[str]) -> None:
        super().__init__()
        self._anatomy = anatomy
        self._functions = functions
        self._reached = names
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

    def _in_kernel(self) -> bool:
        return any(owner in self._anatomy.kernels for owner in self._owners)

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        name = node.name.value
        self._owners.append(name)
        if name in self._anatomy.kernels:
            for decorator in node.decorators:
                self._decorated(name, decorator.decorator)

    def _decorated(self, kernel: str, decorator: cst.BaseExpression) -> None:
        call = decorator if isinstance(decorator, cst.Call) else None
        called = name_of(call.func if call else decorator) or ""
        if "autotune" in called:
            self._anatomy.autotuned.add(kernel)
        elif called == "heuristics" and call:
            computed = self._anatomy.heuristics.setdefault(kernel, {})
            for arg in call.args:
                if isinstance(arg.value, cst.Dict):
                    computed.update(entries(arg.value))

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self._owners.pop()

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self._owners.append(node.name.value)

    def leave_ClassDef(self, original_node: cst.ClassDef) -> None:
        self._owners.pop()

    def visit_Param(self, node: cst.Param) -> None:
        if node.default:
            name = node.name.value
            own = bool(self._owners) and self._owners[-1] in self._anatomy.kernels
            self._anatomy.note(name, node.default, self._live(name), of_kernel=own)

    def visit_Assign(self, node: cst.Assign) -> None:
        for item in node.targets:
            self._bind(item.target, node.value)
            name = name_of(item.target)
            if name and takes_options(node.value):
                self._anatomy.dicts.add(name)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        if node.value:
            self._bind(node.target, node.value)

    def visit_CompFor(self, node: cst.CompFor) -> None:
        self._bind_each(node.target, node.iter)

    def visit_For(self, node: cst.For) -> None:
        self._bind_each(node.target, node.iter)

    def visit_Dict(self, node: cst.Dict) -> None:
        parameters = {name for kernel in self._anatomy.kernels.values() for name in kernel.parameters}
        for name, value in entries(node).items():
            self._anatomy.note(name, value, self._live("ModelNew"), of_kernel=name in parameters)

    def visit_BinaryOperation(self, node: cst.BinaryOperation) -> None:
        if isinstance(node.operator, cst.FloorDivide | cst.Divide) and not self._in_kernel():
            self._divided(node.right)
            size = constant(node.right)
            for added, less in _rounding(node.left):
                if size and constant(added) == size - less:
                    self._divisor(added, size, less)

    def visit_Call(self, node: cst.Call) -> None:
        kernel = self._launched(node.func)
        if kernel:
            self._anatomy.launches.append(Launch(node, kernel, self._live(kernel)))
        elif name_of(node.func) == "Config":
            owner = self._owners[0] if self._owners else "ModelNew"
            self._anatomy.configs.append(Launch(node, None, self._live(owner)))
        else:
            self._other_call(node)

    def _launched(self, func: cst.BaseExpression) -> str | None:
        """The kernel of ``kernel[grid]``, of ``wrap_triton(kernel)[grid]``, or of a name for either."""
        if isinstance(func, cst.Name):
            func = self._functions.values.get(func.value, func)
        if not isinstance(func, cst.Subscript):
            return None
        value = func.value
        if isinstance(value, cst.Call) and len(value.args) == 1:
            value = value.args[0].value
        name = None if isinstance(value, cst.Subscript) else name_of(value)
        return name if name in self._anatomy.kernels else None

    def _other_call(self, node: cst.Call) -> None:
        names = self._parameters(node.func)
        for place, arg in enumerate(node.args):
            if arg.keyword:
                self._bind(arg.keyword, arg.value)
            elif not arg.star and place < len(names):
                self._bind(cst.Name(names[place]), arg.value)
        if name_of(node.func) in _ROUNDED and len(node.args) == 2:
            self._divided(node.args[1].value)

    def _parameters(self, func: cst.BaseExpression) -> list[str]:
        """Names of what ``function(…)`` and ``self.method(…)`` take, where this module defines them."""
        own = isinstance(func, cst.Attribute) and name_of(func.value) == "self"
        function = self._functions.found.get(name_of(func) or "")
        if function is None or not (own or isinstance(func, cst.Name)):
            return []
        names = [param.name.value for param in function.params.params]
        return names[1:] if own else names

    def _divided(self, by: cst.BaseExpression) -> None:
        """Remember what is divided by: any number, and names on the host, whose quotients make the grid."""
        size, name = constant(by), name_of(by)
        if size:
            self._divisor(by, size)
        elif name and not self._in_kernel():
            self._anatomy.divided.add(name.upper())

    def _divisor(self, node: cst.BaseExpression, size: int, less: int = 0) -> None:
        live = self._live("ModelNew")
        self._anatomy.divisors.append(Literal(node, size, "the grid's divisor", live, less=less))

    def _bind_each(self, target: cst.BaseExpression, values: cst.BaseExpression) -> None:
        """``for target in values`` over what is written out, a name for it, or a product of such."""
        if isinstance(values, cst.Call) and name_of(values.func) == "product":
            names = [item.value for item in target.elements] if isinstance(target, cst.Tuple) else []
            for name, arg in zip(names, values.args, strict=False):
                self._bind_each(name, arg.value)
        for value in _elements(self._functions.values.get(name_of(values) or "", values)):
            self._bind(target, value)

    def _bind(self, target: cst.CSTNode, value: cst.BaseExpression) -> None:
        if isinstance(target, cst.Tuple) and isinstance(value, cst.Tuple | cst.List):
            for one, other in zip(target.elements, value.elements, strict=False):
                self._bind(one.value, other.value)
            return
        name = name_of(target)
        if name:
            self._anatomy.note(name, value, self._live(name))


def _elements(node: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    if isinstance(node, cst.List | cst.Tuple):
        yield from (element.value for element in node.elements)


def _rounding(node: cst.BaseExpression) -> Iterator[tuple[cst.BaseExpression, int]]:
    """What ``n + 1023`` and ``n + 1024 - 1`` add, and how much less than the block that is."""
    if not isinstance(node, cst.BinaryOperation):
        return
    if isinstance(node.operator, cst.Add):
        yield node.right, 1
    elif isinstance(node.operator, cst.Subtract) and constant(node.right) == 1:
        inner = node.left
        if isinstance(inner, cst.BinaryOperation) and isinstance(inner.operator, cst.Add):
            yield inner.right, 0
