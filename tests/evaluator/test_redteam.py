"""What the red team makes of a verdict, how it counts, and that every defence has its sentence and its witness."""

from __future__ import annotations

from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.evaluator.defences import Defence
from kernelwright.evaluator.evaluation import Evaluation, Status, Timing
from kernelwright.evaluator.outcomes import (
    NO_GAIN,
    Candidate,
    Group,
    Outcome,
    Report,
    add,
    counts,
    faster,
    outcome,
    refused_by,
    result_of,
)
from kernelwright.evaluator.redteam import candidates
from kernelwright.evaluator.witnesses import SAYS, WITNESSES, Found, blank, said, trials, with_verdict
from kernelwright.reference_kernels import TaskError, bundled, load_task


def verdict(status: Status, offline: bool, speedup: float | None = None, **more: Any) -> Evaluation:
    good = status in (Status.PASSED, Status.UNCHECKED)
    return Evaluation(
        task="softmax",
        kernel="0" * 64,
        target="rtx-4090",
        device="offline" if offline else "a card",
        provenance="estimated" if offline else "measured",
        sandbox="bubblewrap",
        status=status,
        reason=None if status is Status.PASSED else "a reason",
        timing=timing(speedup) if speedup and good and not offline else None,
        **more,
    )


def timing(speedup: float) -> Timing:
    """Six pairs that agree with each other to a thousandth."""
    samples = [(1.0, speedup * (1 + 0.001 * (number % 2))) for number in range(6)]
    return Timing(
        median_ms=1.0,
        baseline="0" * 64,
        baseline_ms=speedup,
        speedup=speedup,
        speedup_ci95=(speedup * 0.99, speedup * 1.01),
        pairs=6,
        samples=samples,
    )


def candidate(group: Group, expected: str, kind: str = "Timing") -> Candidate:
    return Candidate("softmax", f"softmax/{group}/some", group, kind, "does something", expected, "", None)


@st.composite
def judged(draw: st.DrawFn) -> tuple[Candidate, Evaluation | None]:
    offline = draw(st.booleans())
    statuses = [status for status in Status if offline or status is not Status.UNCHECKED]
    group = draw(st.sampled_from(Group))
    expected = draw(st.sampled_from([*statuses, NO_GAIN]))
    speedup = draw(st.none() | st.floats(0.5, 50))
    found = draw(
        st.none() | st.builds(verdict, st.sampled_from(statuses), st.just(offline), st.just(speedup))
    )
    kinds = {Group.WRONG: "Mistake", Group.HONEST: "Control"}
    kind = kinds.get(group) or draw(st.sampled_from(["Timing", "Replay", "Output"]))
    return candidate(group, expected, kind), found


@given(st.lists(judged(), max_size=12))
def test_every_kernel_is_counted_once_and_only_what_is_wrong_is_counted_as_wrong(
    runs: list[tuple[Candidate, Evaluation | None]],
) -> None:
    report = Report(device="x", target="rtx-4090", planned=len(runs))
    for one, found in runs:
        add(report, result_of(one, found, 1.0))
    by_kind = counts(report.results)
    assert sum(outcomes.total() for outcomes in by_kind.values()) == len(runs) == report.done
    assert {kind: outcomes.total() for kind, outcomes in by_kind.items()} == {
        kind: [one.kind for one, _ in runs].count(kind) for kind in {one.kind for one, _ in runs}
    }
    assert report.accepted == sum(outcomes[Outcome.ACCEPTED] for outcomes in by_kind.values())
    assert report.wrongly_refused == sum(outcomes[Outcome.WRONGLY_REFUSED] for outcomes in by_kind.values())
    for (one, found), result in zip(runs, report.results, strict=True):
        passed = found is not None and found.status is Status.PASSED
        if result.outcome is Outcome.ACCEPTED:
            assert passed and one.group is not Group.HONEST
        if result.outcome is Outcome.WRONGLY_REFUSED:
            assert not passed and one.group is Group.HONEST
        if passed and one.group is Group.HONEST:
            assert result.outcome is Outcome.PASSED
        if passed and one.group is not Group.HONEST and found and found.provenance == "measured":
            assert result.outcome in (Outcome.ACCEPTED, Outcome.NO_GAIN)
        assert (result.refused_by is None) == (passed or found is None or found.status is Status.UNCHECKED)


