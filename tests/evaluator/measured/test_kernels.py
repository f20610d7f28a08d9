"""From launches and ncu's rows to kernels: whose time is whose."""

from pathlib import Path

import pytest
from kernelwright.evaluator.measured.kernels import from_evidence, total_ms, with_profile, without_profile
from kernelwright.evaluator.metrics import DURATION, METRICS
from kernelwright.evaluator.ncu import parse_raw_csv

OWN = ["layer_norm_forward_partial_kernel", "layer_norm_forward_final_kernel"]
ROWS = parse_raw_csv(
    (Path(__file__).parents[1] / "data" / "ncu-2025.3.1-h200-two-stage-layer-norm.csv").read_text(), METRICS
)


def launch(kernel: str, **details: object) -> dict[str, object]:
    return {"kernel": kernel, "grid": [16, 1, 1], "num_warps": 4, "num_stages": 3, **details}


EVIDENCE = {
    "launches": [launch(OWN[0], constants={"BLOCK": 1024}), launch(OWN[1]), launch(OWN[1]), launch("helper")],
    "gpu_us": {OWN[0]: [1, 60.0], OWN[1]: [2, 900.0], "void at::fill": [1, 40.0]},
}


def test_only_the_sources_own_functions_are_its_kernels():
    kernels, share = from_evidence(EVIDENCE, OWN)
    assert [kernel.name for kernel in kernels] == OWN
    assert share == pytest.approx(0.96)


def test_launches_of_one_kernel_are_counted_and_its_configuration_kept():
    partial, final = from_evidence(EVIDENCE, OWN)[0]
    assert partial.config == {"BLOCK": 1024, "num_warps": 4, "num_stages": 3}
    assert final.launches == 2
    assert final.time_share == pytest.approx(0.9)
    assert final.duration_ms == pytest.approx(0.9)


def test_pytorch_doing_the_work_shows_in_the_share():
    evidence = {**EVIDENCE, "gpu_us": {OWN[0]: [1, 1.0], "cutlass": [1, 99.0]}}
    assert from_evidence(evidence, OWN)[1] == pytest.approx(0.01)


def test_without_a_trace_the_share_is_unknown():
    kernels, share = from_evidence({**EVIDENCE, "gpu_us": {}}, OWN)
    assert share is None
    assert kernels[0].time_share is None


LIES: list[dict[str, object]] = [
    {"launches": "many"},
    {"launches": [{"kernel": 1}]},
    {"gpu_us": [1]},
    {"gpu_us": {"a": "b"}},
    {"gpu_us": {"a": [1, 10**400]}},
    {"gpu_us": {"a": [1, -1.0]}},
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: str(lie)[:24])
def test_a_runners_nonsense_is_no_evidence(lie):
    assert from_evidence({**EVIDENCE, **lie}, OWN) == ([], None)


def test_a_replayed_graph_has_kernels_that_only_the_trace_shows():
    remembered = {"launches": [launch(OWN[1])], "gpu_us": {OWN[1]: [3, 90.0]}}
    (kernel,), share = from_evidence(remembered, OWN)
    assert kernel.launches == 3
    assert share == 1


def test_a_kernel_that_ran_earlier_and_not_in_the_traced_call_does_not_count():
    assert from_evidence({"launches": [launch(OWN[1])], "gpu_us": {"cutlass": [1, 9.0]}}, OWN) == ([], 0.0)


def test_ncus_word_replaces_the_runners():
    kernels = with_profile(from_evidence(EVIDENCE, OWN)[0], ROWS)
    final = kernels[1]
    assert final.duration_ms == pytest.approx(3.791, abs=0.001)
    assert final.time_share == pytest.approx(0.983, abs=0.001)
    assert final.metrics["launch__registers_per_thread"] == 38
    assert kernels[0].grid == (16, 4096, 1)


def test_a_kernel_that_ncu_did_not_see_says_so():
    (kernel,) = with_profile(from_evidence({**EVIDENCE, "gpu_us": {}}, ["helper"])[0], ROWS)
    assert "saw no launch" in kernel.missing[DURATION]


def test_without_a_profile_every_metric_is_named_as_missing():
    (kernel, _) = without_profile(from_evidence(EVIDENCE, OWN)[0], "ncu was not found")
    assert set(kernel.metrics) | set(kernel.missing) >= set(METRICS)
    assert kernel.missing[DURATION] == "ncu was not found"


def test_the_total_counts_fills_too_and_is_unknown_when_one_duration_is():
    assert total_ms(ROWS) == pytest.approx(3.857, abs=0.001)
    broken = [ROWS[0].model_copy(update={"metrics": {}}), *ROWS[1:]]
    assert total_ms(broken) is None
    assert total_ms([]) is None
