"""Shared buffers on the CPU: layout, and two processes that see the same bytes."""

import subprocess
import sys

import torch
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.evaluator.exchange import ALIGNMENT, Slot, create_memory_arena, lay_out

shapes = st.lists(st.integers(0, 5), max_size=3).map(tuple)
tensors = st.lists(
    st.tuples(st.sampled_from(["float32", "bfloat16", "int64", "bool"]), shapes), min_size=1, max_size=6
)


@given(tensors)
def test_slots_are_aligned_and_do_not_overlap(wanted):
    slots, end = lay_out(wanted)
    for slot, following in zip(slots, [*(s.offset for s in slots[1:]), end], strict=True):
        assert slot.offset % ALIGNMENT == 0
        assert slot.offset + slot.nbytes <= following


def test_a_view_shares_memory_and_keeps_its_dtype():
    slots, end = lay_out([("float32", (2, 3)), ("bfloat16", (5,))])
    arena = create_memory_arena(end)
    arena.view(slots[1]).fill_(1.5)
    assert arena.view(slots[1]).dtype == torch.bfloat16
    assert arena.view(slots[1]).tolist() == [1.5] * 5
    assert arena.view(slots[0]).abs().sum() == 0


def test_another_process_sees_what_was_written_and_answers_in_place():
    slot = Slot(0, "float32", (4,))
    arena = create_memory_arena(slot.nbytes)
    arena.view(slot).copy_(torch.arange(4.0))
    code = (
        "from kernelwright.evaluator.exchange import *\n"
        f"arena = open_arena({arena.address!r}, {arena.descriptors!r})\n"
        f"arena.view({slot!r}).mul_(10)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, pass_fds=arena.descriptors)
    assert arena.view(slot).tolist() == [0.0, 10.0, 20.0, 30.0]