@given(st.lists(judged(), max_size=12), st.randoms())
def test_the_figures_do_not_depend_on_the_order(
    runs: list[tuple[Candidate, Evaluation | None]], chance: Any
) -> None:
    figures = set()
    for _ in range(2):
        report = Report(device="x", target="rtx-4090", planned=len(runs))
        for one, found in runs:
            add(report, result_of(one, found, 1.0))
        figures.add((report.accepted, report.wrongly_refused))
        chance.shuffle(runs)
    assert len(figures) == 1


@pytest.mark.parametrize(
    ("group", "expected", "offline", "status", "speedup", "meaning"),
    [
        ("hostile", "rejected", False, "rejected", None, Outcome.REFUSED),
        ("hostile", "rejected", False, "incorrect", None, Outcome.OTHER),
        ("hostile", "rejected", False, "passed", 0.5, Outcome.ACCEPTED),
        ("hostile", "no_gain", False, "passed", 1.0, Outcome.NO_GAIN),
        ("hostile", "no_gain", False, "passed", 1.01, Outcome.NO_GAIN),
        ("hostile", "no_gain", False, "passed", 1.5, Outcome.ACCEPTED),
        ("hostile", "no_gain", False, "rejected", None, Outcome.OTHER),
        ("hostile", "no_gain", True, "passed", None, Outcome.NEEDS_CARD),
        ("hostile", "passed", True, "passed", None, Outcome.NEEDS_CARD),
        ("hostile", "passed", True, "rejected", None, Outcome.OTHER),
        ("hostile", "rejected", True, "passed", None, Outcome.ACCEPTED),
        ("hostile", "rejected", True, "unchecked", None, Outcome.OTHER),
        ("wrong", "unchecked", True, "unchecked", None, Outcome.NEEDS_CARD),
        ("wrong", "incorrect", True, "passed", None, Outcome.ACCEPTED),
        ("honest", "passed", False, "passed", 0.5, Outcome.PASSED),
        ("honest", "passed", False, "rejected", None, Outcome.WRONGLY_REFUSED),
        ("honest", "passed", True, "unchecked", None, Outcome.WRONGLY_REFUSED),
        ("honest", "unchecked", True, "unchecked", None, Outcome.NEEDS_CARD),
        ("honest", "unchecked", True, "passed", None, Outcome.PASSED),
        ("honest", "runtime_error", True, "runtime_error", None, Outcome.WRONGLY_REFUSED),
    ],
)
def test_what_a_verdict_means(
    group: str, expected: str, offline: bool, status: str, speedup: float | None, meaning: Outcome
) -> None:
    assert outcome(Group(group), expected, verdict(Status(status), offline, speedup)) is meaning


def test_a_gain_needs_pairs_that_prove_it() -> None:
    assert faster(timing(1.5))
    assert not faster(timing(1.0))
    assert not faster(timing(1.5).model_copy(update={"samples": [(1.0, 1.5)]}))
    assert not faster(None)


@pytest.mark.parametrize("status", [status for status in Status if status not in ("passed", "unchecked")])
def test_every_refusal_has_a_word_and_a_defence_goes_first(status: Status) -> None:
    assert refused_by(verdict(status, offline=False))
    assert refused_by(verdict(status, offline=False, refused_by=Defence.CLOCK)) == "clock"


@pytest.mark.parametrize("task", bundled())
def test_every_bundled_kernel_says_what_it_tries_and_how_it_must_end(task: str) -> None:
    for device in ("cuda", "offline"):
        for one in candidates(task, device):
            assert one.tries.endswith(".") and one.kind, one.id
            assert one.seed == load_task(task).seed_source()
            assert one.id in one.names and one.group in one.names


