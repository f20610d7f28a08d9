"""Families as elementwise maps, redrawn parameters, and draws of a task's own inputs."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kernelwright.evaluator.reference.drawing import Inputs, seed_everything
from kernelwright.evaluator.reference.families import FAMILIES, characterise, mapped
from kernelwright.evaluator.reference.parameters import moved, redrawn

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
ANY = {
    "family": st.sampled_from(list(FAMILIES)),
    "salt": st.integers(0, 2**63 - 1),
    "dtype": st.sampled_from(DTYPES),
}


def of(draw, family, salt=5):
    return mapped(family, draw(), characterise(draw(), draw()), salt)


@settings(max_examples=60, deadline=None)
@given(**ANY)
def test_zeros_stay_zeros_and_a_symmetric_matrix_stays_symmetric(family, salt, dtype):
    def draw():
        values = torch.randn(24, 24, dtype=torch.float64)
        return (torch.tril(values).round(decimals=1) + torch.tril(values).round(decimals=1).T).to(dtype)

    value = draw()
    found = mapped(family, value, characterise(value, draw()), salt)
    assert found.dtype == dtype and found.shape == value.shape
    assert torch.equal(found, found.T)
    assert bool((found[value == 0] == 0).all())


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), **{**ANY, "dtype": st.just(torch.float32)})
def test_masks_targets_and_tables_stay_as_they_were_drawn(seed, family, salt, dtype):
    torch.manual_seed(seed)
    signs = [torch.randint(0, 2, (40,)).to(dtype) * 2 - 1 for _ in range(2)]
    table = torch.linspace(-3, 3, 40)
    for first, second in (signs, (table, table.clone())):
        assert torch.equal(mapped(family, first, characterise(first, second), salt), first)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_families_of_normal_values_mean_what_their_names_say(dtype):
    def draw():
        return torch.randn(1000, 1000).to(dtype)

    assert float(of(draw, "small").float().std()) == pytest.approx(0.01, rel=0.02)
    assert float(of(draw, "large").float().std()) == pytest.approx(8, rel=0.02)
    assert float(of(draw, "shifted").float().mean()) == pytest.approx(1, abs=0.02)
    assert float(of(draw, "shifted_1000").float().mean()) == pytest.approx(1000, rel=0.02)
    zeros = float((of(draw, "sparse") == 0).double().mean())
    assert zeros == pytest.approx(0.9, abs=0.05)
    assert bool(of(draw, "infinite").isinf().any())
    assert float((of(draw, "signed") < 0).double().mean()) == pytest.approx(0.5, abs=0.05)


def test_outliers_are_one_in_ten_thousand_and_a_hundred_times_larger():
    x = torch.randn(1_000_000)
    found = mapped("sparse", x, characterise(x, torch.randn(1_000_000)), 5)
    larger = (found != 0) & (found != x)
    assert 50 < int(larger.sum()) < 200 and torch.equal(found[larger], x[larger] * 100)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**62))
def test_another_salt_chooses_other_elements(salt):
    x = torch.randn(4000)
    own = characterise(x, torch.randn(4000))
    assert not torch.equal(mapped("sparse", x, own, salt), mapped("sparse", x, own, salt + 1))


def test_what_has_to_lie_between_zero_and_one_is_held_there():
    x = torch.rand(1000)
    own = characterise(x, torch.rand(1000))
    for family in set(FAMILIES) - {"infinite"}:
        found = mapped(family, x, own, 5, bounded=True)
        assert float(found.min()) >= 0 and float(found.max()) <= 1


def drawn(body):
    scope = {"torch": torch}
    exec(f"def get_inputs():\n    {body}", scope)
    return Inputs(SimpleNamespace(**scope), "cpu", False)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**63 - 1), st.sampled_from(list(FAMILIES)))
def test_one_seed_gives_the_same_values_and_another_seed_others(seed, family):
    inputs = drawn("return [torch.randn(30), torch.randint(0, 99, (30,)), 3]")
    one, same, other = (inputs.draw(family, s) for s in (seed, seed, seed ^ 1))
    assert all(torch.equal(torch.as_tensor(a), torch.as_tensor(b)) for a, b in zip(one, same, strict=True))
    assert not torch.equal(one[1], other[1])


def test_inputs_that_never_change_are_noticed():
    assert drawn("return [torch.randn(30), torch.ones(30)]").vary
    assert not drawn("torch.manual_seed(1); return [torch.randn(30)]").vary


def test_a_seed_reaches_torch_numpy_and_python():
    import random

    import numpy

    def draw():
        seed_everything(7)
        return torch.rand(1).item(), numpy.random.rand(), random.random()

    assert draw() == draw()


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(-1, 1), st.sampled_from(DTYPES))
def test_moved_parameters_keep_their_scale(spread, mean, dtype):
    old = (spread * (torch.randn(20_000) + mean)).to(dtype)
    new = moved(old)
    assert new.dtype == dtype and not torch.equal(new, old)
    assert float(new.double().std()) == pytest.approx(float(old.double().std()), rel=0.05)
    assert float(new.double().mean()) == pytest.approx(float(old.double().mean()), abs=0.05 * spread)


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-3, 1e3), st.sampled_from([-1, 1]))
def test_what_has_one_sign_keeps_it(value, sign):
    for old in (
        torch.full((500,), sign * value),
        sign * value * (torch.rand(500) + 0.01),
        torch.tensor(sign * value),
    ):
        new = moved(old)
        assert bool((new * sign > 0).all()) and not torch.equal(new, old)


def test_only_parameters_and_running_statistics_move():
    model = torch.nn.BatchNorm1d(50)
    model.register_buffer("table", torch.rand(50))
    model.register_buffer("mask", torch.ones(50))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    after = redrawn(model, before, "cpu")
    moved_ones = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved_ones == {"weight", "bias", "running_mean", "running_var"}
    assert float(after["running_var"].min()) > 0
