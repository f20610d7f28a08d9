from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernelwright.agent.record import ExtractionFailure, Failure
from kernelwright.agent.replies import extract

KERNEL = '''\
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def copy_kernel(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + offsets, tl.load(x_ptr + offsets, mask=offsets < n), mask=offsets < n)


class ModelNew(nn.Module):
    """Copies."""

    def forward(self, x):
        y = torch.empty_like(x)
        copy_kernel[(triton.cdiv(x.numel(), 1024),)](x, y, x.numel(), BLOCK=1024)
        return y
'''
OTHER = KERNEL.replace("1024", "2048")


def fenced(source: str, mark: str = "```", info: str = "python") -> str:
    return f"{mark}{info}\n{source}{mark}\n"


def kind(reply: str, finish_reason: str | None = "stop") -> ExtractionFailure | None:
    found = extract(reply, finish_reason)
    return found.kind if isinstance(found, Failure) else None


@pytest.mark.parametrize("mark", ["```", "~~~", "````", "~~~~~"])
@pytest.mark.parametrize("info", ["", "python", "py", " Python title=kernel.py"])
def test_a_fenced_kernel_comes_out_byte_for_byte(mark: str, info: str) -> None:
    assert extract(f"Here it is.\n\n{fenced(KERNEL, mark, info)}\nIt is faster.\n") == KERNEL


def test_a_bare_kernel_comes_out() -> None:
    assert extract(KERNEL) == KERNEL
    assert extract("\n\n" + KERNEL + "\n\n") == KERNEL


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter() -> None:
    assert extract("\ufeff" + fenced(KERNEL).replace("\n", "\r\n")) == KERNEL


def test_a_fence_in_a_list_item_loses_its_indentation() -> None:
    indented = "\n".join("    " + line if line else "" for line in fenced(KERNEL).split("\n"))
    assert extract("1. The kernel:\n\n" + indented) == KERNEL


def test_the_last_valid_block_is_taken() -> None:
    assert extract(fenced(KERNEL) + fenced(OTHER)) == OTHER
    assert (
        extract(fenced(KERNEL) + fenced("def f(:\n") + fenced("pip install triton\n", info="bash")) == KERNEL
    )


def test_an_example_of_use_after_the_kernel_is_passed_over() -> None:
    assert extract(fenced(KERNEL) + fenced("model = ModelNew()\nclass Model: pass\n")) == KERNEL


def test_blocks_are_never_joined() -> None:
    head, tail = KERNEL.split("class ModelNew")
    assert kind(fenced(head) + fenced("import torch.nn as nn\nclass ModelNew" + tail)) is (
        ExtractionFailure.NO_TRITON_KERNEL
    )


def test_a_fence_in_a_docstring_closes_nothing() -> None:
    source = KERNEL.replace('"""Copies."""', '"""Copies.\n\n    ```\n    y = x\n    ```\n    """')
    assert extract(fenced(source)) == source
    assert extract(source) == source


def test_a_longer_fence_holds_a_shorter_one() -> None:
    source = KERNEL.replace('"""Copies."""', '"""Copies.\n\n```\ny = x\n```\n"""')
    assert extract(fenced(source, "````")) == source


@pytest.mark.parametrize("tag", ["think", "thinking", "reasoning", "THINK"])
def test_reasoning_is_left_out(tag: str) -> None:
    reply = f"<{tag}>\nMaybe\n{fenced(OTHER)}```python\nor not\n</{tag}>\n{fenced(KERNEL)}"
    assert extract(reply) == KERNEL


def test_reasoning_whose_opening_tag_the_prompt_held_is_left_out() -> None:
    assert extract(f"Maybe\n```python\nor not\n</think>\n{fenced(KERNEL)}") == KERNEL
    assert extract(f"{fenced(OTHER)}\nDone.</think>{fenced(KERNEL)}") == KERNEL


@pytest.mark.parametrize(
    "prose",
    [
        "I left out the </think> tag.\n",
        "</think>\n",
        "As said before </think>, it copies:\n```python\ny = model(x)\n```\n",
        "One </think> and\n\nanother </thinking>.",
    ],
)
def test_prose_that_names_the_tag_loses_no_kernel(prose: str) -> None:
    assert extract(f"{fenced(KERNEL)}\n{prose}") == KERNEL


def test_a_kernel_after_a_lone_closing_tag_wins_however_it_is_written() -> None:
    assert extract(f"{fenced(OTHER)}</think>\n{KERNEL}") == KERNEL
    broken = KERNEL.replace("n, BLOCK", "n, , BLOCK")
    assert kind(f"{fenced(OTHER)}</think>\n{fenced(broken)}") is ExtractionFailure.SYNTAX_ERROR