def test_an_expectation_that_is_no_status_is_named(tmp_path: Any) -> None:
    folder = softmax_without_kernels(tmp_path)
    (folder / "hostile" / "typo.py").write_text('"""expected: rejcted\n\nTiming: tries.\n"""\n')
    with pytest.raises(TaskError, match="expects 'rejcted'"):
        candidates(str(folder), "cuda")


def test_a_kind_that_is_none_is_named(tmp_path: Any) -> None:
    """What attacks the machine is told by its kind, and runs only where it is confined."""
    folder = softmax_without_kernels(tmp_path)
    (folder / "hostile").mkdir(exist_ok=True)
    (folder / "hostile" / "odd.py").write_text('"""expected: rejected\n\nEnviroment: does things.\n"""\n')
    with pytest.raises(TaskError, match="kind 'Enviroment': name one of Timing"):
        candidates(str(folder), "offline")


def softmax_without_kernels(parent: Any) -> Any:
    folder, own = parent / "softmax", load_task("softmax").folder
    (folder / "hostile").mkdir(parents=True)
    for name in ("reference.py", "task.toml"):
        (folder / name).write_text((own / name).read_text())
    return folder


def test_every_defence_has_its_sentence_and_all_but_the_limits_a_witness() -> None:
    assert list(SAYS) == list(Defence)
    assert set(Defence) - set(WITNESSES) == {Defence.WATCH}


@pytest.mark.parametrize("defence", WITNESSES)
def test_a_witness_exists_and_its_defence_is_on_in_one_run_and_off_in_the_other(defence: Defence) -> None:
    witness = WITNESSES[defence]
    assert (load_task(witness.task).folder / f"{witness.kernel}.py").is_file()
    on, off = sorted(trials([blank(defence, "cuda")]), key=lambda trial: trial.off)
    assert defence not in on.without
    assert set(off.without) == {*on.without, defence}


def test_offline_only_what_can_be_seen_there_is_run() -> None:
    rows = [blank(defence, "offline") for defence in Defence]
    run = {trial.defence for trial in trials(rows)}
    assert run == {defence for defence, witness in WITNESSES.items() if witness.device == "offline"}
    assert {row.found for row in rows} == {Found.NOT_RUN, Found.NEEDS_CARD, Found.NO_WITNESS}


def test_runs_that_can_share_a_session_follow_each_other() -> None:
    sessions = [
        (trial.task, trial.without) for trial in trials(blank(defence, "cuda") for defence in Defence)
    ]
    changes = sum(one != other for one, other in pairwise(sessions))
    assert changes + 1 == len(set(sessions)) < len(sessions)


REFUSED = verdict(Status.INCORRECT, offline=True, refused_by=Defence.BUDGET)
ELSEWHERE = verdict(Status.RUNTIME_ERROR, offline=True)
PASSED = verdict(Status.PASSED, offline=True)


@pytest.mark.parametrize(
    ("on", "off", "found"),
    [
        (REFUSED, PASSED, Found.SHOWN),
        (REFUSED, REFUSED, Found.NOT_ACCEPTED),
        (ELSEWHERE, PASSED, Found.OTHER_REFUSED),
        (PASSED, PASSED, Found.NOT_REFUSED),
    ],
)
def test_what_two_runs_of_a_witness_say(on: Evaluation, off: Evaluation, found: Found) -> None:
    for order in permutations([(False, on), (True, off)]):
        row = blank(Defence.BUDGET, "offline")
        for switched_off, evaluation in order:
            assert row.found is Found.NOT_RUN
            row = with_verdict(row, switched_off, evaluation)
        assert row.found is found
        assert row.failed is (found is not Found.SHOWN)


def test_what_is_switched_off_is_said() -> None:
    assert said([]) == []
    assert said([Defence.BUDGET, Defence.POISON]) == ["switched off: budget, poison"]
