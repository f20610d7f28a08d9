"""What stands between a candidate and a verdict that it did not earn: each defence by its name.

A defence is asked for by name where it acts (`on`), so that the red team can switch one off and show what gets
through without it. The switches belong to one process: the judge sets its own from its command line and tells its
runners; no campaign can reach them, and a verdict that was found with a defence off says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum


class Defence(StrEnum):
    """By name; `SAYS` tells what each holds to be so."""

    BUDGET = "budget"
    FAMILIES = "families"
    PARAMETERS = "parameters"
    FRESH_INPUTS = "fresh_inputs"
    POISON = "poison"
    EXACT_OUTPUT = "exact_output"
    INPUTS_KEPT = "inputs_kept"
    AT_RETURN = "at_return"
    RECHECK = "recheck"
    OWN_KERNELS = "own_kernels"
    KERNEL_IDENTITY = "kernel_identity"
    SAME_WORK = "same_work"
    INTEGRITY = "integrity"
    CLOCK = "clock"
    FLOOR = "floor"
    BASELINE_ALONE = "baseline_alone"
    PROFILER = "profiler"
    WATCH = "watch"


SAYS: dict[Defence, str] = {
    Defence.BUDGET: "errors stay within a multiple of those that PyTorch itself makes",
    Defence.FAMILIES: "the answer is right on values other than standard-normal ones, too",
    Defence.PARAMETERS: "weights and biases are drawn anew after the candidate was imported",
    Defence.FRESH_INPUTS: "every call, timed or not, has contents that were never seen before",
    Defence.POISON: "outputs are full of NaN until they are written",
    Defence.EXACT_OUTPUT: "outputs are plain tensors of the right dtype, shape and device",
    Defence.INPUTS_KEPT: "inputs are as they were, and no output lies in shared memory",
    Defence.AT_RETURN: "the answer is there when forward returns, on its own stream",
    Defence.RECHECK: "outputs of timed calls, chosen at random, are compared like all others",
    Defence.OWN_KERNELS: "at least half of the GPU's time goes to the source's own Triton kernels",
    Defence.KERNEL_IDENTITY: "a traced kernel is Triton's only if Triton launched just such a one",
    Defence.SAME_WORK: "timed calls launch what the traced call launched, and take no less",
    Defence.INTEGRITY: "nothing that the measurement rests on was replaced in the process",
    Defence.CLOCK: "a gain shows on the judge's own clock",
    Defence.FLOOR: "no time lies below what the task's bytes and operations take",
    Defence.BASELINE_ALONE: "the baseline is no slower beside the candidate than alone",
    Defence.PROFILER: "Nsight Compute's durations agree with the events",
    Defence.WATCH: "memory, processes and files stay within limits",
}
"""What each defence holds to be so."""

_off: frozenset[Defence] = frozenset()


def on(defence: Defence) -> bool:
    """Whether that defence acts in this process."""
    return defence not in _off


def switch_off(defences: Iterable[str]) -> None:
    """For a red-team run: these no longer act in this process; raises ValueError for a name that is none."""
    global _off
    _off = frozenset(Defence(name) for name in defences)


def switched_off() -> list[Defence]:
    """What does not act here, in the order of their definition."""
    return [defence for defence in Defence if defence in _off]


@contextmanager
def without(*defences: Defence) -> Iterator[None]:
    """Within the block these do not act in this process."""
    global _off
    before = _off
    _off = before | set(defences)
    try:
        yield
    finally:
        _off = before
