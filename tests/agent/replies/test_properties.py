"""What holds of every reply, whatever stands in it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from kernelwright.agent.record import Failure
from kernelwright.agent.replies import extract
from kernelwright.evaluator.source import check_source

CORPUS = Path(__file__).parent / "corpus"
SOURCES = sorted({path.read_bytes().decode() for path in CORPUS.glob("kernel/*.py")})
DRAFT = (CORPUS / "kernel" / "shared.py").read_text().replace("1024", "64")
REPLIES = [path.read_bytes().decode("utf-8", "surrogatepass") for path in sorted(CORPUS.glob("*/*.md"))]

WORDS = [
    "It",
    "reads",
    "each",
    "row",
    "once",
    "`BLOCK`",
    "**faster**",
    "34 %",
    "→",
    "a < b",
    "x[0]",
    "“so”",
    "\t",
    "#",
]
prose = st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), max_size=4).map("\n".join)
marks = st.sampled_from(["```", "````", "~~~", "`````", "~~~~~~"])
infos = st.sampled_from(
    ["", "python", "py", "Python3", "triton", 'python title="k.py"', "{.python}", " python "]
)
tags = st.sampled_from(["think", "thinking", "REASONING", "analysis", "seed:think"])
ends = st.sampled_from(["\n", "\r\n", "\r"])


def fenced(source: str, mark: str, info: str, indent: str = "") -> str:
    return "".join(
        indent + line if line.strip() else line for line in f"{mark}{info}\n{source}{mark}\n".splitlines(True)
    )


def long_enough(source: str) -> str:
    """A fence that nothing in the source closes."""
    return "`" * max(len(run) for run in ("```", *_runs(source)))


def _runs(source: str) -> list[str]:
    return ["`" * (n + 1) for n in range(3, 9) if "`" * n in source]


@given(st.sampled_from(SOURCES), prose, infos, prose, prose, st.none() | tags, ends)
def test_a_wrapped_kernel_comes_out_exactly(
    source: str, before: str, info: str, between: str, after: str, tag: str | None, end: str
) -> None:
    reasoning = (
        f"<{tag}>\n{between}\n{fenced(DRAFT, '```', 'python')}{between}\n</{tag}>\n" if tag else between
    )
    reply = f"{reasoning}\n{before}\n\n{fenced(source, long_enough(source), info)}\n{after}\n"
    assert extract(reply.replace("\n", end), "stop") == source


@given(st.sampled_from(SOURCES), marks, infos, st.sampled_from(["", "  ", "    ", "\t"]), prose)
def test_whatever_comes_before_the_last_kernel_changes_nothing(
    source: str, mark: str, info: str, indent: str, between: str
) -> None:
    first = fenced(DRAFT, mark, info, indent)
    assert extract(f"{first}\n{between}\n\n{fenced(source, long_enough(source), 'python')}") == source


pieces = st.sampled_from(
    [
        *("```\n", "```python\n", "~~~\n", "````\n", "    ```\n", "```markdown\n", "<think>\n", "</think>\n"),
        *(
            "[THINK]",
            "[/THINK]",
            "text <think> text\n",
            "`</think>`\n",
            '"""\n',
            "'''\n",
            "\r\n",
            "\r",
            "\ufeff",
        ),
        *(
            "prose\n",
            "\n",
            "    ",
            "\u200b",
            "\0",
            "\ud800",
            "class ModelNew:\n",
            "# ...\n",
            "&lt;",
            "<|im_end|>",
        ),
    ]
)
replies = st.one_of(
    st.lists(pieces | st.sampled_from([*SOURCES[:6], DRAFT]) | st.text(max_size=20), max_size=14).map(
        "".join
    ),
    st.tuples(st.sampled_from(REPLIES), st.sampled_from(REPLIES)).map("".join),
    st.tuples(st.sampled_from(REPLIES), st.integers(0, 4000)).map(lambda pair: pair[0][: pair[1]]),
)


def flat(text: str) -> list[str]:
    """Lines without indentation, whatever their ends."""
    return [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]


@settings(max_examples=200, deadline=None)
@given(replies, st.sampled_from([None, "stop", "length"]))
def test_a_kernel_is_one_piece_of_the_reply_and_a_failure_has_a_reason(
    reply: str, finish: str | None
) -> None:
    found = extract(reply, finish)
    if isinstance(found, Failure):
        assert found.reason and "\n" not in found.reason
        return
    assert finish != "length"
    assert "\n".join(flat(found)).strip("\n") in "\n".join(flat(reply))
    assert extract(found) == found
    assert check_source(found) is None
