"""What a candidate may return, and what it may not."""

import pytest
import torch
from kernelwright.evaluator.classify import Refused
from kernelwright.evaluator.defences import Defence, without
from kernelwright.evaluator.exchange import create_memory_arena, lay_out
from kernelwright.evaluator.outputs import hand_over


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")  # nothing to wait for
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    slots, size = lay_out([("float32", (4,)), ("float32", (2, 2))])
    arena = create_memory_arena(size)
    return arena, slots


class Late(tuple):
    """A tuple that could finish its work while it is being unpacked."""


class Own(torch.Tensor):
    pass


def pair():
    return torch.ones(4), torch.full((2, 2), 2.0)


def test_plain_outputs_end_in_their_slots(bench):
    arena, slots = bench
    hand_over(arena, pair(), slots)
    assert arena.view(slots[0]).tolist() == [1, 1, 1, 1]
    assert arena.view(slots[1]).tolist() == [[2, 2], [2, 2]]


def overridden():
    one, two = pair()
    one.untyped_storage = one.clone
    return one, two


REFUSED = {
    "a tuple of another kind": lambda: Late(pair()),
    "one output": lambda: torch.ones(4),
    "half": lambda: (torch.ones(4).half(), pair()[1]),
    "another shape": lambda: (torch.ones(1), pair()[1]),
    "a subclass": lambda: (torch.ones(4).as_subclass(Own), pair()[1]),
    "a method of its own": overridden,
    "no tensor": lambda: ("done", pair()[1]),
}


@pytest.mark.parametrize("returned", REFUSED.values(), ids=list(REFUSED))
def test_anything_else_is_refused(bench, returned):
    with pytest.raises(Refused) as caught:
        hand_over(*bench, returned())
    # Raised with arena and slots in place, before anything was copied.
    assert caught.value.defence is Defence.EXACT_OUTPUT


def test_an_output_in_the_shared_memory_is_refused_and_passes_without_the_defence(bench):
    """Inputs lie there, and the outputs' own slots, in which nothing would be copied any more."""
    arena, slots = bench
    for shared in (arena.view(slots[0]), arena.base[4:20].view(torch.float32)):
        with pytest.raises(Refused) as caught:
            hand_over(arena, (shared, pair()[1]), slots)
        assert caught.value.defence is Defence.INPUTS_KEPT
    with without(Defence.INPUTS_KEPT):
        hand_over(arena, (arena.view(slots[0]), pair()[1]), slots)


def test_without_the_defence_another_kind_of_tuple_passes(bench):
    arena, slots = bench
    with without(Defence.EXACT_OUTPUT):
        hand_over(arena, Late(pair()), slots)
    assert arena.view(slots[0]).tolist() == [1, 1, 1, 1]
