from __future__ import annotations

import unicodedata
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.agent.views.text import (
    interval,
    metric,
    milliseconds,
    number,
    one_line,
    plain,
    seconds,
    times,
)
from kernelwright.evaluator.metrics import DURATION, GRID_SIZE, L2_HIT


@given(st.text())
def test_plain_text_steers_nothing(text: str) -> None:
    for char in plain(text):
        assert char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs"), repr(char)
        assert char not in "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"


@pytest.mark.parametrize(
    "hidden",
    ["\u00ad", "\u034f", "\u115f", "\u180e", "\u2065", "\u3164", "\ufff9", "\U000e0041", "\U000e0101"],
    ids=ascii,
)
def test_what_nobody_sees_is_shown(hidden: str) -> None:
    assert plain(f"a{hidden}b") == f"a{hidden.encode('unicode_escape').decode()}b"


@given(st.text(alphabet="a\ufffe\uffff\ufffd\U0001fffe\x0b\ud800"))
def test_plain_text_may_stand_in_xml(text: str) -> None:
    assert fromstring(f"<a>{plain(text)}</a>").text == (plain(text) or None)


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"])))
def test_plain_text_leaves_ordinary_text_alone(text: str) -> None:
    assert plain(text) == text


@given(st.text(), st.integers(2, 50))
def test_one_line_is_one_line_and_short(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit and len(line.splitlines()) <= 1


def test_numbers() -> None:
    assert [number(x) for x in (0.0, 65536.0, 95.5, 1.613, 0.0005, 16.0)] == [
        "0",
        "65,536",
        "95.5",
        "1.61",
        "0.0005",
        "16",
    ]
    assert [milliseconds(x) for x in (0.31812, 8.43, 1234.5)] == ["0.318 ms", "8.43 ms", "1,234 ms"]
    assert [milliseconds(x) for x in (0.32, 8.0, 123.4, 999.7)] == [
        "0.320 ms",
        "8.00 ms",
        "123 ms",
        "1,000 ms",
    ]
    assert [times(x) for x in (0.951, 1.022, 1.05, 12.17)] == ["0.951×", "1.022×", "1.05×", "12.2×"]
    assert [interval(1.021, 1.024), interval(1.02, 1.2)] == ["[1.021, 1.024]", "[1.02, 1.20]"]
    assert [seconds(x) for x in (3.14, 125.0, 7500.0)] == ["3.1 s", "2 min 05 s", "2 h 05 min"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (DURATION, 318_400.0, "0.318 ms"),
        (L2_HIT, 5.0, "5.0"),
        (L2_HIT, 65.26, "65.3"),
        (GRID_SIZE, 65536.0, "65,536"),
    ],
)
def test_metrics_have_one_unit_and_steady_digits(name: str, value: float, expected: str) -> None:
    assert metric(name, value) == expected
