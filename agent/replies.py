"""From a model's reply to a kernel source, or to a typed failure that a repair prompt can repeat. Pure.

Only a complete block is ever taken: blocks are never joined, a reply that was cut off is a failure even if
something in it would parse, and so is code that says that it leaves something out.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from contextlib import suppress

from kernelwright.evaluator.source import MAX_SOURCE, SourceProblem, SourceProblemKind, check_source

from .record import ExtractionFailure, Failure
from .reply_blocks import Scan, lines_of, looks_like_code, scan, tidy

MAX_REPLY = 2_000_000
"""Characters; more is not read."""
_MAX_PARSED = 4 * MAX_SOURCE
"""Characters that are parsed at most over all blocks of one reply; each counts as `_LEAST` at least."""
_LEAST = 1024
_CUT_OFF = {
    **dict.fromkeys(
        ("length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"),
        "cut off at its length limit: answer with the complete file and nothing else",
    ),
    **dict.fromkeys(
        ("content_filter", "refusal", "safety", "recitation"),
        "stopped by the provider's content filter: answer with the complete file and nothing else",
    ),
}
_MEANT = re.compile(r"class\s+ModelNew\b")
"""In every block that can be a kernel; a block without it, such as an example of use, is not parsed."""
_HEAD = re.compile(r"class\s+ModelNew\s*[(:]")
_DIFF = re.compile(r"^(?:@@ |[+-] {0,4}(?:(?:import|from|class|def)\b|@\w))", re.MULTILINE)
_ENTITY = re.compile(r"^[^#\"'\n]*(&(?:lt|gt|amp|quot|#39);)", re.MULTILINE)
_AS_BEFORE = (
    r"(?:(?:is|are|remains?|stays?) )?"
    r"(?:unchanged|(?:exactly )?the same|same as|identical|omitted|as (?:before|above|is|it|they|in)\b)"
)
_ELISION = re.compile(
    r"^[ \t]*(#+ {0,4}[\[(]?(?:"
    r"(?:\.\.\.|…)[^\n]*\b(?:rest|remaining|unchanged|existing|omitted|code|same as|as before|as above)\b"
    r"|(?:\.\.\.|…)[ \t]*$"
    rf"|(?:the )?(?:rest|remainder) (?:{_AS_BEFORE}|of (?:the |your )?"
    r"(?:code|file|kernel|class|function|implementation|forward|module)"
    rf"(?:[\])}}.… \t]*$| (?:{_AS_BEFORE}|(?:goes )?here\b)))"
    r")[^\n]*)",
    re.MULTILINE | re.IGNORECASE,
)
_STRINGS = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
_ABSTRACT = {"overload", "abstractmethod"}


def extract(text: str, finish_reason: str | None = None) -> str | Failure:
    """The last complete block of a reply that is a kernel source; it ends with a newline.

    ``finish_reason`` is what the provider said of the reply's end.
    """
    cut_off = _CUT_OFF.get((finish_reason or "").lower())
    if cut_off:
        return _failure(ExtractionFailure.TRUNCATED, f"the reply was {cut_off}")
    if len(text) > MAX_REPLY:
        return _failure(
            ExtractionFailure.NO_CODE,
            f"the reply has {len(text)} characters and was not read: answer with one kernel file only",
        )
    lines = lines_of(text)
    whole = _taken([tidy(lines)])  # fences and tags in it can then only stand in its strings
    return whole or _from_lines(lines)


def _from_lines(lines: list[str]) -> str | Failure:
    found = scan(lines, docstrings=True)
    taken = _from_scan(found)
    if isinstance(taken, str) or not found.quoted:
        return taken
    return _from_scan(scan(lines, docstrings=False))  # what looked like a string was none


def _from_scan(found: Scan) -> str | Failure:
    return (
        _taken(found.texts[-1:])
        or _from_blocks(found)
        or _taken(found.before)
        or _taken(found.texts)
        or _why_nothing(found)
    )


def _from_blocks(found: Scan) -> str | Failure | None:
    """The last valid block, or the failure of the last one that was meant to be it."""
    if found.open and found.open.cut_off:
        return _failure(
            ExtractionFailure.TRUNCATED,
            "the last code block is not closed, so the reply was cut off: answer with the complete file",
        )
    return _last_valid(found.blocks)


def _taken(texts: list[str]) -> str | None:
    """The last valid one, where none has to be: of unfenced texts, or of blocks ahead of a lone closing tag."""
    found = _last_valid(texts)
    return found if isinstance(found, str) else None


def _last_valid(blocks: list[str]) -> str | Failure | None:
    """The last block that is a kernel, or what is wrong with the last one that was meant to be it."""
    failure, budget = None, _MAX_PARSED
    for block in reversed(blocks):
        if budget < 0 or not _MEANT.search(block):
            continue
        budget -= max(len(block), _LEAST)
        found = _problem(block)
        if found is None:
            return block
        failure = failure or found
    return failure


def _problem(source: str) -> Failure | None:
    """Why the text is no complete kernel source; None when it is one."""
    problem = check_source(source)
    if problem:
        return _of_source(problem, source)
    if _ENTITY.search(source) or _ELISION.search(source):
        bare = _without_strings(source)
        entity = _ENTITY.search(bare)  # `a &lt; b` is valid Python, and nonsense
        return _escaped(entity[1]) if entity else _elided(bare) or _stubbed(source)
    return _stubbed(source)


def _without_strings(source: str) -> str:
    """The source with nothing in its strings and between its words; as far as it can be told apart."""
    found = []
    with suppress(tokenize.TokenError, SyntaxError, ValueError):
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            found.append("_" if token.type in _STRINGS else token.string)
    return "".join(found)


def _elided(source: str) -> Failure | None:
    """A comment that stands in place of code."""
    comment = _ELISION.search(source)
    if comment is None:
        return None
    return _failure(
        ExtractionFailure.TRUNCATED,
        f"the comment {comment[1].strip()[:80]!a} stands in place of code: write every line of the file",
    )


def _stubbed(source: str) -> Failure | None:
    """An empty body that stands in place of code."""
    stub = _stub(source) if "..." in source else None
    if stub is None:
        return None
    return _failure(
        ExtractionFailure.TRUNCATED,
        f"the body of '{stub}' is '...' in place of code: write every line of the file",
    )


def _stub(source: str) -> str | None:
    """A function that has nothing but an ellipsis for a body, and is no mere declaration."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nodes = list(ast.walk(ast.parse(source)))
    protocols = [
        node for node in nodes if isinstance(node, ast.ClassDef) and "Protocol" in _last_names(node.bases)
    ]
    declared = {method for protocol in protocols for method in protocol.body}
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and node not in declared:
            last = node.body[-1]
            rest = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
            empty = len(rest) == 1 and isinstance(last, ast.Expr) and _is_ellipsis(last.value)
            if empty and not _ABSTRACT & _last_names(node.decorator_list):
                return node.name
    return None


