"""The model ranks what it has reasons to rank, never rewards more work, and meets the published measurements."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.evaluator import metrics
from kernelwright.evaluator.evaluation import Estimate
from kernelwright.evaluator.gpus import Gpu, gpu
from kernelwright.evaluator.launches import Launch, TensorArgument
from kernelwright.evaluator.offline.estimate import OfflineTimes, clearly_lower, estimate
from kernelwright.evaluator.offline.recorded import TorchOperation
from kernelwright.evaluator.offline.traffic import ArgumentTraffic, Reread, Traffic
from kernelwright.reference_kernels import load_task

from .interpreted import run

N, ROWS = 4194304, 16
ADA, HOPPER = gpu("rtx-4090"), gpu("h200")


def _tensor(*shape: int) -> TensorArgument:
    strides = (shape[1], 1) if len(shape) == 2 else (1,)
    return TensorArgument(dtype="float32", shape=shape, strides=strides, storage=0)


def _seed(block: int, warps: int = 4, stages: int = 3) -> list[Launch]:
    """The bundled two-stage kernel's launches on (16, 64, 256, 256); registers as ptxas gives them for sm_90."""
    blocks = N // block
    partials = {"partial_mean_ptr": _tensor(ROWS, blocks), "partial_m2_ptr": _tensor(ROWS, blocks)}
    common = {
        "num_warps": warps,
        "num_stages": stages,
        "constants": {"BLOCK_SIZE": block},
        "shared_bytes": 16,
    }
    row = {"x_ptr": _tensor(ROWS, N), "n_elements": N}
    affine = {"weight_ptr": _tensor(N), "bias_ptr": _tensor(N), "output_ptr": _tensor(ROWS, N)}
    stats = {"mean_ptr": _tensor(ROWS), "rstd_ptr": _tensor(ROWS), "eps": 1e-5}
    return [
        Launch(kernel="layer_norm_forward_partial_kernel", grid=(ROWS, blocks, 1), registers=24,
               arguments=row | partials, **common),
        Launch(kernel="layer_norm_forward_final_kernel", grid=(ROWS, 1, 1), registers=80,
               arguments=row | affine | stats | partials, **common),
    ]  # fmt: skip


def _apply(rows_first: bool, block: int = 1024) -> Launch:
    grid = (ROWS, N // block, 1) if rows_first else (N // block, ROWS, 1)
    tensors = {"x_ptr": _tensor(ROWS, N), "weight_ptr": _tensor(N), "bias_ptr": _tensor(N)}
    tensors |= {"out_ptr": _tensor(ROWS, N), "mean_ptr": _tensor(ROWS), "rstd_ptr": _tensor(ROWS)}
    constants = {"ROWS_FIRST": rows_first, "BLOCK": block}
    return Launch(kernel="apply_kernel", grid=grid, num_warps=4, num_stages=3, registers=32, shared_bytes=0,
                  constants=constants, arguments=tensors | {"n": N})  # fmt: skip


COPY = Launch(kernel="copy_kernel", grid=(ROWS * N // 1024, 1, 1), num_warps=4, num_stages=3, registers=24,
              shared_bytes=0, constants={"BLOCK": 1024},
              arguments={"x_ptr": _tensor(ROWS * N), "out_ptr": _tensor(ROWS * N)})  # fmt: skip
SEEDS = {
    "seed": _seed(1024),
    "wide": _seed(4096),
    "warps": _seed(1024, warps=8),
    "stages": _seed(1024, stages=2),
}
OTHERS = {"rows": [_apply(True)], "columns": [_apply(False)], "copy": [COPY]}
COUNT = """
import json
from kernelwright.evaluator.launches import Launch
from kernelwright.evaluator.offline.counting import count
result = {}
for source, sets in json.loads((folder / "work.json").read_text()).items():
    for name, raw in sets.items():
        launches = [Launch.model_validate(one) for one in raw]
        found = count(Path(source), [], [], [], gpu, launches, seconds=120.0)
        result[name] = [one.model_dump(mode="json") for one in found]
"""


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[Launch], list[Traffic]]]:
    folder = tmp_path_factory.mktemp("estimated")
    seed = load_task("layer_norm").seed
    own = Path(__file__).with_name("counted_kernels.py")
    work = {
        str(source): {
            name: [one.model_dump(mode="json") for one in several] for name, several in sets.items()
        }
        for source, sets in ((seed, SEEDS), (own, OTHERS))
    }
    (folder / "work.json").write_text(json.dumps(work), encoding="utf-8")
    found = run(folder, COUNT)
    launches = SEEDS | OTHERS
    return {
        name: (launches[name], [Traffic.model_validate(one) for one in raw]) for name, raw in found.items()
    }


Counted = dict[str, tuple[list[Launch], list[Traffic]]]


def _ms(counted: Counted, name: str, card: Gpu) -> float:
    total = estimate(*counted[name], card).total
    assert total is not None
    return total.ms


