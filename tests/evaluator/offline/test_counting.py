"""Counts of kernels whose traffic is known by hand, at sizes that are never allocated."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.evaluator.launches import Launch, TensorArgument
from kernelwright.evaluator.offline.loops import plan
from kernelwright.evaluator.offline.samples import samples
from kernelwright.evaluator.offline.sectors import distinct_sectors, lanes_in_order, warp_sectors
from kernelwright.evaluator.offline.traffic import Traffic

from .interpreted import run

HUGE = 64 * 2**20


def tensor(*shape: int, dtype: str = "float32") -> TensorArgument:
    strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    return TensorArgument(dtype=dtype, shape=shape, strides=tuple(strides), storage=0)


def launch(kernel: str, grid: tuple[int, int, int], stages: int = 3, **values: object) -> Launch:
    constants = {name: value for name, value in values.items() if name.isupper() and len(name) > 1}
    arguments = {name: value for name, value in values.items() if name not in constants}
    return Launch.model_validate(
        {"kernel": kernel, "grid": grid, "num_warps": 4, "num_stages": stages}
        | {"constants": constants, "arguments": arguments}
    )


LAUNCHES = {
    "add": launch(
        "add_kernel",
        (HUGE // 1024, 1, 1),
        x_ptr=tensor(HUGE),
        y_ptr=tensor(HUGE),
        out_ptr=tensor(HUGE),
        n=HUGE,
        BLOCK=1024,
    ),
    "tail": launch(
        "add_kernel",
        (3, 1, 1),
        x_ptr=tensor(2100),
        y_ptr=tensor(2100),
        out_ptr=tensor(2100),
        n=2100,
        BLOCK=1024,
    ),
    "beyond": launch(
        "add_kernel",
        (3, 1, 1),
        x_ptr=tensor(2100),
        y_ptr=tensor(2100),
        out_ptr=tensor(2100),
        n=2200,
        BLOCK=1024,
    ),
    "strided": launch(
        "strided_kernel", (1000, 1, 1), x_ptr=tensor(256000, 8), out_ptr=tensor(256000), stride=8, BLOCK=256
    ),
    "half": launch(
        "strided_kernel",
        (1000, 1, 1),
        x_ptr=tensor(256000, 2, dtype="float16"),
        out_ptr=tensor(256000, dtype="float16"),
        stride=2,
        BLOCK=256,
    ),
    "gather": launch(
        "gather_kernel",
        (10, 1, 1),
        index_ptr=tensor(1280, dtype="int64"),
        x_ptr=tensor(HUGE),
        out_ptr=tensor(1280),
        BLOCK=128,
    ),
    "gathered_rows": launch(
        "gather_rows_kernel",
        (2000, 1, 1),
        index_ptr=tensor(2000, dtype="int32"),
        x_ptr=tensor(1000, 4096),
        out_ptr=tensor(2000, 4096),
        n=4096,
        BLOCK=4096,
    ),
    "tall_table": launch(
        "gather_rows_kernel",
        (2000, 1, 1),
        index_ptr=tensor(2000, dtype="int32"),
        x_ptr=tensor(500_000, 64),
        out_ptr=tensor(2000, 64),
        n=64,
        BLOCK=64,
    ),
    "ragged_rows": launch(
        "ragged_rows_kernel",
        (2000, 1, 1),
        start_ptr=tensor(2001, dtype="int64"),
        x_ptr=tensor(9000, 128),
        out_ptr=tensor(9000, 128),
        BLOCK=128,
    ),
    "rows": launch(
        "row_sum_kernel", (16, 1, 1), x_ptr=tensor(16, 4194304), out_ptr=tensor(16), n=4194304, BLOCK=1024
    ),
    "ragged": launch(
        "row_sum_kernel", (16, 1, 1), x_ptr=tensor(16, 1000004), out_ptr=tensor(16), n=1000004, BLOCK=1024
    ),
    "carried": launch(
        "carried_row_sum_kernel",
        (16, 1, 1),
        x_ptr=tensor(16, 4194304),
        out_ptr=tensor(16),
        n=4194304,
        BLOCK=1024,
    ),
    "twice": launch(
        "twice_kernel",
        (16, 1, 1),
        x_ptr=tensor(16, 4194304),
        out_ptr=tensor(16, 4194304),
        n=4194304,
        BLOCK=1024,
    ),
    "unstaged": launch(
        "staged_kernel", (1, 1, 1), x_ptr=tensor(65536), out_ptr=tensor(64), n=65536, STAGES=1, BLOCK=64
    ),
    "staged": launch(
        "staged_kernel", (1, 1, 1), x_ptr=tensor(65536), out_ptr=tensor(64), n=65536, STAGES=4, BLOCK=64
    ),
    "scalars": launch("scalar_loop_kernel", (1, 1, 1), x_ptr=tensor(4096), out_ptr=tensor(1), n=4096),
    "triangle": launch(
        "triangle_kernel", (1, 1, 1), x_ptr=tensor(1024, 1024), out_ptr=tensor(1024), n=1024, BLOCK=1024
    ),
    "matmul": launch(
        "matmul_kernel",
        (16, 16, 1),
        a_ptr=tensor(1024, 4096, dtype="float16"),
        b_ptr=tensor(4096, 1024, dtype="float16"),
        c_ptr=tensor(1024, 1024),
        K=4096,
        N=1024,
        M_TILE=64,
        N_TILE=64,
        K_TILE=32,
    ),
    "block_pointers": launch(
        "block_pointer_kernel",
        (4, 1, 1),
        x_ptr=tensor(100, 20),
        out_ptr=tensor(100, 20),
        M=100,
        N=20,
        TILE=32,
    ),
    "atomics": launch("histogram_kernel", (10, 1, 1), x_ptr=tensor(1280), out_ptr=tensor(8), BLOCK=128),
    "factory": launch("factory_kernel", (1, 1, 1), x_ptr=tensor(32), SCALE=2.0),
    "absent": launch("nowhere_kernel", (1, 1, 1), x_ptr=tensor(32)),
    "endless": launch("endless_kernel", (4, 1, 1), x_ptr=tensor(32)),
}
COUNT = """
import json
from kernelwright.evaluator.launches import Launch
from kernelwright.evaluator.offline.counting import count
launches = [Launch.model_validate(raw) for raw in json.loads((folder / "launches.json").read_text())]
source = Path((folder / "source").read_text())
endless = [one for one in launches if one.kernel == "endless_kernel"]
counted = iter(count(source, [], [], [], gpu, [one for one in launches if one not in endless], seconds=120.0))
cut = iter(count(source, [], [], [], gpu, endless, seconds=1.0))
result = [next(cut if one in endless else counted).model_dump(mode="json") for one in launches]
"""


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Traffic]:
    folder = tmp_path_factory.mktemp("counted")
    raw = [one.model_dump(mode="json") for one in LAUNCHES.values()]
    (folder / "launches.json").write_text(json.dumps(raw), encoding="utf-8")
    (folder / "source").write_text(str(Path(__file__).with_name("counted_kernels.py")), encoding="utf-8")
    found = [Traffic.model_validate(one) for one in run(folder, COUNT)]
    return dict(zip(LAUNCHES, found, strict=True))


def test_a_vector_add_moves_its_three_vectors_once(counted: dict[str, Traffic]) -> None:
    for name, loaded in (("x_ptr", True), ("y_ptr", True), ("out_ptr", False)):
        one = counted["add"].arguments[name]
        assert (one.load_bytes if loaded else one.store_bytes) == 4 * HUGE
        assert (one.load_sectors if loaded else one.store_sectors) == 4 * HUGE / 32
        assert (one.loaded_footprint if loaded else one.stored_footprint) == 4 * HUGE
    assert counted["add"].complete
    assert counted["add"].round_trips == 1


def test_a_masked_tail_is_counted_to_the_byte(counted: dict[str, Traffic]) -> None:
    one = counted["tail"].arguments["x_ptr"]
    assert one.load_bytes == 2100 * 4
    assert one.load_sectors == 2 * 128 + 7
    assert one.loaded_footprint == (2 * 128 + 7) * 32
    assert not counted["tail"].warnings


def test_an_access_beyond_the_end_is_told(counted: dict[str, Traffic]) -> None:
    assert any("beyond the end of 'x_ptr'" in text for text in counted["beyond"].warnings)


def test_a_stride_of_a_sector_costs_a_sector_for_each_element(counted: dict[str, Traffic]) -> None:
    one = counted["strided"].arguments["x_ptr"]
    assert one.load_bytes == 256000 * 4
    assert one.load_sectors == 256000
    assert one.loaded_footprint == 256000 * 32


def test_a_small_stride_shares_sectors_among_lanes(counted: dict[str, Traffic]) -> None:
    one = counted["half"].arguments["x_ptr"]
    assert one.load_bytes == 256000 * 2
    assert one.load_sectors == 256000 / 8


def test_a_gather_reads_a_sector_for_each_index(counted: dict[str, Traffic]) -> None:
    traffic = counted["gather"]
    assert traffic.arguments["index_ptr"].load_bytes == 1280 * 8
    assert traffic.arguments["x_ptr"].load_bytes == 1280 * 4
    assert traffic.arguments["x_ptr"].loaded_footprint == 1280 * 32
    assert traffic.round_trips == 2
    assert traffic.warnings == [
        "gather_kernel: addresses in 'x_ptr' come from memory and were counted as if that held random indices"
        " below 67,108,864"
    ]


def test_indices_count_along_the_longest_axis_on_which_they_stay_inside(counted: dict[str, Traffic]) -> None:
    wide, tall = (counted[name].arguments["x_ptr"] for name in ("gathered_rows", "tall_table"))
    assert wide.load_bytes == 2000 * 4096 * 4
    assert 0.5 * 1000 * 4096 * 4 < wide.loaded_footprint <= 1000 * 4096 * 4
    assert tall.load_bytes == tall.loaded_footprint == 2000 * 64 * 4
    assert [text[-12:] for text in counted["gathered_rows"].warnings] == [" below 1,000"]


def test_what_else_depends_on_data_counts_as_zeros_and_says_so(counted: dict[str, Traffic]) -> None:
    traffic = counted["ragged_rows"]
    assert traffic.arguments["x_ptr"].load_bytes == 0
    assert traffic.arguments["out_ptr"].stored_footprint == 128 * 4
    assert [text[-11:] for text in traffic.warnings] == [" held zeros"]


def test_a_long_loop_is_scaled_exactly_from_the_iterations_that_ran(counted: dict[str, Traffic]) -> None:
    one = counted["rows"].arguments["x_ptr"]
    assert one.load_bytes == one.loaded_footprint == 16 * 4194304 * 4
    assert one.load_sectors == 16 * 4194304 / 8
    assert counted["rows"].round_trips == 4096
    assert counted["rows"].complete


def test_the_masked_last_iteration_of_a_long_loop_is_counted_as_it_is(counted: dict[str, Traffic]) -> None:
    assert counted["ragged"].arguments["x_ptr"].load_bytes == 16 * 1000004 * 4


def test_a_pointer_that_a_loop_carries_along_covers_the_whole_tensor(counted: dict[str, Traffic]) -> None:
    assert counted["carried"].arguments["x_ptr"] == counted["rows"].arguments["x_ptr"]


def test_a_second_pass_is_a_reread_at_the_distance_of_the_row(counted: dict[str, Traffic]) -> None:
    one = counted["twice"].arguments["x_ptr"]
    assert one.load_bytes == 2 * one.loaded_footprint == 2 * 16 * 4194304 * 4
    assert sum(again.sectors for again in one.rereads) == pytest.approx(16 * 4194304 / 8)
    far = [again for again in one.rereads if again.distance_bytes >= 4194304 * 4]
    assert sum(again.sectors for again in far) == pytest.approx(16 * 4194304 / 8, rel=0.05)


def test_a_pipelined_loop_waits_less_often(counted: dict[str, Traffic]) -> None:
    assert counted["unstaged"].round_trips == 1024
    assert counted["staged"].round_trips == pytest.approx(1024 / 3)
    assert counted["staged"].arguments == counted["unstaged"].arguments


def test_scalars_of_one_sector_wait_for_memory_once(counted: dict[str, Traffic]) -> None:
    assert counted["scalars"].round_trips == 4096 / 8
    assert counted["scalars"].l1_trips == pytest.approx(
        (4096 - 4096 / 8) / 4, rel=0.01
    )  # unrolled four times
    assert counted["scalars"].arguments["x_ptr"].first_sectors == 4096 / 8
    assert counted["scalars"].arguments["x_ptr"].load_bytes == 4096 * 4


def test_iterations_that_grow_evenly_are_summed_well_and_marked(counted: dict[str, Traffic]) -> None:
    traffic = counted["triangle"]
    assert traffic.arguments["x_ptr"].load_bytes == pytest.approx(4 * 1024 * 1025 / 2, rel=0.01)
    assert not traffic.complete
    assert "iterations of a loop differ" in (traffic.reason or "")


def test_a_product_counts_its_operations_its_tiles_and_the_pipelined_waits(
    counted: dict[str, Traffic],
) -> None:
    traffic = counted["matmul"]
    assert traffic.dot_flops == 2 * 1024 * 1024 * 4096
    assert traffic.arguments["a_ptr"].load_bytes == 1024 * 4096 * 2 * 16
    assert traffic.arguments["a_ptr"].loaded_footprint == 1024 * 4096 * 2
    assert traffic.arguments["b_ptr"].shared_by_neighbours
    assert traffic.round_trips == 128 / 2


def test_block_pointers_are_counted_with_their_bounds(counted: dict[str, Traffic]) -> None:
    one = counted["block_pointers"].arguments["x_ptr"]
    assert one.load_bytes == counted["block_pointers"].arguments["out_ptr"].store_bytes == 100 * 20 * 4


def test_an_atomic_reads_and_writes(counted: dict[str, Traffic]) -> None:
    one = counted["atomics"].arguments["out_ptr"]
    assert one.load_bytes == one.store_bytes == 1280 * 4
    assert one.loaded_footprint == one.stored_footprint == 32


def test_a_kernel_made_while_the_model_is_built_is_found(counted: dict[str, Traffic]) -> None:
    assert counted["factory"].arguments["x_ptr"].store_bytes == 128


def test_a_kernel_that_is_nowhere_is_named_and_not_counted(counted: dict[str, Traffic]) -> None:
    assert not counted["absent"].usable
    assert "nowhere_kernel" in (counted["absent"].reason or "")


def test_a_kernel_that_never_ends_is_cut_off_in_time(counted: dict[str, Traffic]) -> None:
    assert not counted["endless"].complete
    assert "cut off" in (counted["endless"].reason or "")


@given(
    st.integers(0, 1 << 20), st.sampled_from([1, 2, 4, 8]), st.lists(st.booleans(), min_size=1, max_size=200)
)
def test_sectors_of_contiguous_lanes_lie_between_bytes_and_lanes(
    base: int, size: int, mask: list[bool]
) -> None:
    active = np.array(mask)
    addresses = base * size + size * np.arange(len(mask), dtype=np.int64)
    sectors = warp_sectors(addresses, active, size)
    assert active.sum() * size / 32 <= sectors <= active.sum()
    assert len(distinct_sectors(addresses, active, size)) <= sectors


@given(st.lists(st.integers(0, 1 << 16), min_size=1, max_size=100), st.randoms(use_true_random=False))
def test_sectors_of_one_warp_do_not_depend_on_the_order_of_its_lanes(
    places: list[int], random: object
) -> None:
    lanes = np.array(places[:32], dtype=np.int64) * 4
    shuffled = lanes.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    every = np.ones(len(lanes), dtype=np.bool_)
    assert (
        warp_sectors(lanes, every, 4) == warp_sectors(shuffled, every, 4) == len(set((lanes // 32).tolist()))
    )


@given(st.integers(1, 40), st.integers(1, 40))
def test_lanes_follow_the_contiguous_axis_of_a_tile(rows: int, columns: int) -> None:
    row_major = 4 * np.arange(rows * columns, dtype=np.int64).reshape(rows, columns)
    every = np.ones(row_major.shape, dtype=np.bool_)
    assert (lanes_in_order(row_major, every)[0] == row_major.ravel()).all()
    assert (lanes_in_order(row_major.T, every)[0] == row_major.ravel()).all()


@given(st.integers(0, 100_000), st.integers(0, 3))
def test_a_loop_plan_stands_for_every_iteration_once_and_runs_few(iterations: int, depth: int) -> None:
    runs = plan(iterations, depth)
    assert sum(run.length * run.weight for run in runs) == pytest.approx(iterations)
    assert sum(run.length for run in runs) <= 96
    assert all(before.start + before.length <= after.start for before, after in pairwise(runs))
    assert not runs or runs[-1].start + runs[-1].length == iterations


@given(st.tuples(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 70)))
def test_sampled_programs_stand_for_the_whole_grid(grid: tuple[int, int, int]) -> None:
    found = samples(grid)
    assert sum(weight for _, weight in found) == pytest.approx(grid[0] * grid[1] * grid[2])
    assert all(0 <= at < size for program, _ in found for at, size in zip(program, grid, strict=True))
    assert len({program for program, _ in found}) == len(found)
