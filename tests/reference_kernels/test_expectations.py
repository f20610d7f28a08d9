"""What every kernel beside the seeds says of itself: how it ends, and what it does wrong, tries or is right to do."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from kernelwright.evaluator.evaluation import Status
from kernelwright.evaluator.outcomes import NO_GAIN
from kernelwright.reference_kernels import Task, bundled, load_task

TASKS = {name: load_task(name) for name in bundled()}
HOSTILE = {"Timing", "Replay", "Output", "Algorithm", "Environment"}
HONEST = {"Control"}


def kernels(group: str) -> dict[str, tuple[Task, Path]]:
    return {
        f"{name}/{group}/{path.stem}": (task, path)
        for name, task in TASKS.items()
        for path in getattr(task, group)
    }


WRONG, TRICKS, CONTROLS = kernels("wrong"), kernels("hostile"), kernels("honest")
ALL = WRONG | TRICKS | CONTROLS


@pytest.mark.parametrize("name", ALL)
def test_an_expectation_is_a_status_and_on_a_card_a_verdict(name: str) -> None:
    task, path = ALL[name]
    known = {*Status} | ({NO_GAIN} if name in TRICKS else set())
    assert task.expected(path) in known - {Status.UNCHECKED}
    assert task.expected(path, "offline") in known


@pytest.mark.parametrize("name", [*WRONG, *TRICKS])
def test_what_is_wrong_or_hostile_does_not_pass_on_a_card(name: str) -> None:
    task, path = ALL[name]
    assert task.expected(path) != Status.PASSED


@pytest.mark.parametrize("name", WRONG)
def test_an_honest_mistake_does_not_pass_without_a_card(name: str) -> None:
    """It may be left unchecked; only what is hostile may hide from a machine without a card."""
    task, path = WRONG[name]
    assert task.expected(path, "offline") != Status.PASSED


@pytest.mark.parametrize("name", CONTROLS)
def test_what_is_honest_passes(name: str) -> None:
    task, path = CONTROLS[name]
    assert task.expected(path) == Status.PASSED
    assert task.expected(path, "offline") in (Status.PASSED, Status.UNCHECKED)


@pytest.mark.parametrize("name", [*TRICKS, *CONTROLS])
def test_the_kind_is_known_and_one_sentence_says_what_it_does(name: str) -> None:
    task, path = ALL[name]
    kind, sentence = task.about(path)
    assert kind in (HOSTILE if name in TRICKS else HONEST)
    assert sentence.endswith(".") and ". " not in sentence


@pytest.mark.parametrize("name", ALL)
def test_a_docstring_says_this_and_nothing_else(name: str) -> None:
    text = ast.get_docstring(ast.parse(ALL[name][1].read_text(encoding="utf-8"))) or ""
    first, sentence = text.split("\n\n")
    assert first.startswith("expected: ") and "\n" not in first
    assert sentence.endswith(".") and (name not in WRONG or "\n" not in sentence)


@pytest.mark.parametrize("name", TASKS)
def test_names_are_unique_within_a_task(name: str) -> None:
    task = TASKS[name]
    stems = [path.stem for path in (*task.wrong, *task.hostile, *task.honest)]
    assert len(stems) == len({*stems, "seed", "reference"}) - 2
