"""The coloured diff: the same lines as the exact one, marked without colour too, and nothing that steers a terminal."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from kernelwright.agent.views.code import marked_lines, side_by_sign
from kernelwright.agent.views.compare import code_diff
from rich.console import Console
from rich.text import Text
from sample_campaigns import BAD, FASTER, SEED

lines = st.lists(
    st.sampled_from(["import triton", "x = 1", "x = 2", "", '"""doc', '"""', "    y", "# …"]), max_size=12
)
sources = lines.map(lambda found: "".join(f"{line}\n" for line in found))


def shown(before: str, after: str, width: int = 100, **options: object) -> str:
    file = io.StringIO()
    settings = {"force_terminal": True, "color_system": "standard", "no_color": False, **options}
    Console(file=file, width=width, highlight=False, markup=False, **settings).print(
        side_by_sign(before, after)
    )  # type: ignore[arg-type]
    return file.getvalue()


@given(sources, sources)
def test_it_has_the_lines_of_the_exact_diff(before: str, after: str) -> None:
    exact = [
        line for line in code_diff(before, after, "a", "b").splitlines()[2:] if not line.startswith("@@")
    ]
    found = [sign + line.plain for sign, line in marked_lines(before, after) if sign != "@"]
    assert sorted(found) == sorted(exact)


def spans(line: Text) -> list[str]:
    return [line.plain[span.start : span.end] for span in line.spans if "reverse" in str(span.style)]


def test_words_that_changed_are_set_off() -> None:
    found = {sign: line for sign, line in marked_lines(SEED, FASTER) if sign in "+-"}
    assert (spans(found["-"]), spans(found["+"])) == (["16"], ["4096"])


def test_lines_that_have_little_in_common_are_whole() -> None:
    assert not any(spans(line) for _, line in marked_lines("import triton\n", "offsets = 7 * pid\n"))


def test_signs_stand_without_colour() -> None:
    output = shown(SEED, FASTER, no_color=True, color_system=None, force_terminal=False)
    rows = [line.rstrip() for line in output.splitlines()]
    assert "- GRID = 16" in rows and "+ GRID = 4096" in rows and "\x1b" not in output


def test_colours_are_those_of_a_terminal() -> None:
    output = shown(SEED, FASTER)
    assert "\x1b[1;31m-" in output and "\x1b[1;32m+" in output
    assert "\x1b[1;3" not in shown(SEED, FASTER, no_color=True)


def test_nothing_hostile_passes() -> None:
    output = shown(SEED, BAD)
    for mark in ("\x1b[2J", "\x1b]", "\x07", "\u202e"):
        assert mark not in output
    assert r"\x1b[2J" in output and "[bold red]not markup[/]" in output


def test_long_lines_go_on_below_beside_the_sign() -> None:
    output = shown("", "x = '" + "y" * 100 + "'\n", width=40, color_system=None, force_terminal=False)
    first, *rest = output.splitlines()[1:]
    assert first.startswith("+ x = ")
    assert len(rest) > 1 and all(row.startswith("… ") for row in rest)
    assert output.count("y") == 100


def test_sources_without_a_visible_difference_say_so() -> None:
    assert shown(SEED, SEED).strip() == "same source"
    assert "only their ends differ" in shown("x = 1", "x = 1\n")
    assert "only their ends differ" in shown("x = 1\r\n", "x = 1\n")
