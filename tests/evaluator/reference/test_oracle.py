"""The oracle on small shapes of the bundled task: what passes, what must not, and the secrets."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kernelwright.evaluator.defences import Defence, without
from kernelwright.evaluator.reference.comparing import errors
from kernelwright.evaluator.reference.oracle import Oracle, judge
from kernelwright.reference_kernels import load_task
from torch.nn import functional

TASK = load_task("layer_norm")
SMALL = TASK.small[0]


@pytest.fixture(scope="module")
def oracle():
    return Oracle(TASK, "cpu", SMALL)


def answer(oracle, case, weight=None, bias=None, dtype=torch.float32):
    (x,) = case.inputs
    own = oracle.parameters
    weight = own["weight"] if weight is None else weight
    bias = own["bias"] if bias is None else bias
    shape = list(own["weight"].shape)
    return [functional.layer_norm(x.to(dtype), shape, weight.to(dtype), bias.to(dtype)).float()]


@pytest.mark.parametrize("family", [*TASK.required])
def test_pytorchs_own_answer_passes(oracle, family):
    case = oracle.case(family)
    assert case is not None
    assert judge(case, answer(oracle, case)).passed


@pytest.mark.parametrize(
    "cheat",
    [
        lambda oracle, case: [torch.zeros_like(case.inputs[0])],
        lambda oracle, case: [torch.full_like(case.inputs[0], 0.5)],
        lambda oracle, case: [case.inputs[0].clone()],
        lambda oracle, case: answer(oracle, case, weight=torch.ones_like(oracle.parameters["weight"])),
        lambda oracle, case: answer(oracle, case, bias=torch.zeros_like(oracle.parameters["bias"])),
        lambda oracle, case: answer(oracle, case, dtype=torch.float16),
        lambda oracle, case: [torch.full_like(case.inputs[0], torch.nan)],
    ],
    ids=["zeros", "constant", "copy", "no weight", "no bias", "fp16", "nan"],
)
def test_what_is_no_answer_fails_on_nominal_inputs(oracle, cheat):
    case = oracle.case("nominal")
    assert not judge(case, cheat(oracle, case)).passed


def test_one_wrong_element_is_found(oracle):
    case = oracle.case("nominal")
    (out,) = answer(oracle, case)
    out.view(-1)[-1] += 1e-3
    assert not judge(case, [out]).passed


def test_nan_has_no_error_figure(oracle):
    case = oracle.case("nominal")
    result = judge(case, [torch.full_like(case.inputs[0], torch.nan)])
    assert result.error is None


def test_a_family_without_a_finite_reference_is_left_out(oracle):
    assert oracle.case("infinite") is None


def test_parameters_are_moved_away_from_ones_and_zeros(oracle):
    assert oracle.parameters["weight"].std() > 0.1
    assert oracle.parameters["bias"].abs().max() > 0.1


def test_every_draw_is_new(oracle):
    assert not torch.equal(oracle.draw_inputs("nominal")[0], oracle.draw_inputs("nominal")[0])
    assert not torch.equal(Oracle(TASK, "cpu", SMALL).parameters["bias"], oracle.parameters["bias"])


def test_redrawn_parameters_change_what_is_expected(oracle):
    x = oracle.draw_inputs("nominal")
    before = oracle.expect(x)
    oracle.redraw_parameters()
    assert not torch.allclose(before[0], oracle.expect(x)[0])


def test_parameters_do_not_drift_with_every_redraw():
    own = Oracle(TASK, "cpu", SMALL)
    for _ in range(100):
        own.redraw_parameters()
    assert own.parameters["weight"].mean() == pytest.approx(1, abs=0.1)
    assert own.parameters["bias"].std() == pytest.approx(0.5, abs=0.1)
    assert torch.equal(own.initial["weight"], torch.ones_like(own.initial["weight"]))


WITH_INDICES = """
import torch
class Model(torch.nn.Module):
    def forward(self, x, index):
        return x[index]
def get_inputs():
    return [torch.randn(50, 3), torch.randint(50, (40,))]
def get_init_inputs():
    return []
"""


@pytest.fixture
def indexing(tmp_path):
    (tmp_path / "gather.py").write_text(WITH_INDICES)
    return Oracle(load_task(str(tmp_path / "gather.py")), "cpu")


def test_what_a_task_draws_itself_cannot_be_guessed_from_torchs_default_seed(indexing):
    """A fresh process always begins with the same default seed."""
    torch.manual_seed(torch.initial_seed())
    first = indexing.draw_inputs("nominal")[1]
    torch.manual_seed(torch.initial_seed())
    assert not torch.equal(first, indexing.draw_inputs("nominal")[1])


def test_without_its_budget_an_error_of_a_hundredth_is_allowed(oracle):
    with without(Defence.BUDGET):
        case = oracle.case("nominal")
    assert (case.budgets[0].largest, case.budgets[0].norm) == (1e-2, 1e-2)
    assert judge(case, answer(oracle, case, dtype=torch.float16)).passed


def test_without_families_only_the_nominal_one_is_tried(oracle):
    assert oracle.families() == [*TASK.required, *TASK.stress]
    with without(Defence.FAMILIES):
        assert oracle.families() == ["nominal"]


def test_without_parameters_the_initial_ones_stay():
    own = Oracle(TASK, "cpu", SMALL)
    with without(Defence.PARAMETERS):
        own.redraw_parameters()
        assert all(torch.equal(own.parameters[name], own.initial[name]) for name in ("weight", "bias"))
        case = own.case("nominal")
    assert judge(case, answer(own, case, weight=torch.ones(()).expand(own.parameters["weight"].shape))).passed


@pytest.mark.parametrize("family", TASK.required)
def test_without_fresh_inputs_contents_repeat_from_draw_to_draw_and_from_oracle_to_oracle(family):
    with without(Defence.FRESH_INPUTS):
        drawn = [Oracle(TASK, "cpu", SMALL).draw_inputs(family)[0] for _ in range(2)]
    assert torch.equal(*drawn)


def test_without_fresh_inputs_a_tasks_own_inputs_repeat_too(indexing):
    with without(Defence.FRESH_INPUTS):
        first, second = (indexing.draw_inputs("nominal") for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(1e-6, 1e3))
def test_errors_agree_with_their_definition(rows, columns, scale):
    exact = torch.randn(rows, columns, dtype=torch.float64) * scale
    out = exact + 1e-3 * torch.randn(rows, columns, dtype=torch.float64)
    rms = float(exact.square().mean().sqrt())
    largest, norm = errors(out, exact, rms)
    assert largest == pytest.approx(float((out - exact).abs().max()) / rms)
    assert norm == pytest.approx(float((out - exact).norm() / exact.norm()))
