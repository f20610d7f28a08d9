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
    """Named by what it holds to be so."""

    BUDGET = "budget"  # errors stay within a multiple of those that PyTorch itself makes
    FAMILIES = "families"  # the answer is right on values other than standard-normal ones, too
    PARAMETERS = "parameters"  # weights and biases are drawn anew after the candidate was imported
    FRESH_INPUTS = "fresh_inputs"  # every call, timed or not, has contents that were never seen before
    POISON = "poison"  # outputs are full of NaN until they are written
    EXACT_OUTPUT = "exact_output"  # plain tensors of the right dtype, shape and device
    INPUTS_KEPT = "inputs_kept"  # inputs are as they were, and no output lies in their memory
    AT_RETURN = "at_return"  # the answer is there when forward returns, on its own stream
    RECHECK = "recheck"  # outputs of timed calls, chosen at random, are compared like all others
    OWN_KERNELS = "own_kernels"  # at least half of the GPU's time goes to the source's own Triton kernels
    KERNEL_IDENTITY = "kernel_identity"  # a traced kernel is Triton's only if Triton launched just such a one
    SAME_WORK = "same_work"  # timed calls launch what the traced call launched, and take no less
    INTEGRITY = "integrity"  # nothing that the measurement rests on was replaced in the process
    CLOCK = "clock"  # a gain shows on the judge's own clock
    FLOOR = "floor"  # no time lies below what the task's bytes and operations take
    BASELINE_ALONE = "baseline_alone"  # the baseline is no slower beside the candidate than alone
    PROFILER = "profiler"  # ncu's durations agree with the events
    WATCH = "watch"  # memory, processes and files stay within limits


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