def test_reasoning_without_an_end_holds_no_answer() -> None:
    found = extract(f"<think>\nI would write\n{fenced(KERNEL)}")
    assert isinstance(found, Failure)
    assert found.kind is ExtractionFailure.EMPTY
    assert "reasoning" in found.reason


def test_a_tag_inside_the_code_is_code() -> None:
    source = KERNEL.replace("Copies.", "Copies <think>all</think> of it.")
    assert extract(fenced(source)) == source


@pytest.mark.parametrize("reason", ["length", "max_tokens"])
def test_a_reply_at_its_length_limit_is_truncated_whatever_it_holds(reason: str) -> None:
    assert kind(fenced(KERNEL), reason) is ExtractionFailure.TRUNCATED
    assert kind("", reason) is ExtractionFailure.TRUNCATED


@pytest.mark.parametrize(
    "reply",
    ["```python\n" + KERNEL, fenced(OTHER) + "```python\n" + KERNEL[:200], fenced(KERNEL) + "```python\n"],
)
def test_an_unclosed_fence_is_truncated(reply: str) -> None:
    assert kind(reply) is ExtractionFailure.TRUNCATED


def test_a_stray_closing_fence_is_no_truncation() -> None:
    assert extract(fenced(KERNEL) + "```\n") == KERNEL


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("", ExtractionFailure.EMPTY),
        (" \n\n", ExtractionFailure.EMPTY),
        ("<think>hm</think>\n", ExtractionFailure.EMPTY),
        ("I cannot help with that.", ExtractionFailure.NO_CODE),
        ("Sorry", ExtractionFailure.NO_CODE),
        ("```python\n\n```", ExtractionFailure.NO_CODE),
        ("Use ```x = 1``` here.", ExtractionFailure.NO_CODE),
        (fenced("import torch\n"), ExtractionFailure.NO_MODEL_NEW),
        ("import torch\n\ndef f():\n    pass\n", ExtractionFailure.NO_MODEL_NEW),
        (fenced(KERNEL.replace("(nn.Module)", "")), ExtractionFailure.NO_MODEL_NEW),
        (fenced(KERNEL.replace("@triton.jit\n", "")), ExtractionFailure.NO_TRITON_KERNEL),
        (fenced(KERNEL.replace("n, BLOCK", "n, , BLOCK")), ExtractionFailure.SYNTAX_ERROR),
        (KERNEL.replace("n, BLOCK", "n, , BLOCK"), ExtractionFailure.SYNTAX_ERROR),
        (fenced(KERNEL + "\0\n"), ExtractionFailure.SYNTAX_ERROR),
    ],
)
def test_each_failure_has_its_type_and_one_sentence(reply: str, expected: ExtractionFailure) -> None:
    found = extract(reply, "stop")
    assert isinstance(found, Failure)
    assert found.kind is expected
    assert found.reason
    assert "\n" not in found.reason


@pytest.mark.parametrize(
    "reply",
    [
        "x" * 10_000_000,
        "\n" * 10_000_000,
        "```\n" * 100_001,
        "```python\nclass ModelNew: pass\n```\n" * 50_000,
        "```python\nModelNew = 1\n```\n" * 50_000,
        "<think></think>" * 100_000,
        "<think>" * 100_000,
        "</think>\n" * 100_000,
        "```python\nclass ModelNew: pass\n```\n</think>\n" * 40_000,
        "```" + " " * 1_000_000 + "`",
        " " * 1_900_000 + "x",
        "`" * 1_900_000,
        "```python\nclass ModelNew: x = " + "(" * 200_000 + "\n```\n",
        "```python\nclass ModelNew: x = " + "-" * 200_000 + "1\n```\n",
        "```python\nclass ModelNew: x = y" + ".z" * 100_000 + "\n```\n",
        "```python\nclass ModelNew:\0\n```\n" * 1000,
        "```python\nclass ModelNew: x = '\ud800'\n```\n",
    ],
    ids=lambda reply: f"{len(reply)}-{reply[:12]!a}",
)
def test_a_hostile_reply_is_a_failure_and_fast(reply: str) -> None:
    started = time.perf_counter()
    assert isinstance(extract(reply), Failure)
    assert time.perf_counter() - started < 6


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                KERNEL,
                fenced(KERNEL),
                "```",
                "~~~",
                "<think>",
                "</think>",
                "\n",
                "prose",
                "    ",
                "\0",
                "'''",
                "class ModelNew:\n",
            ]
        )
        | st.text(max_size=20),
        max_size=12,
    ).map("".join),
    st.sampled_from([None, "stop", "length"]),
)
def test_whatever_comes_in_a_kernel_or_a_failure_comes_out(reply: str, finish_reason: str | None) -> None:
    found = extract(reply, finish_reason)
    if isinstance(found, str):
        assert finish_reason != "length"
        assert extract(found) == found
    else:
        assert found.reason