def _last_names(nodes: list[ast.expr]) -> set[str]:
    """``Protocol`` for ``typing.Protocol[T]``."""
    return {ast.unparse(node).partition("[")[0].rpartition(".")[2] for node in nodes}


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _why_nothing(found: Scan) -> Failure:
    """The failure of a reply in which no block was meant to be the kernel."""
    bare = found.texts[-1] if found.texts else ""
    if not bare:
        what = "holds reasoning and no answer" if found.reasoned else "is empty"
        return _failure(ExtractionFailure.EMPTY, f"the reply {what}: answer with the complete file")
    if any(_says_something(block) for block in found.blocks):
        return _failure(
            ExtractionFailure.NO_MODEL_NEW,
            "no code block of the reply defines class ModelNew: put the complete file into one ```python block",
        )
    if _in_json(bare) or not looks_like_code(bare):
        return _no_code(bare, found.reasoned)
    return _problem(bare) or _no_code(bare)


def _says_something(block: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in block.split("\n"))


def _no_code(bare: str, reasoned: bool = False) -> Failure:
    what = "the reply holds no code" + (" outside its reasoning" if reasoned else "")
    if _in_json(bare):
        what = "the code is wrapped in JSON"
    elif _HEAD.search(bare):
        what = "the code does not stand in a block of its own"
    return _failure(ExtractionFailure.NO_CODE, f"{what}: put the complete file into one ```python block")


def _in_json(source: str) -> bool:
    return source.lstrip()[:1] in ("{", "[") and _MEANT.search(source) is not None


def _of_source(problem: SourceProblem, source: str) -> Failure:
    """The problem in words that say what the model did, where that can be seen."""
    if _in_json(source):
        return _no_code(source)
    kind = _KINDS[problem.kind]
    if problem.kind is not SourceProblemKind.SYNTAX_ERROR or len(source) > MAX_SOURCE:
        return _failure(kind, problem.reason)
    entity = _ENTITY.search(source)
    if entity:
        return _escaped(entity[1])
    if len(_DIFF.findall(source)) > 1:
        return _failure(
            kind, "the code is a diff and no file: answer with the complete file, without + and -"
        )
    return _elided(source) or _failure(kind, problem.reason)


def _escaped(entity: str) -> Failure:
    return _failure(
        ExtractionFailure.SYNTAX_ERROR,
        f"the code is escaped for HTML ({entity}): write the characters themselves",
    )


_KINDS = {
    SourceProblemKind.EMPTY: ExtractionFailure.NO_CODE,
    SourceProblemKind.SYNTAX_ERROR: ExtractionFailure.SYNTAX_ERROR,
    SourceProblemKind.NO_MODEL_NEW: ExtractionFailure.NO_MODEL_NEW,
    SourceProblemKind.NO_TRITON_KERNEL: ExtractionFailure.NO_TRITON_KERNEL,
}


def _failure(kind: ExtractionFailure, reason: str) -> Failure:
    return Failure(kind=kind, reason=reason)
