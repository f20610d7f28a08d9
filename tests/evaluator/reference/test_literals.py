"""Sizes that get_inputs and get_init_inputs spell out have names, and can be replaced like constants of the file."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernelwright.evaluator.reference.contract import load_reference
from kernelwright.evaluator.reference.literals import literals
from kernelwright.reference_kernels import TaskError, load_task

FILE = """
import torch

Model = torch.nn.Identity

def get_inputs():
    return [{}]

def get_init_inputs():
    return [{}]
"""


@pytest.fixture
def task(tmp_path):
    def write(text):
        (tmp_path / "file.py").write_text(text)
        return load_task(str(tmp_path / "file.py"))

    return write


@pytest.mark.parametrize(
    ("inputs", "init", "found"),
    [
        (
            "torch.rand(10, 3, 224, 224)",
            "1000",
            {"get_inputs[0]": 10, "get_inputs[1]": 3, "get_inputs[2]": 224, "get_inputs[3]": 224}
            | {"get_init_inputs[0]": 1000},
        ),
        ("torch.rand(2 * 1024, 2**5)", "", {"get_inputs[0]": 2048, "get_inputs[1]": 32}),
        ("torch.rand(n, 8) * 0.5", "-1, 0, True, None, 1e-5", {"get_inputs[0]": 8}),
        (
            "torch.rand(8)",
            "16, [24, 40]",
            {
                "get_inputs[0]": 8,
                "get_init_inputs[0]": 16,
                "get_init_inputs[1]": 24,
                "get_init_inputs[2]": 40,
            },
        ),
        (f"torch.tensor({list(range(1, 40))})", "'12'", {}),
        ("torch.rand(8, device='cuda:0')", "6 // 4 - 1, -8", {"get_inputs[0]": 8}),
    ],
    ids=["an image", "arithmetic", "no sizes", "nested", "a table", "nothing left"],
)
def test_each_positive_integer_has_the_name_of_its_place(inputs, init, found):
    assert literals(FILE.format(inputs, init)) == found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=4))
def test_replaced_ones_are_what_the_functions_give_and_all_else_stays(task, pairs):
    spelled, wanted = (tuple(each) for each in zip(*pairs, strict=True))
    source = FILE.format(f"torch.rand{spelled}".replace(",)", ")"), ", ".join(map(str, spelled)))
    values = {f"get_inputs[{place}]": value for place, value in enumerate(wanted)}
    module = load_reference(task(source), values)
    assert module.get_inputs()[0].shape == torch.Size(wanted)
    assert module.get_init_inputs() == list(spelled)


def test_a_file_is_not_touched_when_nothing_is_replaced(task):
    module = load_reference(task(FILE.format("torch.rand(4)", "5")))
    assert module.get_init_inputs() == [5] and not any("[" in name for name in vars(module))


@pytest.mark.parametrize(
    "more",
    ["get_inputs = lambda: [torch.rand(7)]", "import functools\nget_inputs = functools.cache(get_inputs)"],
)
def test_a_function_that_the_file_replaced_stays_as_it_is(task, more):
    file = task(FILE.format("torch.rand(4)", "") + more)
    with pytest.raises(TaskError, match=r"get_inputs\[0\]"):
        load_reference(file, {"get_inputs[0]": 2})


def test_an_annotation_that_only_its_import_makes_valid_does_no_harm(task):
    source = "from __future__ import annotations\n" + FILE.format("torch.rand(4)", "5")
    source = source.replace("inputs():", "inputs() -> list[Unknown]:")
    assert load_reference(task(source), {"get_inputs[0]": 2}).get_inputs()[0].shape == (2,)