@pytest.mark.parametrize(("card", "times"), [(ADA, 2.0), (HOPPER, 10.0)])
def test_sixteen_programs_stand_well_behind_a_split_grid(counted: Counted, card: Gpu, times: float) -> None:
    partial = estimate(counted["seed"][0][:1], counted["seed"][1][:1], card).total
    assert partial is not None
    assert _ms(counted, "seed", card) > times * (partial.ms + _ms(counted, "rows", card))


@pytest.mark.parametrize("card", [ADA, HOPPER], ids=["ada", "hopper"])
def test_more_bytes_under_way_in_the_sixteen_programs_is_faster(counted: Counted, card: Gpu) -> None:
    assert _ms(counted, "wide", card) < 0.8 * _ms(counted, "seed", card)
    assert _ms(counted, "warps", card) < _ms(counted, "seed", card)


def test_stages_change_nothing_where_triton_pipelines_nothing(counted: Counted) -> None:
    assert _ms(counted, "stages", ADA) == _ms(counted, "seed", ADA)


def test_walking_columns_first_fetches_weight_and_bias_for_every_row(counted: Counted) -> None:
    rows, columns = (estimate(*counted[name], HOPPER).kernels[0] for name in ("rows", "columns"))
    moved = [one.metrics[metrics.DRAM_THROUGHPUT] * one.metrics[metrics.DURATION] for one in (rows, columns)]
    assert moved[1] / moved[0] == pytest.approx((4 * 16) / (2 * 16 + 2), rel=0.01)


@pytest.mark.parametrize(
    ("name", "kernel", "card", "measured_ms"),
    [
        ("seed", 0, ADA, 0.279),
        ("seed", 1, ADA, 1.88),
        ("seed", 0, HOPPER, 0.0623),
        ("seed", 1, HOPPER, 3.79),
        ("copy", 0, HOPPER, 0.129),
        ("columns", 0, HOPPER, 0.318 - 0.0623),
    ],
)
def test_published_times_lie_in_the_range(
    counted: Counted, name: str, kernel: int, card: Gpu, measured_ms: float
) -> None:
    launches, traffic = counted[name]
    total = estimate(launches[kernel : kernel + 1], traffic[kernel : kernel + 1], card).total
    assert total is not None
    assert total.range_ms[0] < measured_ms < total.range_ms[1]


def test_counted_sectors_predict_the_cache_hits_that_ncu_measured(counted: Counted) -> None:
    partial, final = estimate(*counted["seed"], ADA).kernels
    assert partial.metrics[metrics.L2_HIT] == pytest.approx(1.61, abs=1.0)
    assert final.metrics[metrics.L2_HIT] == pytest.approx(71.84, abs=1.0)
    assert final.metrics[metrics.WARPS_ACTIVE] == pytest.approx(8.32, abs=0.1)
    assert final.metrics[metrics.DRAM_THROUGHPUT] == pytest.approx(30.01, rel=0.15)


def test_the_kernel_that_takes_the_time_has_the_share(counted: Counted) -> None:
    partial, final = estimate(*counted["seed"], HOPPER).kernels
    assert (final.time_share or 0) > 0.9
    assert (final.time_share or 0) + (partial.time_share or 0) == pytest.approx(1.0)


def test_what_is_not_predicted_is_named_with_the_reason(counted: Counted) -> None:
    for one in estimate(*counted["seed"], ADA).kernels:
        assert set(one.metrics).isdisjoint(one.missing)
        assert set(one.metrics) | set(one.missing) == set(metrics.METRICS)
        assert "offline" in one.missing[metrics.SM_THROUGHPUT]


def _launch(programs: int = 1000, warps: int = 4) -> Launch:
    return Launch(
        kernel="k", grid=(programs, 1, 1), num_warps=warps, num_stages=2, registers=32, shared_bytes=0
    )


def _traffic(programs: int, sectors: float, trips: float, footprint: float, **more: float) -> Traffic:
    one = ArgumentTraffic(
        load_bytes=sectors * 32, load_sectors=sectors, first_sectors=sectors,
        loaded_footprint=min(footprint, sectors * 32),
        rereads=[Reread(distance_bytes=1 << 20, sectors=more.pop("reread", 0.0))],
    )  # fmt: skip
    return Traffic(kernel="k", grid=(programs, 1, 1), arguments={"x": one}, round_trips=trips, round_trips_max=trips,
                   sampled=[(0, 0, 0)], **more)  # fmt: skip


def _total(launch: Launch, traffic: Traffic, card: Gpu = ADA) -> float:
    total = estimate([launch], [traffic], card).total
    assert total is not None
    return total.ms


counts = st.integers(1, 100_000)
cases = st.tuples(counts, st.floats(1e3, 1e9), st.floats(0, 1e5), st.floats(32, 1e10))


@given(cases, st.floats(1, 10))
def test_more_bytes_are_never_faster(case: tuple[int, float, float, float], factor: float) -> None:
    programs, sectors, trips, footprint = case
    more = _traffic(programs, sectors * factor, trips, footprint * factor)
    assert _total(_launch(programs), more) >= _total(_launch(programs), _traffic(*case)) * (1 - 1e-9)


