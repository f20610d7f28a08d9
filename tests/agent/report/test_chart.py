"""The gain chart: whatever the record holds, it is a safe picture that says what was measured and what not."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.agent.cli.main import main
from kernelwright.agent.record import AttemptKind, Record, StageEnd
from kernelwright.agent.report.chart import gain_chart
from kernelwright.agent.report.chart_axes import rows, spread, ticks, time_scale, whole_ticks
from kernelwright.agent.report.chart_data import marks
from kernelwright.agent.store import Store
from kernelwright.agent.views import timing

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))

from sample_campaigns import (
    HOSTILE,
    asked,
    attempt,
    decided,
    evaluation,
    measured,
    measured_record,
    offline_record,
)

SVG = "{http://www.w3.org/2000/svg}"
DRAWN = {"svg", "title", "desc", "style", "g", "a", "rect", "line", "path", "circle", "text"}
REAL = Path(__file__).parents[3] / "benchmarks" / "h200" / "layer_norm.db"
times = st.floats(min_value=1e-9, max_value=1e9)


def drawn(record: Record) -> ElementTree.Element:
    return ElementTree.fromstring(gain_chart(record))


def links(svg: ElementTree.Element) -> dict[str, ElementTree.Element]:
    return {link.attrib["href"].removeprefix("#"): link for link in svg.iter(f"{SVG}a")}


def words(svg: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in svg.iter(f"{SVG}text")]


def tried(count: int) -> Record:
    """A measured campaign in which every third attempt fails and every fiftieth is kept, as fast as those before it."""
    record = measured_record()
    for number in range(2, count):
        source, kept = f"kernel {number}", number % 50 == 0
        judged = measured(source, 0.3 - (number + 10) // 50 / 200, "ab" * 32, 0.3)
        if number % 3 == 0 and not kept:
            judged = evaluation(source, None, status="incorrect", reason="wrong", provenance="measured")
        fields = {"stage": "block_tiling", "evaluation": judged, "decision": decided(kept, "as it is")}
        record.attempts.append(attempt("meas", number, 0, AttemptKind.OPTIMISE, **fields))
    return record


@pytest.mark.parametrize("record", [offline_record(), measured_record()], ids=["offline", "measured"])
def test_every_attempt_of_a_small_campaign_is_a_link_that_says_what_it_is(record: Record) -> None:
    found = links(drawn(record))
    assert list(found) == [
        a.id for a in sorted(record.attempts, key=lambda a: bool(a.decision and a.decision.accepted))
    ]
    for name, link in found.items():
        assert (link.find(f"{SVG}title").text or "").startswith(f"{name}, ")  # type: ignore[union-attr]


def test_a_whisker_is_the_interval_that_the_tree_shows() -> None:
    """Not that of the gain, which is a ratio's and says nothing of the time alone."""
    record = measured_record()
    verdict = record.attempts[1].evaluation
    assert verdict and verdict.timing
    verdict.timing.samples = [(0.310, 3.8), (0.318, 3.9), (0.330, 4.0)]
    mark = marks(record)[1]
    assert (mark.low, mark.high) == timing.spread(verdict.timing)
    verdict.timing.samples = []
    assert (marks(record)[1].low, marks(record)[1].high) == (None, None)


def test_a_kept_mark_is_filled_and_an_estimate_dashed() -> None:
    offline, real = offline_record(), measured_record()
    assert real.attempts[1].decision
    real.attempts[1].decision.accepted = False
    for record, estimated in ((offline, True), (real, False)):
        found = links(drawn(record))
        for one in record.attempts:
            for circle in found[one.id].iter(f"{SVG}circle"):
                kept = bool(one.decision and one.decision.accepted)
                assert (circle.attrib["fill"] == "var(--paper, transparent)") is not kept
                assert ("stroke-dasharray" in circle.attrib) is estimated
                assert ("fill-opacity" in circle.attrib) is (estimated and kept)


def test_the_steps_of_estimates_are_dashed() -> None:
    svg = drawn(offline_record())
    stepped = [path for path in svg.iter(f"{SVG}path") if path.attrib.get("stroke-width") == "2"]
    assert [path.attrib.get("stroke-dasharray") for path in stepped] == ["4 3"]
    assert "kept, estimated" in words(svg)
    assert "kept" not in words(svg)


def test_a_measurement_never_continues_the_steps_of_estimates() -> None:
    with Store.open(REAL, read_only=True) as store:
        svg = drawn(store.record("am7r"))
    stepped = [path for path in svg.iter(f"{SVG}path") if path.attrib.get("stroke-width") == "2"]
    dashed, solid = sorted(stepped, key=lambda path: "stroke-dasharray" not in path.attrib)
    assert dashed.attrib["d"].count("V") == 2
    assert solid.attrib["d"].count("V") == 1
    assert "ms, measured on NVIDIA H200, estimated for the rtx-4090, logarithmic" in words(svg)


def test_the_lines_across_are_named_with_their_times() -> None:
    said = words(drawn(measured_record()))
    for line in ("8.43 ms eager", "0.320 ms torch.compile", "0.119 ms floor, H200", "0.318 ms best"):
        assert line in said


def test_without_a_measurement_only_the_target_has_a_floor() -> None:
    said = words(drawn(offline_record()))
    assert [text for text in said if "floor" in text] == ["0.566 ms floor, rtx-4090"]
    assert not [text for text in said if "eager" in text]


