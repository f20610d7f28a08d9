"""From launches and ncu's rows to kernels: whose time is whose."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.evaluator.defences import Defence, without
from kernelwright.evaluator.measured.kernels import (
    Trace,
    from_trace,
    own_share,
    parse_trace,
    total_ms,
    with_profile,
    without_profile,
)
from kernelwright.evaluator.metrics import DURATION, METRICS
from kernelwright.evaluator.ncu import parse_raw_csv
from kernelwright.evaluator.runners import Failure

OWN = ["layer_norm_forward_partial_kernel", "layer_norm_forward_final_kernel"]
ROWS = parse_raw_csv(
    (Path(__file__).parents[1] / "data" / "ncu-2025.3.1-h200-two-stage-layer-norm.csv").read_text(), METRICS
)


def ran(name: str, us: float, start: float = 0.0, **details: object) -> dict[str, object]:
    shape = {"grid": [16, 1, 1], "block": [128, 1, 1], "registers": 40}
    return {"name": name, "start": start, "us": us, **shape, **details}


def launch(kernel: str, **details: object) -> dict[str, object]:
    return {
        "kernel": kernel, "grid": [16, 1, 1], "num_warps": 4, "num_stages": 3, "registers": 40, **details
    }  # fmt: skip


ANSWER = {
    "launches": [launch(OWN[0], constants={"BLOCK": 1024}), launch(OWN[1]), launch(OWN[1]), launch("helper")],
    "known": [],
    "ran": [
        ran(OWN[0], 60, 0),
        ran(OWN[1], 450, 60),
        ran(OWN[1], 450, 510),
        ran("void at::fill", 40, 960, registers=16),
    ],
}


def trace(**details: object) -> Trace:
    return parse_trace({**ANSWER, **details})


def test_only_the_sources_own_functions_are_its_kernels():
    assert [kernel.name for kernel in from_trace(trace(), OWN)] == OWN
    assert trace().own_share(OWN) == pytest.approx(0.96)


def test_launches_of_one_kernel_are_counted_and_its_configuration_kept():
    partial, final = from_trace(trace(), OWN)
    assert partial.config == {"BLOCK": 1024, "num_warps": 4, "num_stages": 3}
    assert final.launches == 2
    assert final.time_share == pytest.approx(0.9)
    assert final.duration_ms == pytest.approx(0.9)


def test_pytorch_doing_the_work_shows_in_the_share():
    assert trace(ran=[ran(OWN[0], 1), ran("cutlass", 99, 1)]).own_share(OWN) == pytest.approx(0.01)


def test_without_a_trace_the_share_is_unknown():
    assert trace(ran=[]).own_share(OWN) is None
    assert trace(ran=[]).busy_ms is None


LIES: list[dict[str, object]] = [
    {"launches": "many"},
    {"launches": [{"kernel": 1}]},
    {"ran": {"a": 1}},
    {"ran": [ran("a", -1.0)]},
    {"ran": [ran("a", float("nan"))]},
    {"ran": [ran("a", 1.0, grid=[1])]},
    {"known": None},
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: str(lie)[:24])
def test_a_runners_nonsense_is_refused(lie):
    with pytest.raises(Failure, match="makes no sense"):
        trace(**lie)


def test_a_replayed_graph_has_kernels_that_only_the_trace_shows():
    replayed = trace(launches=[], known=[launch(OWN[1])], ran=[ran(OWN[1], 90)])
    (kernel,) = from_trace(replayed, OWN)
    assert kernel.launches == 1
    assert replayed.own_share(OWN) == 1


def test_a_kernel_that_ran_earlier_and_not_in_the_traced_call_does_not_count():
    other = trace(launches=[], known=[launch(OWN[1])], ran=[ran("cutlass", 9)])
    assert from_trace(other, OWN) == []
    assert other.own_share(OWN) == 0


IMPOSTORS = [{"registers": 39}, {"registers": 41}, {"block": [256, 1, 1]}, {"grid": [17, 1, 1]}]


@pytest.mark.parametrize("shape", IMPOSTORS, ids=str)
def test_a_kernel_of_the_same_name_that_triton_did_not_launch_is_not_tritons(shape):
    forged = trace(launches=[launch(OWN[0])], ran=[ran(OWN[0], 90, **shape)])
    assert forged.own_share(OWN) == 0
    with without(Defence.KERNEL_IDENTITY):
        assert forged.own_share(OWN) == 1


def test_one_launch_vouches_for_one_kernel_and_for_the_shorter_of_two():
    twice = trace(launches=[launch(OWN[0])], ran=[ran(OWN[0], 90, 0), ran(OWN[0], 10, 100)])
    assert twice.own_share(OWN) == pytest.approx(0.1)


def test_time_that_another_kernel_covers_is_not_the_sources_own():
    """A program that waits beside the library's kernel does no work."""
    beside = trace(launches=[launch(OWN[0])], ran=[ran(OWN[0], 100, 0), ran("cutlass", 95, 2)])
    assert beside.own_share(OWN) == pytest.approx(0.05)


def test_registers_may_be_told_as_the_card_hands_them_out():
    assert (
        trace(launches=[launch(OWN[0], registers=13)], ran=[ran(OWN[0], 90, registers=16)]).own_share(OWN)
        == 1
    )


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e3)), min_size=1, max_size=20))
def test_busy_time_lies_between_the_longest_and_the_sum(kernels):
    found = trace(ran=[ran("a", us, start) for start, us in kernels]).busy_ms
    assert found is not None
    assert max(us for _, us in kernels) / 1000 <= found + 1e-9
    assert found <= sum(us for _, us in kernels) / 1000 + 1e-9


def test_kernels_that_overlap_are_counted_once():
    assert trace(ran=[ran("a", 10, 0), ran("b", 10, 5)]).busy_ms == pytest.approx(0.015)


def test_ncus_word_replaces_the_runners():
    kernels = with_profile(from_trace(trace(), OWN), ROWS)
    final = kernels[1]
    assert final.duration_ms == pytest.approx(3.791, abs=0.001)
    assert final.time_share == pytest.approx(0.983, abs=0.001)
    assert final.metrics["launch__registers_per_thread"] == 38
    assert kernels[0].grid == (16, 4096, 1)


def test_a_kernel_that_ncu_did_not_see_says_so():
    (kernel,) = with_profile(from_trace(trace(ran=[ran("helper", 1)]), ["helper"]), ROWS)
    assert "saw no launch" in kernel.missing[DURATION]


def test_without_a_profile_every_metric_is_named_as_missing():
    (kernel, _) = without_profile(from_trace(trace(), OWN), "ncu was not found")
    assert set(kernel.metrics) | set(kernel.missing) >= set(METRICS)
    assert kernel.missing[DURATION] == "ncu was not found"


def test_the_total_counts_fills_too_and_is_unknown_when_one_duration_is():
    assert total_ms(ROWS) == pytest.approx(3.857, abs=0.001)
    broken = [ROWS[0].model_copy(update={"metrics": {}}), *ROWS[1:]]
    assert total_ms(broken) is None
    assert total_ms([]) is None


def test_the_profilers_share_counts_the_sources_own_kernels():
    assert own_share(ROWS, OWN) == pytest.approx(0.99, abs=0.02)
    assert own_share(ROWS, ["nothing"]) == 0
    assert own_share([], OWN) is None
