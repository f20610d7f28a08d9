"""From a model's reply to a kernel source, or to a typed failure that a repair prompt can repeat. Pure.

Only a complete block is ever taken: blocks are never joined, and a reply that was cut off is a failure
even if something in it would parse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from kernelwright.evaluator.source import MAX_SOURCE, SourceProblem, SourceProblemKind, check_source

from .record import ExtractionFailure, Failure

MAX_REPLY = 2_000_000
"""Characters; more is not read."""
_MAX_PARSED = 4 * MAX_SOURCE
"""Characters that are parsed at most over all blocks of one reply; each counts as `_LEAST` at least."""
_LEAST = 1024
_CUT_OFF = {"length", "max_tokens", "max_output_tokens"}
_TAG = "think|thinking|thought|reasoning|reflection"
_OPENS = re.compile(rf"\s*<({_TAG})>", re.IGNORECASE)
_CLOSES = re.compile(rf"</({_TAG})>", re.IGNORECASE)
_MEANT = re.compile(r"class\s+ModelNew\b")
"""In every block that can be a kernel; a block without it, such as an example of use, is not parsed."""
_CODE_LINE = re.compile(r"(import|from|class|def)\s|@|\"\"\"|'''")


def extract(text: str, finish_reason: str | None = None) -> str | Failure:
    """The last complete block of a reply that is a kernel source; it ends with a newline.

    ``finish_reason`` is what the provider said of the reply's end.
    """
    if finish_reason in _CUT_OFF:
        return _failure(
            ExtractionFailure.TRUNCATED,
            "the reply was cut off at its length limit: answer with the complete file and nothing else",
        )
    if len(text) > MAX_REPLY:
        return _failure(
            ExtractionFailure.NO_CODE,
            f"the reply has {len(text)} characters and was not read: answer with one kernel file only",
        )
    scan = _scan(text)
    return _from_bare(scan) or _from_blocks(scan) or _from_before(scan) or _why_nothing(scan)


@dataclass
class _Fence:
    """An open fence."""

    mark: str
    length: int
    indent: int
    info: str
    lines: list[str] = field(default_factory=list)

    def closed_by(self, line: str) -> bool:
        """CommonMark's rule, so that an indented fence inside a docstring closes nothing."""
        body = line.lstrip(" \t")
        return (
            len(line) - len(body) <= self.indent + 3
            and len(body.rstrip()) >= self.length
            and not body.rstrip().strip(self.mark)
        )

    @property
    def text(self) -> str:
        """The block's content without the indentation of its fence."""
        return "\n".join(_outdent(line, self.indent) for line in self.lines) + "\n"


@dataclass
class _Scan:
    """What a reply consists of, reasoning left out."""

    blocks: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    """Blocks ahead of a closing tag that nothing opened: reasoning, or an answer whose prose names the tag."""
    open: _Fence | None = None
    lines: list[str] = field(default_factory=list)
    """Every line outside the reasoning, fences included."""
    reasoning: str | None = None
    """Tag of the reasoning that is open."""
    reasoned: bool = False

    @property
    def bare(self) -> str:
        """The reply as one text."""
        return "\n".join(self.lines).strip("\n") + "\n"

    def line(self, line: str) -> None:
        """Take the next line."""
        if self.reasoning:
            self._in_reasoning(line)
        elif self.open:
            self._in_block(self.open, line)
        else:
            self._outside(line)

    def _in_reasoning(self, line: str) -> None:
        close = _last(_CLOSES, line)
        if close:
            self.reasoning = None
            self.line(line[close.end() :])

    def _in_block(self, fence: _Fence, line: str) -> None:
        close = _CLOSES.match(line.lstrip(" \t`~"))
        if close:  # the reasoning had no opening tag and left a fence open
            self._forget()
            self.line(line[line.index("</") + close.end() :])
            return
        self.lines.append(line)
        if fence.closed_by(line):
            self.blocks.append(fence.text)
            self.open = None
        else:
            fence.lines.append(line)

    def _outside(self, line: str) -> None:
        opening = _OPENS.match(line)
        if opening:
            self.reasoning, self.reasoned = opening[1], True
            self.line(line[opening.end() :])
            return
        close = _last(_CLOSES, line)
        if close:  # some servers put the opening tag into the prompt: all before was reasoning
            self._forget()
            line = line[close.end() :]
        self.lines.append(line)
        self.open = _fence(line)

    def _forget(self) -> None:
        self.before += self.blocks
        self.blocks, self.lines, self.open, self.reasoned = [], [], None, True


