"""The table of cards: consistent with itself, and matched by whole names only."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.evaluator.gpus import Gpu, UnknownGpu, gpu, gpu_by_title, gpus

CARDS = list(gpus().values())

# CUDA C++ Programming Guide, technical specifications: threads and blocks per SM, shared KB per SM and per block.
LIMITS = {
    "8.0": (2048, 32, 164, 163),
    "8.6": (1536, 16, 100, 99),
    "8.9": (1536, 24, 100, 99),
    "9.0": (2048, 32, 228, 227),
    "10.0": (2048, 32, 228, 227),
    "12.0": (1536, 24, 100, 99),
}

# fp32 lanes per SM, two operations each: what the data sheets' rates outside the tensor cores rest on.
LANES = {"8.0": 64}

REPORTED = {
    "NVIDIA GeForce RTX 3090": "rtx-3090",
    "NVIDIA GeForce RTX 4090": "rtx-4090",
    "GeForce RTX 4090": "rtx-4090",
    "NVIDIA GeForce RTX 5090": "rtx-5090",
    "NVIDIA L4": "l4",
    "NVIDIA L40S": "l40s",
    "NVIDIA A100-SXM4-80GB": "a100",
    "A100-SXM-80GB": "a100",
    "NVIDIA H100 80GB HBM3": "h100",
    "NVIDIA H200": "h200",
    "NVIDIA B200": "b200",
}

OTHERS = [
    "NVIDIA GeForce RTX 4090 Laptop GPU",
    "NVIDIA GeForce RTX 4090 D",
    "NVIDIA GeForce RTX 3090 Ti",
    "NVIDIA GeForce RTX 5090 Laptop GPU",
    "NVIDIA L40",
    "NVIDIA A100-SXM4-40GB",
    "NVIDIA A100 80GB PCIe",
    "NVIDIA H100 PCIe",
    "NVIDIA H100 NVL",
    "NVIDIA H200 NVL",
    "NVIDIA H200 MIG 1g.18gb",
    "NVIDIA GH200 480GB",
    "NVIDIA GB200",
    "NVIDIA RTX 4000 Ada Generation",
    "NVIDIA",
    "",
]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_limits_follow_from_the_compute_capability(card: Gpu) -> None:
    limits = (
        card.threads_per_sm_max,
        card.blocks_per_sm_max,
        card.shared_kb_per_sm,
        card.shared_kb_per_block_max,
    )
    assert limits == LIMITS[card.compute_capability]
    assert card.registers_per_sm == 65536 and card.registers_per_thread_max == 255


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_the_fp32_rate_is_lanes_times_clock(card: Gpu) -> None:
    lanes = card.sm_count * LANES.get(card.compute_capability, 128)
    assert card.fp32_tflops == pytest.approx(2 * lanes * card.boost_clock_mhz / 1e6, rel=0.01)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_tensor_rates_are_dense_ones(card: Gpu) -> None:
    """A rate with sparsity in one column would break the ratio of two between fp16 and TF32."""
    assert card.fp16_tensor_tflops == card.bf16_tensor_tflops
    assert card.fp16_tensor_tflops is not None and card.tf32_tensor_tflops is not None
    assert card.fp16_tensor_tflops / card.tf32_tensor_tflops == pytest.approx(2, rel=0.02)
    assert card.tf32_tensor_tflops >= card.fp32_tflops


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_derived_figures(card: Gpu) -> None:
    assert card.warps_per_sm_max * 32 == card.threads_per_sm_max
    assert f"{card.arch_number // 10}.{card.arch_number % 10}" == card.compute_capability
    assert card.source


def test_the_users_cards_are_all_there() -> None:
    wanted = {"rtx-3090", "rtx-4090", "rtx-5090", "l4", "l40s", "a100", "h100", "h200", "b200"}
    assert wanted <= set(gpus())


@pytest.mark.parametrize(("reported", "name"), REPORTED.items())
def test_a_drivers_name_finds_its_row(reported: str, name: str) -> None:
    card = gpu_by_title(reported)
    assert card is not None and card.name == name


@pytest.mark.parametrize("reported", OTHERS)
def test_a_card_that_is_not_in_the_table_finds_none(reported: str) -> None:
    assert gpu_by_title(reported) is None


def test_no_two_rows_share_a_name() -> None:
    names = list(itertools.chain.from_iterable((card.title, *card.driver_names) for card in CARDS))
    assert all((found := gpu_by_title(name)) and name in (found.title, *found.driver_names) for name in names)
    assert len(names) == len(set(names))


@given(st.sampled_from(sorted(REPORTED)), st.sampled_from([str.lower, str.upper, str.title]))
def test_case_does_not_matter(reported: str, change: object) -> None:
    assert callable(change)
    assert gpu_by_title(change(reported)) == gpu_by_title(reported)


@given(st.sampled_from(sorted(REPORTED)), st.from_regex(r"[A-Za-z0-9.]{1,8}", fullmatch=True))
def test_any_further_word_is_another_card(reported: str, word: str) -> None:
    """Suffixes are what vendors tell other models by: Ti, D, NVL, PCIe, Laptop GPU, MIG 1g.10gb."""
    if word.lower() in ("nvidia", "geforce", "tesla"):
        return
    assert gpu_by_title(f"{reported} {word}") is None


def test_an_unknown_name_gives_the_known_ones() -> None:
    with pytest.raises(UnknownGpu) as caught:
        gpu("gtx-480")
    assert str(caught.value) == f"unknown GPU 'gtx-480': choose one of {', '.join(gpus())}"
