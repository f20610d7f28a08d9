"""What a reply consists of: its code blocks and its other text, reasoning left out. Pure; no line is joined."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_BLANK = " \t\x0b\x0c\u00a0" + _INVISIBLE
"""What may stand around a fence unseen."""
_NAMES = r"(?:\w{1,20}:)?(?:think|thinking|thoughts?|reasoning|reflection|analysis|scratchpad)"
_OPENS = re.compile(
    rf"<{_NAMES}(?:\s[^<>/]{{0,200}})?>|\[THINK\]|◁think▷|<\|START_THINKING\|>"
    r"|<\|channel\|>(?:analysis|thought)(?:<\|message\|>)?",
    re.IGNORECASE,
)
_CLOSES = re.compile(
    rf"</{_NAMES}\s{{0,9}}>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<\|channel\|>final<\|message\|>",
    re.IGNORECASE,
)
_NAMED = re.compile(rf"(?<!`)(?:{_OPENS.pattern})", re.IGNORECASE)
"""An opening tag that prose doesn't quote."""
_ENDED = re.compile(rf"(?<!`)(?:{_CLOSES.pattern})|(?:{_CLOSES.pattern})(?!`)", re.IGNORECASE)
"""A closing tag that prose doesn't quote."""
_END = re.compile(r"(?:<[|｜][^<>|｜\s]{1,30}[|｜]>|</s>)\Z")
"""A chat template's end of turn that a server let through."""
_LABEL = re.compile(r"\A(?:python3?|py)\n", re.IGNORECASE)
"""What a chat window writes above a block, copied with the code."""
_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ \t]{1,9}(?=[`~])")
"""A list's mark that a fence follows on the same line."""
_TRIPLE = re.compile(r"\"\"\"|'''")
_CODE = re.compile(r"(import|from|class|def)\s|@|\"\"\"|'''")
_WRAPPERS = {"markdown", "md", "text", "txt", "plaintext"}
"""Info strings of blocks that hold an answer with its own blocks."""


def lines_of(text: str) -> list[str]:
    """The reply's lines whatever their ends, without a byte order mark and a template's end of turn."""
    text = text.rstrip("\n")
    end = _END.search(text[-40:])
    text = text[: len(text) - len(end.group())] if end else text
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def tidy(lines: list[str]) -> str:
    """The lines as one text: no empty lines or label around it, and without its first line's indentation."""
    text = "\n".join(lines).lstrip("\n" + _INVISIBLE)
    text = _LABEL.sub("", text, count=1).lstrip("\n")
    first = next((line for line in text.split("\n") if line.strip()), "")
    indent = len(first) - len(first.lstrip(" \t"))
    return "\n".join(_outdent(line, indent) for line in text.split("\n")).strip("\n") + "\n"


def _outdent(line: str, indent: int) -> str:
    return line[:indent].lstrip(" \t") + line[indent:]


def looks_like_code(text: str) -> bool:
    """Whether the first line that says something is Python; prose and shell commands are not."""
    first = next((line for line in text.split("\n") if line.strip() and not line.startswith("#")), "")
    return _CODE.match(first) is not None


@dataclass
class Fence:
    """An open fence."""

    mark: str
    length: int
    indent: int
    info: str
    lines: list[str] = field(default_factory=list)
    outer: Fence | None = None
    """The block that goes on when this one is closed."""
    string: str | None = None
    """The triple quote that is open."""

    def closed_by(self, line: str) -> bool:
        """CommonMark's rule, so that an indented fence inside a docstring closes nothing."""
        body = line.strip(_BLANK)
        indent = len(line) - len(line.lstrip(_BLANK))
        return indent <= self.indent + 3 and len(body) >= self.length and not body.strip(self.mark)

    def take(self, line: str) -> None:
        """Add a line of the block."""
        self.lines.append(line)
        for quote in _TRIPLE.findall(line) if self.python else ():
            self.string = quote if self.string is None else None if self.string == quote else self.string

    @property
    def language(self) -> str:
        """The first word of its info string."""
        return self.info.lower().partition(" ")[0]

    @property
    def python(self) -> bool:
        """Whether triple quotes mean something in it, as far as its info string tells."""
        return not self.info or "py" in self.language or self.language == "triton"

    @property
    def begun(self) -> bool:
        """Whether anything stands in it."""
        return any(line.strip() for line in self.lines)

    @property
    def cut_off(self) -> bool:
        """Whether it was meant to be a block, unlike a closing fence too many with prose behind it."""
        text = tidy(self.lines)
        return bool(self.info) or looks_like_code(text) or "ModelNew" in text


def _fence(line: str) -> Fence | None:
    """The fence that this line opens. No regular expression, since one would be quadratic here."""
    body = line.lstrip(_BLANK)
    item = _ITEM.match(body)
    body = body[item.end() :] if item else body
    mark = body[:1]
    if mark not in ("`", "~") or not body.startswith(mark * 3):
        return None
    info = body.lstrip(mark)
    if mark == "`" and mark in info:
        return None
    fence = Fence(mark, len(body) - len(info), len(line) - len(body), info.strip(_BLANK))
    code = fence.info.partition(" ")[2].lstrip()
    if _CODE.match(code):  # the first line of code beside the language's name
        fence.take(code)
    return fence


@dataclass
class Scan:
    """What a reply consists of."""

    docstrings: bool
    """Whether a fence or a tag inside a triple-quoted string closes nothing."""
    blocks: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    """Blocks ahead of a closing tag that nothing opened: reasoning, or an answer whose prose names the tag."""
    open: Fence | None = None
    lines: list[str] = field(default_factory=list)
    """Every line outside the reasoning, fences included."""
    cuts: list[int] = field(default_factory=list)
    """Numbers of lines ahead of which something was left out."""
    depth: int = 0
    """Reasoning tags that are open."""
    draft: tuple[int, int] | None = None
    """Numbers of blocks and lines that stay if a closing tag makes all after them reasoning."""
    reasoning: bool = False
    reasoned: bool = False
    quoted: bool = False
    """Whether one was passed over."""

    @property
    def texts(self) -> list[str]:
        """The pieces of the reply between what was left out, without those that say nothing."""
        cuts = [0, *self.cuts, len(self.lines)]
        pieces = (self.lines[start:end] for start, end in pairwise(cuts))
        return [tidy(piece) for piece in pieces if any(line.strip(_BLANK) for line in piece)]

    def line(self, line: str) -> None:
        """Take the next line."""
        if self.reasoning:
            self._in_reasoning(line)
        elif self.open:
            self._in_block(self.open, line)
        else:
            self._outside(line)

    def _in_reasoning(self, line: str) -> None:
        closes = list(_CLOSES.finditer(line))
        end = closes[-1].end() if closes else len(line)
        self.depth += len(_OPENS.findall(line[:end])) - len(closes)
        if closes:  # the end, unless tags are nested and another closing tag says otherwise
            self.reasoning = False
            self.draft = (len(self.blocks), len(self.lines)) if self.depth > 0 else None
            self.cuts.append(len(self.lines))
            self.line(line[end:])

    def _in_block(self, fence: Fence, line: str) -> None:
        tagged = line.lstrip(_BLANK + "`~")
        tag = _CLOSES.match(tagged)
        ends = tag is not None or fence.closed_by(line)
        if ends and self.docstrings and fence.string:
            self.quoted, tag, ends = True, None, False
        if tag:  # the reasoning had no opening tag and left a fence open
            self._forget()
            self.line(tagged[tag.end() :])
            return
        self.lines.append(line)
        if ends:
            self.blocks.append(tidy(fence.lines))
            self.open = fence.outer
        else:
            self._content(fence, line)

    def _content(self, fence: Fence, line: str) -> None:
        inner = self._nested(fence, line)
        if inner is None:
            fence.take(line)
        self.open = inner or fence

    @staticmethod
    def _nested(fence: Fence, line: str) -> Fence | None:
        """A block within one that wraps a whole answer, or in place of one that was opened twice."""
        inner = _fence(line)
        if inner is None or not inner.info or inner.language in _WRAPPERS:
            return None
        if not fence.begun:
            return inner
        if fence.language not in _WRAPPERS:
            return None
        inner.outer = fence
        return inner

    def _outside(self, line: str) -> None:
        opening = _OPENS.match(line.lstrip(_BLANK))
        if opening:
            self.reasoning, self.reasoned, self.depth, self.draft = True, True, 1, None
            self.line(line.lstrip(_BLANK)[opening.end() :])
            return
        close = _last(_ENDED, line)
        if close:
            if not _OPENS.search(line, 0, close.start()):
                self._forget()
            self.cuts.append(len(self.lines))
            line = line[close.end() :]
        elif self.draft is None and _NAMED.search(line):
            self.draft, self.depth = (len(self.blocks), len(self.lines)), 1
        self.lines.append(line)
        self.open = _fence(line)

    def _forget(self) -> None:
        """A closing tag: all since its opening tag was reasoning, which may stand in the prompt."""
        if self.draft is None:
            self.before += self.blocks
        blocks, lines = self.draft or (0, 0)
        del self.blocks[blocks:], self.lines[lines:]
        while self.cuts and self.cuts[-1] > lines:
            self.cuts.pop()
        self.cuts.append(lines)
        self.depth -= 1
        self.draft = self.draft if self.depth > 0 else None
        self.open, self.reasoned = None, True


def scan(lines: list[str], docstrings: bool) -> Scan:
    """Look at every line once."""
    found = Scan(docstrings)
    for line in lines:
        found.line(line)
    return found


def _last(pattern: re.Pattern[str], line: str) -> re.Match[str] | None:
    return next(reversed(list(pattern.finditer(line))), None)
