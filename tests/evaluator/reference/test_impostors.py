"""Real task folders: those that let an answer pass which is none are refused, and honest ones are not."""

import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernelwright.evaluator.client import JudgeClient
from kernelwright.evaluator.reference.impostors import fitted, impostors, share
from kernelwright.evaluator.reference.oracle import Oracle
from kernelwright.evaluator.reference.proving import prove, prove_at, require
from kernelwright.reference_kernels import TaskError, bundled, load_task

HEAD = """
import torch
from torch.nn import functional as F
rows, columns = 4096, 4096
class Model(torch.nn.Module):
"""
CLASS = HEAD + "    def forward(self, x):\n        return {}\n"
TAIL = """
def get_inputs():
    return [torch.randn(rows, columns)]
def get_init_inputs():
    return []
"""
AFFINE = """
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(columns))
    def forward(self, x):
        return {}
"""
SMALL = "[[small]]\nrows = 5\ncolumns = 70\n"


@pytest.fixture
def folder(tmp_path):
    def write(body, dtype="float32", more=SMALL):
        (tmp_path / "reference.py").write_text(body + TAIL)
        (tmp_path / "task.toml").write_text(f'name = "tried"\ntitle = "Tried"\ndtype = "{dtype}"\n{more}')
        return load_task(str(tmp_path))

    return write


def by_name(proof):
    return {impostor.name: impostor for impostor in proof.impostors}


@pytest.mark.parametrize("name", bundled())
def test_bundled_tasks_prove_themselves(name):
    task = load_task(name)
    for small in task.small[:2]:
        proof = prove_at(Oracle(task, "cpu", small))
        assert proof.proven, proof.reason
        assert sum(impostor.refused is True for impostor in proof.impostors) >= 4


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_good_task_is_proven_in_every_dtype(folder, dtype):
    body = HEAD + AFFINE.format("F.layer_norm(x, [columns], self.weight)")
    task = folder(body.replace("torch.ones(columns)", f"torch.ones(columns, dtype=torch.{dtype})"), dtype)
    file = task.folder / "reference.py"
    file.write_text(file.read_text().replace("(rows, columns)]", f"(rows, columns).to(torch.{dtype})]"))
    proof = prove(task, "cpu")
    assert proof.proven, proof.reason
    assert {impostor.refused for impostor in proof.impostors} == {True}
    assert len(proof.impostors) == 5


@pytest.mark.parametrize(
    ("body", "passing"),
    [
        (CLASS.format("3 + 0 * x"), "a constant"),
        (CLASS.format("0 * x"), "zeros"),
        (CLASS.format("x.clone()"), "a copy of x"),
        (CLASS.format("x.t().contiguous().t()"), "a copy of x"),
        (CLASS.format("(x > 0).float()"), "the answer through float16"),
        (CLASS.format("(x.softmax(1), torch.full_like(x, 2))"), "a constant as output 1"),
        (HEAD + AFFINE.format("x.softmax(1) + 1e-9 * self.weight"), "the answer with initial parameters"),
    ],
)
def test_a_task_that_proves_nothing_is_refused_by_the_name_of_what_it_lets_pass(folder, body, passing):
    proof = prove(folder(body), "cpu")
    assert not proof.proven
    found = by_name(proof)[passing]
    assert found.refused is False and found.error <= found.budget
    assert "tried" in proof.reason and found.family in proof.reason
    if passing != "zeros":  # a constant of zero is one too
        assert passing in proof.reason


@pytest.mark.parametrize("tolerance", ["rms_floor = 20", "eager_factor = 1e9"])
def test_a_tolerance_that_lets_anything_pass_is_refused(folder, tolerance):
    body = CLASS.format("F.layer_norm(x, [columns])")
    assert prove(folder(body), "cpu").proven
    task = folder(body, more=f"[tolerance]\n{tolerance}\n{SMALL}")
    proof = prove(task, "cpu")
    assert [by_name(proof)[name].refused for name in ("zeros", "the answer through float16")] == [
        False,
        False,
    ]
    with pytest.raises(
        TaskError, match=r"task 'tried' proves nothing: its check lets .* pass \(on .* inputs"
    ):
        require(Oracle(task, "cpu", task.small[0]))