def test_what_was_not_finite_has_no_place_in_the_picture() -> None:
    record = measured_record()
    for bad in (math.nan, math.inf, -1.0, 0.0, 1e300):
        number = len(record.attempts)
        judged = record.attempts[1].evaluation.model_copy(deep=True)  # type: ignore[union-attr]
        judged.timing = judged.timing.model_copy(  # type: ignore[union-attr]
            update={"median_ms": bad, "speedup_ci95": (bad, bad), "speedup": bad}
        )
        record.attempts.append(
            attempt("meas", number, 0, AttemptKind.OPTIMISE, evaluation=judged, decision=decided(True, "x"))
        )
    record.campaign.session.floor_ms.device = math.nan  # type: ignore[union-attr]
    text = gain_chart(record)
    attributes = [value for node in ElementTree.fromstring(text).iter() for value in node.attrib.values()]
    assert not [value for value in attributes if "nan" in value or "inf" in value]
    assert set(links(drawn(record))) == {a.id for a in record.attempts}


def test_hostile_names_stay_words() -> None:
    record, bad = offline_record(), f"{HOSTILE}</title><script>alert(1)</script>\" onload='x' \ud800"
    record.campaign.settings.task = record.campaign.settings.target = bad
    record.campaign.session.device = bad  # type: ignore[union-attr]
    record.campaign.stage_ends.append(StageEnd(stage=bad, outcome="skipped", reason=bad))
    record.attempts.append(
        attempt("offl", 5, 1, AttemptKind.OPTIMISE, stage=bad, **asked("x"), decision=decided(False, bad))
    )
    record.attempts[-1].id = bad
    text = gain_chart(record)
    nodes = list(ElementTree.fromstring(text).iter())
    assert {node.tag.removeprefix(SVG) for node in nodes} <= DRAWN
    assert not [name for node in nodes for name in node.attrib if name.startswith("on")]
    assert text.encode()
    assert all(character.isprintable() for character in text)


def test_a_campaign_without_attempts_is_an_empty_picture() -> None:
    record = measured_record()
    record.attempts.clear()
    record.campaign.session = None
    record.campaign.standings.clear()
    assert not links(drawn(record))


def test_in_a_crowd_every_kept_attempt_stays_and_every_other_is_counted() -> None:
    record = tried(1000)
    found = links(drawn(record))
    assert {a.id for a in record.attempts if a.decision and a.decision.accepted} <= set(found)
    titles = [link.find(f"{SVG}title").text or "" for link in found.values()]  # type: ignore[union-attr]
    more = [int(title.split("(and ")[1].split()[0]) for title in titles if "(and " in title]
    assert len(found) + sum(more) == 1000
    assert len(found) < 600


def test_the_picture_says_in_words_what_it_shows() -> None:
    svg = drawn(measured_record())
    title, description = svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")
    assert svg.attrib["role"] == "img"
    assert svg.attrib["aria-labelledby"].split() == [title.attrib["id"], description.attrib["id"]]  # type: ignore[union-attr]
    assert description.text == (  # type: ignore[union-attr]
        "2 attempts, 2 with a time, 0 failed. Measured: 3.87 ms of meas.0, in the end 0.318 ms of meas.1. "
        "PyTorch eager in the final head-to-head: 8.43 ms. torch.compile in the final head-to-head: 0.320 ms. "
        "The least time that the task's bytes and operations take on the NVIDIA H200: 0.119 ms."
    )


@given(st.lists(times, min_size=1, max_size=8))
def test_ticks_are_few_inside_and_in_order(values: list[float]) -> None:
    scale = time_scale(values, 300, 0)
    found = ticks(scale)
    assert 1 <= len(found) <= 9 or scale.log
    assert len(found) <= 9
    assert found == sorted(set(found))
    assert all(scale.low <= value <= scale.high * (1 + 1e-9) for value in found)


@given(st.lists(times, min_size=2, max_size=8))
def test_a_longer_time_is_never_drawn_lower(values: list[float]) -> None:
    scale = time_scale(values, 300, 0)
    places = [scale(value) for value in sorted(values)]
    assert places == sorted(places, reverse=True)
    assert all(0 <= place <= 300 for place in places)


@given(st.lists(st.floats(min_value=0, max_value=260), max_size=6))
def test_names_at_the_right_keep_their_distance_and_their_order(wanted: list[float]) -> None:
    placed = spread(wanted, 14, 0, 260)
    assert all(b - a >= 14 - 1e-9 for a, b in zip(sorted(placed), sorted(placed)[1:], strict=False))
    assert [placed[i] for i in sorted(range(len(wanted)), key=wanted.__getitem__)] == sorted(placed)
    assert all(-1e-9 <= place <= 260 + 1e-9 for place in placed)


@given(st.lists(st.tuples(st.floats(0, 800), st.floats(1, 200)), max_size=30).map(sorted))
def test_names_of_stages_never_touch(labels: list[tuple[float, float]]) -> None:
    ends: dict[int, float] = {}
    for (start, width), row in zip(labels, rows(labels), strict=True):
        if row is not None:
            assert start >= ends.get(row, 0.0)
            ends[row] = start + width


@given(st.integers(0, 5000), st.integers(2, 20))
def test_whole_ticks_are_attempts(count: int, most: int) -> None:
    found = whole_ticks(count, most)
    assert all(0 <= place < count for place in found)
    assert len(found) <= most + 1
    assert bool(found) == bool(count)


def test_the_command_writes_the_picture_alone_and_never_over_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "gain.svg"
    line = ["report", "ctc4", "--store", str(REAL), "--chart", str(path)]
    assert main(line) == 0
    assert len(links(ElementTree.parse(path).getroot())) == 7
    assert main(line) == 2
    assert "exists: add --force" in capsys.readouterr().err
    assert main([*line, "--force"]) == 0
    assert main([*line, "-o", str(tmp_path / "page.html")]) == 2
    assert list(tmp_path.iterdir()) == [path]
