"""Awkward replies, one file each: what has to come out is the name of its folder.

``corpus/kernel/NAME.md`` must yield ``NAME.py``, or ``shared.py`` where there is none; a reply in another
folder must fail as the folder is named. A second ending before ``.md`` is the finish reason.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from kernelwright.agent.record import ExtractionFailure, Failure
from kernelwright.agent.replies import extract

CORPUS = Path(__file__).parent / "corpus"
REPLIES = sorted(CORPUS.glob("*/*.md"))


def reply_of(path: Path) -> tuple[str, str | None]:
    """A reply and its finish reason; bytes as they are, lone surrogates included."""
    text = path.read_bytes().decode("utf-8", "surrogatepass")
    return text, Path(path.stem).suffix.removeprefix(".") or None


def expected_of(path: Path) -> str:
    own = path.with_name(path.name.partition(".")[0] + ".py")
    return (own if own.exists() else path.with_name("shared.py")).read_bytes().decode()


@pytest.mark.parametrize("path", REPLIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_reply(path: Path) -> None:
    found = extract(*reply_of(path))
    if path.parent.name == "kernel":
        assert found == expected_of(path)
        return
    assert isinstance(found, Failure)
    assert found.kind.value == path.parent.name, found.reason
    assert 20 < len(found.reason) < 200
    assert "\n" not in found.reason
    assert found.reason.isprintable()


def test_the_corpus_has_every_kind_of_end() -> None:
    kinds = {path.parent.name for path in REPLIES}
    assert kinds == {"kernel", *(kind.value for kind in ExtractionFailure)}
    sources = {path.stem for path in CORPUS.glob("kernel/*.py")}
    assert sources - {"shared"} <= {path.name.partition(".")[0] for path in REPLIES}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("empty/reasoning_only", "reasoning"),
        ("no_code/json_bare", "JSON"),
        ("no_code/json_in_a_python_block", "JSON"),
        ("no_code/prose_before_bare_code", "block of its own"),
        ("syntax_error/diff_of_the_whole_file", "diff"),
        ("syntax_error/diff_marks_in_a_python_block", "diff"),
        ("syntax_error/escaped_for_html", "&"),
        ("syntax_error/escaped_for_html_yet_valid", "&lt;"),
        ("syntax_error/smart_quotes", "U+201C"),
        ("truncated/a_whole_block_at_the_limit_content_filter.content_filter", "content filter"),
        ("truncated/elided_function_body", "existing code"),
        ("truncated/elided_kernel_stub", "scale_kernel"),
        ("truncated/elided_so_that_it_no_longer_parses", "same as before"),
    ],
)
def test_the_reason_names_what_the_model_did(name: str, said: str) -> None:
    found = extract(*reply_of(CORPUS / f"{name}.md"))
    assert isinstance(found, Failure)
    assert said in found.reason
