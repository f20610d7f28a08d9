"""The pure part: every guess is positive, no larger than the file's own, new, and there are not many."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.evaluator.reference.guesses import Aim, fair_guesses, few_guesses, guesses

NAMES = ["batch_size", "dim", "heads", "M", "shape[0]", "shape[1]", "kernel_size"]
sizes = st.one_of(st.integers(1, 20), st.sampled_from([2**n for n in range(16)]), st.integers(1, 2**40))
files = st.dictionaries(st.sampled_from(NAMES), sizes, max_size=6)
MOST = 2500


def all_of(constants):
    series = [*(guesses(constants, aim) for aim in Aim), few_guesses(constants), *fair_guesses(constants)]
    return [list(islice(each, MOST + 1)) for each in series]


@given(files)
def test_guesses_are_positive_and_no_larger_and_finite_in_number(constants):
    for series in all_of(constants):
        assert len(series) <= MOST
        for guess in series:
            assert list(guess) == list(constants)
            assert all(1 <= guess[name] <= value for name, value in constants.items())


@given(files)
def test_no_guess_comes_twice_and_none_is_the_file_itself(constants):
    for series in all_of(constants):
        assert constants not in series
        assert len({tuple(guess.values()) for guess in series}) == len(series)


@given(files)
def test_fair_guesses_keep_the_powers_of_two(constants):
    for guess in (guess for series in fair_guesses(constants) for guess in islice(series, 50)):
        for name, value in constants.items():
            assert guess[name] >= min(2, value)
            assert guess[name] <= 2 or value >> (value // guess[name]).bit_length() - 1 == guess[name]


@given(st.lists(st.sampled_from([16, 64, 112, 224]), min_size=1, max_size=4))
def test_fair_guesses_keep_two_inputs_of_one_shape_alike(shape):
    twice = {f"get_inputs[{place}]": size for place, size in enumerate([*shape, *shape])}
    series = [
        list(map(tuple, (guess.values() for guess in islice(each, 50)))) for each in fair_guesses(twice)
    ]
    alike = [each for each in series if each and all(one[: len(shape)] == one[len(shape) :] for one in each)]
    assert alike


def test_named_constants_are_halved_once():
    named = {"batch": 4096, "rows": 4096, "dim": 512}
    found = [tuple(tuple(guess.values()) for guess in series) for series in fair_guesses(named)]
    assert len(found) == len(set(found)) == 5


def test_a_square_has_few_samples_and_long_rows_and_two_inputs_have_as_few():
    square = list(guesses({"get_inputs[0]": 4096, "get_inputs[1]": 4096}))
    assert tuple(square[0].values()) == (3, 1501)
    assert (3, 3) in [tuple(guess.values()) for guess in square]


@given(st.integers(100, 2**40), st.integers(100, 2**40))
def test_the_first_guess_of_two_large_sizes_is_odd(batch, dim):
    first = next(guesses({"batch_size": batch, "dim": dim}))
    assert first["batch_size"] == 3 and first["dim"] % 2 == 1


@pytest.mark.parametrize(
    ("constants", "keeps"),
    [
        ({"batch": 16, "features": 512, "groups": 8, "dim": 512}, lambda g: g["features"] % g["groups"] == 0),
        ({"rows": 4096, "width": 2048, "features": 2048}, lambda g: g["width"] == g["features"]),
        (
            {"batch": 8, "heads": 16, "head_dim": 64, "width": 1024},
            lambda g: g["heads"] * g["head_dim"] == g["width"],
        ),
    ],
    ids=["divisible", "equal", "product"],
)
def test_some_odd_guess_keeps_what_belongs_together(constants, keeps):
    found = [guess for guess in guesses(constants) if keeps(guess)]
    assert any(max(guess.values()) < max(constants.values()) / 4 for guess in found)
    assert any(value % 2 for guess in found for name, value in guess.items() if constants[name] > 64)


def test_samples_that_are_spelled_out_twice_stay_as_many():
    spelled = {"get_inputs[0]": 256, "get_inputs[1]": 4096, "get_inputs[2]": 256, "get_init_inputs[0]": 256}
    _, second, *_ = guesses(spelled)
    assert second["get_inputs[0]"] == second["get_inputs[2]"] == 3 < second["get_init_inputs[0]"]


def test_few_guesses_are_few_and_keep_all_but_the_batch_at_last():
    spelled = {"get_inputs[0]": 10, "get_inputs[1]": 3, "get_inputs[2]": 224, "get_init_inputs[0]": 1000}
    *_, three, two = found = list(few_guesses(spelled))
    assert len(found) <= 24
    assert (three, two) == (spelled | {"get_inputs[0]": 3}, spelled | {"get_inputs[0]": 2})