@given(cases, st.floats(0, 1e5), st.floats(0, 1e15), st.floats(0, 1e12))
def test_more_waits_products_or_operations_are_never_faster(
    case: tuple[int, float, float, float], waits: float, flops: float, operations: float
) -> None:
    programs, sectors, trips, footprint = case
    more = _traffic(programs, sectors, trips + waits, footprint, dot_flops=flops, elementwise=operations)
    assert _total(_launch(programs), more) >= _total(_launch(programs), _traffic(*case))


@given(cases, st.integers(1, 128))
def test_fewer_sms_are_never_faster(case: tuple[int, float, float, float], sms: int) -> None:
    small = ADA.model_copy(update={"sm_count": sms})
    assert _total(_launch(case[0]), _traffic(*case), small) >= _total(_launch(case[0]), _traffic(*case)) * (
        1 - 1e-9
    )


@given(cases, st.floats(1, 4))
def test_more_bandwidth_is_never_slower(case: tuple[int, float, float, float], factor: float) -> None:
    wide = ADA.model_copy(update={"memory_bandwidth_gb_s": ADA.memory_bandwidth_gb_s * factor})
    assert _total(_launch(case[0]), _traffic(*case), wide) <= _total(_launch(case[0]), _traffic(*case)) * (
        1 + 1e-9
    )


@given(cases)
def test_no_estimate_beats_the_footprint_at_peak_bandwidth(case: tuple[int, float, float, float]) -> None:
    traffic = _traffic(*case)
    floor = traffic.arguments["x"].loaded_footprint / (ADA.memory_bandwidth_gb_s * 1e6)
    assert _total(_launch(case[0]), traffic) > floor


def test_programs_that_find_no_place_wait_for_those_that_have_one() -> None:
    places = ADA.sm_count * 12  # 48 warps per SM, 4 for each program
    one, three = (_total(_launch(n), _traffic(n, n, 1000, 32)) for n in (places, 3 * places))
    assert three == pytest.approx(3 * one, rel=0.05)


def test_rereads_beyond_the_cache_cost_memory_traffic() -> None:
    big = 4e9
    once = _traffic(1000, big / 32, 1, big)
    again = _traffic(1000, big / 32, 1, big, reread=big / 32)
    again.arguments["x"].load_sectors *= 2
    assert _total(_launch(), again) == pytest.approx(2 * _total(_launch(), once), rel=0.01)


def test_pytorchs_own_work_is_paid_for() -> None:
    traffic = _traffic(1000, 1e6, 1, 1e9)
    fill = TorchOperation(name="aten::zero_", read_bytes=0, written_bytes=10**9)
    with_fill = estimate([_launch()], [traffic], ADA, [fill]).total
    assert with_fill is not None
    assert with_fill.ms > _total(_launch(), traffic) + 1.0


def test_launches_of_one_kernel_become_one_profile() -> None:
    traffic = _traffic(1000, 1e6, 1, 1e9)
    profiles = estimate([_launch()] * 3, [traffic] * 3, ADA).kernels
    assert [one.launches for one in profiles] == [3]
    assert profiles[0].time_share == pytest.approx(1.0)


@pytest.mark.parametrize(
    "doubt", [{"complete": False, "reason": "it was cut off"}, {"warnings": ["zeros for data"]}], ids=str
)
def test_an_incomplete_count_widens_the_range_and_the_margin(doubt: dict[str, object]) -> None:
    traffic = _traffic(1000, 1e6, 1, 1e9).model_copy(update=doubt)
    wide = estimate([_launch()], [traffic], ADA)
    usual = estimate([_launch()], [_traffic(1000, 1e6, 1, 1e9)], ADA)
    assert wide.total is not None and usual.total is not None
    assert wide.total.range_ms[1] > usual.total.range_ms[1]
    assert wide.warnings
    lower = Estimate(ms=usual.total.ms * 0.9, range_ms=(usual.total.ms * 0.6, usual.total.ms * 1.35))
    assert clearly_lower(lower, usual.total)
    assert not clearly_lower(lower, wide.total)


def test_without_a_count_there_is_no_estimate_and_the_reason_is_told() -> None:
    nothing = Traffic(kernel="k", grid=(1000, 1, 1), complete=False, reason="it could not be found")
    times: OfflineTimes = estimate([_launch()], [nothing], ADA)
    assert times.total is None
    assert any("could not be found" in text for text in times.warnings)
    assert times.kernels[0].metrics[metrics.GRID_SIZE] == 1000


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_at_most_one_of_two_estimates_is_clearly_lower(first: float, second: float) -> None:
    one, two = (Estimate(ms=ms, range_ms=(ms / 1.5, ms * 1.5)) for ms in (first, second))
    assert not (clearly_lower(one, two) and clearly_lower(two, one))
    assert not clearly_lower(one, one)
