"""What people see: each view at a fixed width, as it was agreed on."""

from __future__ import annotations

import io
import json

import pytest
from kernelwright.agent.judging import DEFERRED
from kernelwright.agent.record import Decision, Record
from kernelwright.agent.views.attempt import attempt_line, attempt_page
from kernelwright.agent.views.campaigns import campaigns, campaigns_json
from kernelwright.agent.views.code import side_by_sign
from kernelwright.agent.views.compare import changes, code_diff, diff_json
from kernelwright.agent.views.lineage import names, state
from kernelwright.agent.views.product import header, with_header
from kernelwright.agent.views.summary import summary, summary_json
from kernelwright.agent.views.tree import tree, tree_json
from rich.console import Console, RenderableType
from sample_campaigns import BAD, FASTER, HOSTILE, SEED, measured_record, offline_record
from syrupy.assertion import SnapshotAssertion

RECORDS = {"offline": offline_record, "measured": measured_record}


def shown(*views: RenderableType, terminal: bool = False) -> str:
    file = io.StringIO()
    console = Console(
        file=file,
        width=130,
        highlight=False,
        markup=False,
        force_terminal=terminal,
        color_system="standard" if terminal else None,
    )
    for view in views:
        console.print(view)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


@pytest.fixture(params=sorted(RECORDS))
def record(request: pytest.FixtureRequest) -> Record:
    return RECORDS[request.param]()


def test_tree(record: Record, snapshot: SnapshotAssertion) -> None:
    assert shown(tree(record)) == snapshot


def test_summary(record: Record, snapshot: SnapshotAssertion) -> None:
    assert shown(summary(record)) == snapshot


def test_attempt_lines(record: Record, snapshot: SnapshotAssertion) -> None:
    assert shown(*(attempt_line(attempt, names(record)) for attempt in record.attempts)) == snapshot


def test_attempt_page(record: Record, snapshot: SnapshotAssertion) -> None:
    assert shown(attempt_page(record.attempts[1], record)) == snapshot


def test_page_of_a_failed_attempt(snapshot: SnapshotAssertion) -> None:
    record = offline_record()
    assert shown(attempt_page(record.attempts[3], record)) == snapshot


def test_campaigns(snapshot: SnapshotAssertion) -> None:
    assert shown(campaigns([offline_record(), measured_record()])) == snapshot


def test_changes(record: Record, snapshot: SnapshotAssertion) -> None:
    assert shown(changes(record.attempts[0], record.attempts[1])) == snapshot


def test_product(record: Record, snapshot: SnapshotAssertion) -> None:
    assert with_header(record, record.attempts[1], FASTER) == snapshot


def test_every_estimate_is_marked() -> None:
    """Nowhere does a time of the offline campaign stand without its mark."""
    record = offline_record()
    views = shown(
        tree(record), summary(record), campaigns([record]), attempt_page(record.attempts[1], record)
    )
    for line in views.splitlines():
        if "0.61 ms" in line and "an estimated" not in line.split("0.61 ms")[0]:
            assert "0.61 ms est." in line, line
    assert "provisional" in shown(summary(record))


def test_an_estimate_claims_no_speedup() -> None:
    record = offline_record()
    assert "×" not in shown(summary(record), tree(record)).replace("16×4096×1", "")


def test_nothing_hostile_reaches_the_terminal() -> None:
    """Colours are ours; any other escape, control character or turned direction is shown and not sent."""
    record = offline_record()
    views = [attempt_page(attempt, record) for attempt in record.attempts]
    lines = [attempt_line(attempt, names(record)) for attempt in record.attempts]
    output = shown(tree(record), summary(record), side_by_sign(SEED, BAD), *views, *lines, terminal=True)
    for mark in ("\x1b[2J", "\x1b]", "\x07", "\u202e"):
        assert mark not in output
    assert r"\x1b[2J" in output and "[bold red]not markup[/]" in output


def test_data_is_exact() -> None:
    """What the terminal must not get, JSON keeps."""
    data = json.loads(json.dumps(tree_json(offline_record())))
    assert data["attempts"][3]["verdict"]["reason"].endswith(HOSTILE)
    assert data["best_path"] == ["offl.0", "offl.1"]


def test_a_header_stays_a_comment() -> None:
    """Text that a model chose cannot break out of the product's header."""
    record = offline_record()
    attempt = record.attempts[1]
    assert attempt.evaluation is not None
    evaluation = attempt.evaluation.model_copy(
        update={"warnings": ["first\nimport os\r\x0cos.system('x')\u2028y"]}
    )
    product = with_header(record, attempt.model_copy(update={"evaluation": evaluation}), SEED)
    head = product.removesuffix(SEED)
    assert all(line.startswith("#") for line in head.splitlines() if line)


def test_diff_is_one_that_patch_reads() -> None:
    diff = code_diff("a\nb", "a\nc\n", "old", "new")
    assert diff == "--- old\n+++ new\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n"


def test_diff_data_pairs_metrics() -> None:
    record = measured_record()
    data = diff_json(record.attempts[0], record.attempts[1], "")
    assert data["metrics"]["final"]["duration_ms"] == {"before": 3.87 * 0.9, "after": 0.318 * 0.9}


def test_lists_as_data() -> None:
    first, second = campaigns_json([offline_record(), measured_record()])
    assert first["best"]["verdict"]["timing"] is None and first["best"]["verdict"]["estimate"]["ms"] == 0.61
    assert second["best"]["verdict"]["timing"]["speedup"] == 3.87 / 0.318


def test_summary_as_data(snapshot: SnapshotAssertion) -> None:
    assert list(summary_json(measured_record())) == snapshot


def test_the_header_of_an_estimate_says_how_far_its_check_went_and_how_to_go_on() -> None:
    record = offline_record()
    assert record.best is not None
    said = "\n".join(header(record, record.best))
    assert "in Triton's interpreter at small shapes" in said and "{" not in said
    assert f"`kernelwright resume {record.campaign.id} --device cuda`" in said
    measured = measured_record()
    assert measured.best is not None
    assert "interpreter" not in "\n".join(header(measured, measured.best))


@pytest.mark.parametrize("word", ["duplicate", "deferred", "to be judged"])
def test_a_kernel_without_a_verdict_says_why(word: str) -> None:
    twin = "the same kernel as offl.1, which was judged already"
    reason = {"duplicate": twin, "deferred": DEFERRED}.get(word)
    decision = Decision(accepted=False, reason=reason) if reason else None
    attempt = offline_record().attempts[1].model_copy(update={"evaluation": None, "decision": decision})
    assert state(attempt) == word


def test_the_tree_says_why_a_campaign_stands_still_and_what_goes_on() -> None:
    text = shown(tree(measured_record(), option=" --store s.db"))
    assert "`kernelwright resume meas --max-minutes N --store s.db` goes on" in text
    text = shown(tree(offline_record(), "stopped"))
    assert "stopped: its process is gone" in text and "`kernelwright resume offl` goes on" in text


def test_what_came_from_a_file_says_so_wherever_it_is_shown() -> None:
    record = measured_record()
    count = len(record.attempts)
    taken = record.model_copy(update={"campaign": record.campaign.model_copy(update={"imported": count})})
    best = taken.best
    assert best is not None
    told = [
        shown(tree(taken)),
        shown(campaigns([taken])),
        shown(attempt_page(best, taken)),
        "\n".join(header(taken, best)),
    ]
    assert all("imported" in each for each in told)
    later = best.model_copy(update={"number": count})
    assert "imported" not in "\n".join(header(taken, later))
    assert "imported" not in "\n".join(header(record, best))
