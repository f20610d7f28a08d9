"""Replies that are made to take forever, or to break a parser: each is a failure, in linear time."""

from __future__ import annotations

import pytest
from kernelwright.agent.record import ExtractionFailure, Failure
from kernelwright.agent.replies import MAX_REPLY, extract

FULL = MAX_REPLY - 100
SMALL = 250_000


def block(line: str, info: str = "python") -> str:
    return f"```{info}\n{line}\n```\n"


def full(text: str) -> str:
    return text * (FULL // len(text))


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "reply",
    [
        "x" * 10_000_000,
        "\n" * 10_000_000,
        *("\n" * FULL, "\r" * FULL, " " * FULL + "x", "\u200b" * FULL, "`" * FULL, '"' * FULL, full("``` ")),
        "```" + " " * SMALL + "`",
        *(full("```\n"), full("```markdown\n"), full("```markdown\n```python\n"), full("\u200b```")),
        *(full(block("class ModelNew: pass")), full(block("ModelNew = 1")), full('```python\n"""\n```\n')),
        *(
            full("<think></think>"),
            full("<think>"),
            full("</think>\n"),
            full("<think "),
            full("</think "),
            full("<a:"),
        ),
        *("<think" + " " * FULL, "</think" + " " * FULL, full("a <think>\n```\nx\n```\n</think>\n")),
        full("<think>\n<think>\n</think>\n" + block("class ModelNew: pass") + "</think>\n"),
        *(
            full("<|channel|>analysis"),
            full("<|"),
            "class" + " " * FULL,
            full("class "),
            full('{"class ModelNew":'),
        ),
        *(block("class ModelNew: x = " + "(" * SMALL), block("class ModelNew: x = " + "-" * SMALL + "1")),
        block("class ModelNew: x = y" + ".z" * (SMALL // 2)),
        *(block("class ModelNew(\n" + "&" * SMALL), block("class ModelNew(\n" + "&lt" * (SMALL // 3))),
        *(block("class ModelNew(\n#" + " ..." * (SMALL // 4)), block("class ModelNew(\n" + "#" * SMALL)),
        block("class ModelNew(\n" + "+    " * (SMALL // 5)),
        block("class ModelNew:\n" + "  def forward(self): ...\n" * 9000),
        *(block("class ModelNew:\0") * 1000, block("class ModelNew: x = '\ud800'")),
    ],
    ids=lambda reply: f"{len(reply)}-{reply[:24]!a}",
)
def test_a_hostile_reply_is_a_failure(reply: str) -> None:
    assert isinstance(extract(reply), Failure)


def test_a_reply_that_is_too_long_is_not_read() -> None:
    found = extract("x" * (MAX_REPLY + 1))
    assert isinstance(found, Failure)
    assert found.kind is ExtractionFailure.NO_CODE
    assert str(MAX_REPLY + 1) in found.reason


def test_the_last_of_hundreds_of_blocks_is_found(request: pytest.FixtureRequest) -> None:
    kernel = (request.path.parent / "corpus" / "kernel" / "shared.py").read_text()
    draft = kernel.replace("1024", "64")
    assert extract(block(draft) * 500 + block(kernel[:-1]) + block("x = 1", "text") * 500) == kernel
