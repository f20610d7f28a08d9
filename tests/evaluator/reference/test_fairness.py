"""What the rules about single files rest on: budgets that let the reference itself pass, exact answers, memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernelwright.evaluator.protocol import EnvironmentLacks
from kernelwright.evaluator.reference.contract import described, load_reference
from kernelwright.evaluator.reference.facts import task_facts
from kernelwright.evaluator.reference.fairness import unfair
from kernelwright.evaluator.reference.oracle import Oracle, judge
from kernelwright.evaluator.reference.proving import prove, prove_at
from kernelwright.reference_kernels import TaskError, bundled, load_task

FILES = Path(__file__).parent / "kernelbench"
FILE = """
import torch
from torch.nn import functional as F
class Model(torch.nn.Module):
    def forward(self, x):
        return {}
def get_inputs():
    return [{}]
def get_init_inputs():
    return []
"""


@pytest.fixture
def task(tmp_path):
    def write(answer, inputs="torch.randn(20, 30)"):
        (tmp_path / "file.py").write_text(FILE.format(answer, inputs))
        return load_task(str(tmp_path / "file.py"))

    return write


STEPS = [
    "torch.tanh({})",
    "({}).cumsum(1)",
    "({}) * ({})",
    "F.softmax({}, 0)",
    "({}).half().float()",
    "({}) - 3",
]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(STEPS), min_size=1, max_size=3),
    st.sampled_from(["x", "x.argsort(1)", "(x > 0)"]),
)
def test_a_kernel_equal_to_the_reference_always_passes(task, steps, last):
    answer = "x"
    for step in steps:
        answer = step.replace("{}", answer)
    oracle = Oracle(task(f"({answer}, {last} * 1)"), "cpu")
    for family in oracle.families():
        case = oracle.case(family)
        if case is not None:
            assert judge(case, oracle.answer(case.inputs)).passed


@pytest.mark.parametrize("name", bundled())
def test_bundled_tasks_are_fair_at_their_small_shapes(name):
    bundled_task = load_task(name)
    assert unfair(Oracle(bundled_task, "cpu", bundled_task.small[0])) is None


@pytest.mark.parametrize(
    "answer",
    [
        "x.half().float() / 3",
        "x.to(torch.bfloat16) / 3",
        "x @ torch.ones(30, 4) / 3",
        "(x / 3).type_as(torch.ones(1))",
    ],
    ids=["half", "bfloat16", "new tensor", "another's type"],
)
def test_what_is_expected_is_computed_in_fp64_whatever_forward_names(task, answer):
    oracle = Oracle(task(answer), "cpu")
    x = oracle.draw_inputs("nominal")
    (found,) = oracle.expect(x)
    exact = x[0].double() / 3
    assert found.dtype == torch.float64
    assert torch.allclose(
        found, exact.sum(1, keepdim=True).expand(-1, 4) if "@" in answer else exact, rtol=1e-12
    )
    assert torch.get_default_dtype() == torch.float32


def test_whole_numbers_may_differ_only_where_rounding_decides(task):
    oracle = Oracle(task("x.argmax(1)"), "cpu")
    case = oracle.case("nominal")
    answer = oracle.answer(case.inputs)
    assert judge(case, answer).passed
    answer[0][3] += 1
    assert not judge(case, answer).passed


def test_other_signs_are_tried_only_where_inputs_have_one(task):
    assert "signed" in Oracle(task("torch.relu(x)", "torch.rand(20, 30)"), "cpu").required
    assert "signed" not in Oracle(task("torch.relu(x)"), "cpu").required


def test_a_reference_that_needs_values_is_run_only_where_it_is_small(task):
    assert task_facts(task("x / x.max().item()")).outputs[0].shape == [20, 30]
    with pytest.raises(TaskError, match=r"cannot be described without a card: .* take 80 MB where 64 MB"):
        task_facts(task("x / x.max().item()", "torch.randn(2000, 10000)"))


def test_large_shapes_are_described_without_computing(task):
    large = task("x.softmax(1)", "torch.randn(1 << 20, 1 << 20)")
    assert described(large, load_reference(large), "cpu").outputs[0].is_meta


def test_memory_that_runs_out_is_one_sentence(task):
    oracle = Oracle(task("x.softmax(1) + (torch.empty(1 << 50).sum() if not x.is_meta else 0)"), "cpu")
    with pytest.raises(
        EnvironmentLacks, match=r"no room to check the task file: .* take 4.8e-06 GB, .*smaller shapes$"
    ):
        prove_at(oracle)


def test_inputs_that_have_no_room_at_all_are_one_sentence(task):
    endless = task("torch.relu(x)", "torch.from_numpy(__import__('numpy').ones((1 << 25, 1 << 30)))")
    with pytest.raises(EnvironmentLacks, match=r"^there is no room to check the task file: it asks for more"):
        prove(endless, "cpu")


@pytest.mark.parametrize(
    ("name", "status", "rc"), [("masked_cumsum", "passed", 0), ("relu_of_uniform", "incorrect", 1)]
)
def test_a_kernel_for_a_file_gets_a_whole_verdict_without_a_card(name, status, rc):
    kernel, file = FILES / "kernels" / f"{name}.py", FILES / f"{name}.py"
    command = [sys.executable, "-m", "kernelwright.agent", "evaluate", str(kernel), "--task", str(file)]
    done = subprocess.run(
        [*command, "--device", "offline", "--json"], capture_output=True, text=True, check=False
    )
    verdict = json.loads(done.stdout)
    assert (done.returncode, verdict["status"]) == (rc, status), done.stderr
    if status == "passed":
        families = verdict["correctness"]["families"]
        assert {"nominal", "small", "large", "sparse", "shifted", "signed"} <= set(families)
        assert verdict["estimate"]["ms"] > 0
    else:
        assert "signed" in verdict["reason"]


def test_what_cannot_be_judged_ends_with_exit_code_2():
    kernel, file = FILES / "kernels" / "masked_cumsum.py", FILES / "dropout.py"
    command = [sys.executable, "-m", "kernelwright.agent", "evaluate", str(kernel), "--task", str(file)]
    done = subprocess.run([*command, "--device", "offline"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "draws random numbers" in done.stderr
