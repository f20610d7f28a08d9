"""Changes to a kernel's source through its syntax tree: what is not changed keeps its text to the byte."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field

import libcst as cst

_OPERATORS = {
    cst.Add: operator.add,
    cst.Subtract: operator.sub,
    cst.Multiply: operator.mul,
    cst.FloorDivide: operator.floordiv,
}
_LARGEST = 2**31


@dataclass(frozen=True)
class Change:
    """What to put in place of expressions, and which keywords to append to calls."""

    values: Mapping[cst.BaseExpression, int] = field(default_factory=dict)
    keywords: Mapping[cst.Call, Mapping[str, int]] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    """What it does, in words: ``BLOCK from 1024 to 4096``."""

    def __bool__(self) -> bool:
        return bool(self.values or self.keywords)

    def __or__(self, other: Change) -> Change:
        """Both changes; where they disagree, the other's."""
        calls = [*self.keywords, *(call for call in other.keywords if call not in self.keywords)]
        return Change(
            {**self.values, **other.values},
            {call: {**self.keywords.get(call, {}), **other.keywords.get(call, {})} for call in calls},
            (*self.words, *(word for word in other.words if word not in self.words)),
        )


def apply(module: cst.Module, homes: Mapping[cst.CSTNode, cst.CSTNode], change: Change) -> str:
    """The source after the change; ``homes`` tells in which statement of the module each expression stands.

    Only those statements are visited, since a visit of the whole tree costs a tenth of a second.
    """
    touched = {homes[node] for node in (*change.values, *change.keywords)}
    body = [item.visit(_Apply(change)) if item in touched else item for item in module.body]
    return module.with_changes(body=body).code


def constant(node: cst.BaseExpression) -> int | None:
    """The positive integer that an expression of literals stands for, such as ``1024`` or ``1 << 10``."""
    value = _value(node, depth=0)
    return value if value is not None and 0 < value < _LARGEST else None


def name_of(node: cst.CSTNode | None) -> str | None:
    """``BLOCK`` for ``BLOCK``, for ``self.BLOCK`` and for ``meta["BLOCK"]``."""
    if isinstance(node, cst.Attribute):
        return node.attr.value
    if isinstance(node, cst.Subscript):
        return _key(node)
    return node.value if isinstance(node, cst.Name) else None


def _key(node: cst.Subscript) -> str | None:
    index = node.slice[0].slice if len(node.slice) == 1 else None
    if isinstance(index, cst.Index) and isinstance(index.value, cst.SimpleString):
        return str(index.value.evaluated_value)
    return None


def _value(node: cst.BaseExpression, depth: int) -> int | None:
    if isinstance(node, cst.Integer):
        return node.evaluated_value
    if not isinstance(node, cst.BinaryOperation) or depth > 8:
        return None
    left, right = _value(node.left, depth + 1), _value(node.right, depth + 1)
    if left is None or right is None or max(abs(left), abs(right)) >= _LARGEST:
        return None
    if isinstance(node.operator, cst.LeftShift | cst.Power):
        shift = right if isinstance(node.operator, cst.LeftShift) else right if left == 2 else -1
        return (left if isinstance(node.operator, cst.LeftShift) else 1) << shift if 0 <= shift < 31 else None
    known = _OPERATORS.get(type(node.operator))
    return None if known is None or (known is operator.floordiv and not right) else known(left, right)


class _Apply(cst.CSTTransformer):
    def __init__(self, change: Change) -> None:
        super().__init__()
        self._change = change

    def on_leave(
        self, original_node: cst.CSTNodeT, updated_node: cst.CSTNodeT
    ) -> cst.CSTNodeT | cst.RemovalSentinel | cst.FlattenSentinel[cst.CSTNodeT]:
        node: cst.CSTNode = updated_node
        if isinstance(original_node, cst.BaseExpression) and original_node in self._change.values:
            node = cst.Integer(str(self._change.values[original_node]))
        elif isinstance(original_node, cst.Call) and isinstance(node, cst.Call):
            for keyword, value in self._change.keywords.get(original_node, {}).items():
                node = _with_keyword(node, keyword, value)
        return node  # type: ignore[return-value]


def _with_keyword(call: cst.Call, keyword: str, value: int) -> cst.Call:
    """The call with one more keyword argument, laid out like the ones before it."""
    new = cst.Arg(
        value=cst.Integer(str(value)),
        keyword=cst.Name(keyword),
        equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
    )
    if not call.args:
        return call.with_changes(args=[new])
    last = call.args[-1]
    between = _between(call)
    if isinstance(last.comma, cst.Comma):  # a trailing comma, with the line break before the bracket
        behind = _with_comment(between, last.comma.whitespace_after)
        new = new.with_changes(
            comma=last.comma.with_changes(whitespace_after=_without_comment(last.comma.whitespace_after))
        )
        last = last.with_changes(comma=last.comma.with_changes(whitespace_after=behind))
    else:
        new = new.with_changes(whitespace_after_arg=last.whitespace_after_arg)
        last = last.with_changes(
            comma=cst.Comma(whitespace_after=between), whitespace_after_arg=cst.SimpleWhitespace("")
        )
    return call.with_changes(args=[*call.args[:-1], last, new])


def _between(call: cst.Call) -> cst.BaseParenthesizableWhitespace:
    """What stands between two arguments of this call."""
    if len(call.args) > 1 and isinstance(call.args[-2].comma, cst.Comma):
        return _without_comment(call.args[-2].comma.whitespace_after)
    if isinstance(call.whitespace_before_args, cst.ParenthesizedWhitespace):
        return _without_comment(call.whitespace_before_args)
    return cst.SimpleWhitespace(" ")


def _without_comment(space: cst.BaseParenthesizableWhitespace) -> cst.BaseParenthesizableWhitespace:
    if not isinstance(space, cst.ParenthesizedWhitespace):
        return space
    line = space.first_line.with_changes(comment=None, whitespace=cst.SimpleWhitespace(""))
    return space.with_changes(first_line=line, empty_lines=[])


def _with_comment(
    space: cst.BaseParenthesizableWhitespace, source: cst.BaseParenthesizableWhitespace
) -> cst.BaseParenthesizableWhitespace:
    """``space`` with the comments that stand in ``source``, which belong to the argument before."""
    if not isinstance(source, cst.ParenthesizedWhitespace):
        return space
    if not isinstance(space, cst.ParenthesizedWhitespace):
        return source if source.first_line.comment or source.empty_lines else space
    return space.with_changes(first_line=source.first_line, empty_lines=source.empty_lines)