def test_a_reference_that_has_no_finite_answer_proves_nothing(folder):
    proof = prove(folder(CLASS.format("torch.log(-x.abs() - 1)")), "cpu")
    assert not proof.proven and "no finite answer" in proof.reason


def test_the_survivors_family_is_the_one_that_let_it_pass_most_easily(folder):
    """Errors of inputs that lie far from zero are relatively small."""
    task = folder(CLASS.format("x + 1000"), more='required = ["nominal", "large", "small"]\n' + SMALL)
    file = task.folder / "task.toml"
    file.write_text(file.read_text() + "[tolerance]\nrms_floor = 0.1\n")
    proof = prove(load_task(str(task.folder)), "cpu")
    assert by_name(proof)["a constant"].family == "small"


def test_parameters_that_change_nothing_are_no_reason_to_refuse(folder):
    proof = prove(folder(HEAD + AFFINE.format("F.layer_norm(x, [columns])")), "cpu")
    assert proof.proven
    assert (
        by_name(proof)["the answer with initial parameters"].reason
        == "its parameters do not change the answer"
    )


@pytest.mark.parametrize(
    "body", [CLASS.format("(x * x).mean()"), CLASS.format("x.argmax(1)"), CLASS.format("x.topk(3)")]
)
def test_single_values_and_whole_numbers_can_be_proven(folder, body):
    proof = prove(folder(body), "cpu")
    assert proof.proven, proof.reason


def test_an_input_that_cannot_become_the_output_is_said_to_be_too_small(folder):
    proof = prove(folder(CLASS.format("torch.cat([x, x * x]).softmax(0)")), "cpu")
    copied = by_name(proof)["a copy of x"]
    assert copied.refused is None and "too small" in copied.reason


def test_a_task_without_small_shapes_is_checked_on_the_cpu_only_where_it_is_small(folder):
    body = CLASS.format("x.softmax(1)")
    proof = prove(folder(body, more=""), "cpu")
    assert not proof.proven and "without a card" in proof.reason and proof.impostors == []
    small = prove(folder(body.replace("4096, 4096", "50, 60"), more=""), "cpu")
    assert small.proven and small.at == "timed shapes on the CPU"


def test_a_reference_that_runs_only_on_meta_tensors_is_one_sentence(folder):
    task = folder(CLASS.format("x.softmax(1) if x.is_meta else 1 / 0"))
    with pytest.raises(TaskError, match="does not run: ZeroDivisionError"):
        prove(task, "cpu")


shapes = st.lists(st.integers(1, 5), max_size=4)


@given(shapes, shapes)
def test_a_fitted_input_has_the_shape_and_holds_nothing_new(has, wants):
    tensor = torch.arange(1, math.prod(has) + 1)
    found = fitted(tensor, wants)
    if found is None:
        assert math.prod(has) < math.prod(wants)
    else:
        assert list(found.shape) == wants
        assert set(found.flatten().tolist()) <= set(tensor.flatten().tolist())


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.floats(1e-6, 10), st.floats(1, 1e7))
def test_an_impostor_is_refused_just_when_its_error_exceeds_the_budget(folder, floor, factor):
    more = f"[tolerance]\nrms_floor = {floor}\neager_factor = {factor}\n"
    task = folder(CLASS.format("F.layer_norm(x, [columns])"), more=more + SMALL)
    found = [each for each in impostors(Oracle(task, "cpu", task.small[0])) if each.refused is not None]
    assert len(found) == 4
    assert all(each.refused == (share(each) > 1) for each in found)


def test_the_judge_refuses_to_open_what_proves_nothing_and_goes_on_to_the_next(folder):
    task = folder(CLASS.format("x.clone()"))
    with JudgeClient("offline") as client:
        for _ in range(2):
            with pytest.raises(TaskError, match="a copy of x"):
                client.open(str(task.folder), "rtx-4090")
        proof = client.prove(str(task.folder), lambda _: None)
        assert not proof.proven and "a copy of x" in proof.reason
        assert client.open("softmax", "rtx-4090").facts.outputs[0].shape == [16384, 4096]
        assert client.prove("softmax", lambda _: None).proven


def test_a_red_teams_judge_is_not_held_to_it(folder):
    """Without its budget the judge would find every task too lenient."""
    task = folder(CLASS.format("x.clone()"))
    with JudgeClient("offline", without=["budget"]) as client:
        client.open(str(task.folder), "rtx-4090")