def _scan(text: str) -> _Scan:
    scan = _Scan()
    for line in text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"):
        scan.line(line)
    return scan


def _fence(line: str) -> _Fence | None:
    """The fence that this line opens. No regular expression, since one would be quadratic here."""
    body = line.lstrip(" \t")
    mark = body[:1]
    if mark not in ("`", "~") or not body.startswith(mark * 3):
        return None
    info = body.lstrip(mark)
    if mark == "`" and mark in info:
        return None
    return _Fence(mark, len(body) - len(info), len(line) - len(body), info.strip())


def _outdent(line: str, indent: int) -> str:
    return line[:indent].lstrip(" \t") + line[indent:]


def _last(pattern: re.Pattern[str], line: str) -> re.Match[str] | None:
    return next(reversed(list(pattern.finditer(line))), None)


def _from_bare(scan: _Scan) -> str | None:
    """The whole reply when it is a kernel; fences in it can then only stand in its strings."""
    bare = scan.bare
    return bare if _MEANT.search(bare) and check_source(bare) is None else None


def _from_blocks(scan: _Scan) -> str | Failure | None:
    """The last valid block, or the failure of the last one that was meant to be it."""
    if scan.open and (scan.open.info or scan.open.text.strip()):
        return _failure(
            ExtractionFailure.TRUNCATED,
            "the last code block is not closed, so the reply was cut off: answer with the complete file",
        )
    found = _last_valid(scan.blocks)
    return _of_source(found) if isinstance(found, SourceProblem) else found


def _from_before(scan: _Scan) -> str | None:
    """The last valid block ahead of a lone closing tag, for a reply in which none was tried after it."""
    found = _last_valid(scan.before)
    return found if isinstance(found, str) else None


def _last_valid(blocks: list[str]) -> str | SourceProblem | None:
    """The last block that is a kernel, or what is wrong with the last one that was meant to be it."""
    problem, budget = None, _MAX_PARSED
    for block in reversed(blocks):
        if budget < 0 or not _MEANT.search(block):
            continue
        budget -= max(len(block), _LEAST)
        found = check_source(block)
        if found is None:
            return block
        problem = problem or found
    return problem


def _why_nothing(scan: _Scan) -> Failure:
    """The failure of a reply in which nothing was meant to be the kernel."""
    if not scan.bare.strip():
        return _empty(scan)
    written = [block for block in scan.blocks if block.strip()]
    problem = check_source(written[-1]) if written else _of_bare_code(scan.bare)
    if problem:
        return _of_source(problem)
    return _failure(
        ExtractionFailure.NO_CODE, "the reply holds no code: put the complete file into one ```python block"
    )


def _empty(scan: _Scan) -> Failure:
    what = "holds reasoning and no answer" if scan.reasoned else "is empty"
    return _failure(ExtractionFailure.EMPTY, f"the reply {what}: answer with the complete file")


def _of_bare_code(bare: str) -> SourceProblem | None:
    """What is wrong with unfenced code; None when it is prose."""
    first = next((line for line in bare.split("\n") if line.strip() and not line.startswith("#")), "")
    return check_source(bare) if _CODE_LINE.match(first) else None


def _of_source(problem: SourceProblem) -> Failure:
    return _failure(_KINDS[problem.kind], problem.reason)


_KINDS = {
    SourceProblemKind.EMPTY: ExtractionFailure.NO_CODE,
    SourceProblemKind.SYNTAX_ERROR: ExtractionFailure.SYNTAX_ERROR,
    SourceProblemKind.NO_MODEL_NEW: ExtractionFailure.NO_MODEL_NEW,
    SourceProblemKind.NO_TRITON_KERNEL: ExtractionFailure.NO_TRITON_KERNEL,
}


def _failure(kind: ExtractionFailure, reason: str) -> Failure:
    return Failure(kind=kind, reason=reason)
