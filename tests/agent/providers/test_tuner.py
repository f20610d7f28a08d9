from __future__ import annotations

import io
import itertools
import re
import subprocess
import sys
import tokenize
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernelwright.agent.providers.base import NothingToPropose, Request
from kernelwright.agent.providers.tuner import TunerProvider, proposals
from kernelwright.agent.replies import extract
from kernelwright.evaluator.source import check_source
from kernelwright.reference_kernels.task import load_task

Make = Callable[..., Request]

HEAD = """\
import torch
import torch.nn as nn
import triton
import triton.language as tl

"""
KERNELS = """\
@triton.jit
def stats_kernel(x_ptr, s_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(s_ptr + tl.program_id(0), tl.sum(tl.load(x_ptr + offsets, mask=offsets < n, other=0.0)))


@triton.jit
def apply_kernel(x_ptr, s_ptr, y_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + offsets, tl.load(x_ptr + offsets, mask=offsets < n), mask=offsets < n)


"""
HOST = """\
def scale(x):
    n = x.numel()
    BLOCK = {block}  # host and kernels share it
    grid = (triton.cdiv(n, BLOCK),)
    s = torch.empty(grid, device=x.device)
    y = torch.empty_like(x)
    stats_kernel[grid](x, s, n, BLOCK=BLOCK{first})
    apply_kernel[grid]({second})
    return y


class ModelNew(nn.Module):
    def forward(self, x):
        return scale(x)
"""
MANY_LINES = """
        x, s, y,  # tensors
        n,
        BLOCK=BLOCK,  # elements per program
    """


def two_launches(block: object = 1024, first: str = "", second: str = "x, s, y, n, BLOCK=BLOCK") -> str:
    return HEAD + KERNELS + HOST.format(block=block, first=first, second=second)


AUTOTUNED = (
    HEAD
    + """\
@triton.autotune(
    configs=[
        triton.Config({"BLOCK": 512}, num_warps=4),
        triton.Config({"BLOCK": 1024}, num_warps=8, num_stages=2),
    ],
    key=["n"],
)
@triton.jit
def copy_kernel(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + offsets, tl.load(x_ptr + offsets, mask=offsets < n), mask=offsets < n)


class ModelNew(nn.Module):
    def forward(self, x):
        y = torch.empty_like(x)
        copy_kernel[lambda meta: (triton.cdiv(x.numel(), meta["BLOCK"]),)](x, y, x.numel())
        return y
"""
)


def listed(source: str, *knobs: str) -> list[str]:
    return [kernel for _, kernel in proposals(source, knobs)]


def multiplied(source: str) -> str:
    """The same with a tl.dot in the kernel that stores to y."""
    return source.replace("    tl.store(y_ptr", "    tl.dot(offsets, offsets)\n    tl.store(y_ptr")


def changed_lines(old: str, new: str) -> list[str]:
    """Lines of ``new`` that stand in no line of ``old``."""
    before = set(old.split("\n"))
    return [line.strip() for line in new.split("\n") if line not in before]


def tokens(source: str) -> list[tuple[int, str]]:
    kept = tokenize.generate_tokens(io.StringIO(source).readline)
    return [(token.type, token.string) for token in kept]


def test_the_seed_is_first_brought_to_large_blocks_with_more_warps() -> None:
    seed = load_task("layer_norm").seed
    assert seed is not None
    first, second = listed(seed.read_text(), "block")[:2]
    assert "BLOCK_SIZE = 8192" in first
    assert first.count("num_warps=8") == 2  # the two launches of forward, and not the three of backward
    assert "BLOCK_SIZE = 4096" in second  # halfway back, where the first was not kept
    after = listed(first, "block")[0]
    assert "BLOCK_SIZE = 16384" in after
    assert after.count("num_warps=16") == 2


def test_a_large_block_is_doubled_and_halved() -> None:
    assert [re.search(r"BLOCK = (\d+)", new)[1] for new in listed(two_launches(8192), "block")[:2]] == [  # type: ignore[index]
        "16384",
        "4096",
    ]


def test_warps_are_first_doubled_for_all_launches_then_for_each() -> None:
    found = listed(two_launches(first=", num_warps=4"), "num_warps")
    counts = [(new.count("num_warps=8"), new.count("num_warps=16")) for new in found[:4]]
    assert counts == [(2, 0), (0, 2), (1, 0), (1, 0)]
    assert found[2] != found[3]


def test_a_keyword_is_added_in_the_layout_of_the_call_and_comments_stay() -> None:
    old = two_launches(second=MANY_LINES)
    new = listed(old, "num_warps")[0]
    assert "        BLOCK=BLOCK,  # elements per program\n        num_warps=8,\n    )" in new
    assert "x, s, n, BLOCK=BLOCK, num_warps=8)" in new


def test_num_warps_bound_to_a_name_is_changed_where_it_is_bound() -> None:
    old = two_launches(first=", num_warps=warps").replace(
        "    n = x.numel()", "    warps = 4\n    n = x.numel()"
    )
    assert "warps = 8" in changed_lines(old, listed(old, "num_warps")[0])


def test_num_warps_computed_on_the_host_is_replaced_only_when_warps_are_tuned() -> None:
    old = two_launches(first=", num_warps=pick(n)")
    assert "num_warps=8)" in listed(old, "num_warps")[0]
    assert all("num_warps=pick(n)" in new for new in listed(old, "block"))


def test_a_call_with_unknown_keywords_gets_none() -> None:
    old = two_launches(first=", **options", second="x, s, y, n, BLOCK, **options")
    assert listed(old, "num_warps") == []


def test_stages_stay_between_one_and_five() -> None:
    old = two_launches(first=", num_stages=5", second="x, s, y, n, BLOCK=BLOCK, num_stages=1")
    old = multiplied(old).replace("    tl.store(s_ptr", "    tl.dot(offsets, offsets)\n    tl.store(s_ptr")
    values = {
        int(value) for new in listed(old, "num_stages") for value in re.findall(r"num_stages=(\d+)", new)
    }
    assert values <= {1, 2, 3, 4, 5}
    assert {2, 4} <= values


def test_configs_are_tuned_and_the_launch_of_an_autotuned_kernel_is_left_alone() -> None:
    blocks, warps = (listed(AUTOTUNED, knob)[0] for knob in ("block", "num_warps"))
    stages = listed(multiplied(AUTOTUNED), "num_stages")[0]
    assert changed_lines(AUTOTUNED, blocks) == [
        'triton.Config({"BLOCK": 4096}, num_warps=4),',
        'triton.Config({"BLOCK": 8192}, num_warps=8, num_stages=2),',
    ]
    assert changed_lines(AUTOTUNED, warps) == [
        'triton.Config({"BLOCK": 512}, num_warps=8),',
        'triton.Config({"BLOCK": 1024}, num_warps=16, num_stages=2),',
    ]
    assert changed_lines(multiplied(AUTOTUNED), stages) == [
        'triton.Config({"BLOCK": 512}, num_warps=4, num_stages=4),',
        'triton.Config({"BLOCK": 1024}, num_warps=8, num_stages=3),',
    ]


def test_configs_made_in_a_loop_are_tuned_at_the_list() -> None:
    start, end = AUTOTUNED.index("    configs=["), AUTOTUNED.index('    key=["n"]')
    loop = (
        '    configs=[triton.Config({"BLOCK": size}, num_warps=w) for size in (512, 1024) for w in [2, 4]],\n'
    )
    old = AUTOTUNED[:start] + loop + AUTOTUNED[end:]
    assert "for size in (4096, 8192) for w in [2, 4]" in listed(old, "block")[0]
    assert "for size in (512, 1024) for w in [4, 8]" in listed(old, "num_warps")[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("BLOCK = 1024", "BLOCK = 8192"),
        ("BLOCK = 1 << 10", "BLOCK = 8192"),
        ("BLOCK = 4 * 256", "BLOCK = 8192"),
        ("BLOCK: tl.constexpr = tl.constexpr(1024)", "BLOCK: tl.constexpr = tl.constexpr(8192)"),
        ("BLOCK = min(1024, n)", "BLOCK = min(8192, n)"),
        ("BLOCK = 1024 if n > 4096 else 512", "BLOCK = 8192 if n > 4096 else 4096"),
        ("BLOCK, half = 1024, 7", "BLOCK, half = 8192, 7"),
    ],
)
def test_a_block_is_found_however_it_is_written(old: str, new: str) -> None:
    source = two_launches().replace("BLOCK = 1024", old)
    assert any(line.startswith(new) for line in changed_lines(source, listed(source, "block")[0]))


def test_a_block_is_found_under_the_name_that_the_host_gives_it() -> None:
    old = two_launches().replace("    BLOCK = 1024", "    width = 1024").replace("BLOCK=BLOCK", "BLOCK=width")
    assert "width = 8192" in listed(old.replace("cdiv(n, BLOCK)", "cdiv(n, width)"), "block")[0]


def test_a_block_written_as_a_number_changes_everywhere_with_its_grid() -> None:
    old = two_launches(second="x, s, y, n, 1024").replace("BLOCK=BLOCK", "BLOCK=1024")
    old = old.replace("cdiv(n, BLOCK)", "cdiv(n, 1024)").replace(
        "    BLOCK = 1024  # host and kernels share it\n", ""
    )
    new = listed(old, "block")[0]
    assert "1024" not in new
    assert new.count("8192") == 3


def test_a_default_in_the_signature_changes_with_the_host() -> None:
    old = two_launches().replace("n, BLOCK: tl.constexpr)", "n, BLOCK: tl.constexpr = 1024)")
    for new in listed(old, "block"):
        assert len(set(re.findall(r"(?:BLOCK =|constexpr =) (\d+)", new))) == 1


def test_two_blocks_change_together_first_and_then_alone() -> None:
    old = two_launches(second="x, s, y, n, BLOCK=BLOCK_APPLY").replace(
        "    grid =", "    BLOCK_APPLY = 1024\n    grid ="
    )
    pairs = [re.findall(r"BLOCK(?:_APPLY)? = (\d+)", new) for new in listed(old, "block")]
    assert pairs[0] == ["8192", "8192"]
    assert ["8192", "1024"] in pairs
    assert ["1024", "8192"] in pairs


def test_a_tile_of_two_blocks_stays_within_what_a_program_can_hold() -> None:
    old = two_launches().replace(
        "n, BLOCK: tl.constexpr)", "n, BLOCK: tl.constexpr, BLOCK_ROWS: tl.constexpr)"
    )
    old = old.replace("BLOCK=BLOCK", "BLOCK=BLOCK, BLOCK_ROWS=BLOCK_ROWS")
    old = old.replace("    grid =", "    BLOCK_ROWS = 16\n    grid =")
    found = listed(old, "block")
    assert found
    for new in found:
        width, rows = (int(value) for value in re.findall(r"BLOCK(?:_ROWS)? = (\d+)", new))
        assert width * rows <= 65536


def test_a_count_is_a_matter_of_the_grid_and_not_of_the_block() -> None:
    old = two_launches().replace("    grid =", "    NUM_BLOCKS = 96\n    SPLIT_K = 4\n    grid =")
    assert all("NUM_BLOCKS = 96" in new and "SPLIT_K = 4" in new for new in listed(old, "block"))
    grids = listed(old, "grid")
    assert changed_lines(old, grids[0]) == ["NUM_BLOCKS = 192"]
    assert changed_lines(old, grids[1]) == ["SPLIT_K = 8"]


def test_a_block_that_is_no_power_of_two_is_left_alone() -> None:
    assert listed(two_launches(1000), "block") == []


def test_launches_that_forward_never_reaches_are_not_tuned_alone() -> None:
    unused = "\n\ndef unused(x):\n    apply_kernel[(1,)](x, x, x, 1, BLOCK=64, num_warps=4)\n"
    old = two_launches() + unused
    assert all("num_warps=4" in new for new in listed(old, "num_warps"))


def test_knobs_take_turns() -> None:
    first = listed(multiplied(two_launches()), "num_warps", "num_stages")[:4]
    assert any("num_stages" in new for new in first)
    assert "num_warps=8" in first[0]


def test_a_reply_says_in_a_sentence_what_it_changes(request_for: Make) -> None:
    reply = TunerProvider().ask(request_for(knobs=("block",), parent_source=two_launches()))
    assert reply.text.startswith(
        "Change BLOCK from 1024 to 8192, num_warps of stats_kernel from the default 4 to 8"
    )
    assert (reply.provider, reply.model, reply.usage.total) == ("tuner", "tuner", 0)


def test_a_source_with_fences_in_it_survives(request_for: Make) -> None:
    old = two_launches().replace(
        "class ModelNew(nn.Module):", 'class ModelNew(nn.Module):\n    """\n```\n"""\n'
    )
    reply = TunerProvider().ask(request_for(knobs=("block",), parent_source=old))
    kernel = extract(reply.text)
    assert isinstance(kernel, str)
    assert kernel == old.replace("1024", "8192").replace("BLOCK=BLOCK)", "BLOCK=BLOCK, num_warps=8)")


def test_nothing_is_proposed_twice_and_the_end_says_so(request_for: Make) -> None:
    tried: set[str] = set()
    for _ in itertools.count():
        try:
            request = request_for(knobs=("num_warps",), parent_source=two_launches(), tried=frozenset(tried))
            kernel = extract(TunerProvider().ask(request).text)
        except NothingToPropose as end:
            assert f"all {len(tried)} changes" in str(end)
            break
        assert isinstance(kernel, str)
        sha = sha256(kernel.encode()).hexdigest()
        assert sha not in tried
        tried.add(sha)
    assert len(tried) > 5


@pytest.mark.parametrize(
    ("knobs", "parent", "why"),
    [
        ((), two_launches(), "no parameter to change in stage 'block_tiling'"),
        (("grid",), two_launches(), "no constant with SPLIT, PROGRAMS, CTAS, SMS, GROUP or ROWS in its name"),
        (("num_stages",), two_launches(), "num_stages pipelines loads for tl.dot, and no kernel has one"),
        (
            ("num_warps",),
            two_launches(second="x, s, y, n, BLOCK, **options", first=", **options"),
            "num_warps",
        ),
        (("block",), two_launches("triton.next_power_of_2(n)"), r"\(BLOCK: computed\)"),
        (("block",), None, "needs a model"),
        (("block",), "def f(:", "taken apart"),
    ],
)
def test_the_end_of_a_stage_has_a_reason(
    request_for: Make, knobs: tuple[str, ...], parent: str | None, why: str
) -> None:
    with pytest.raises(NothingToPropose, match=why):
        TunerProvider().ask(request_for(knobs=knobs, parent_source=parent))


def test_the_order_does_not_hang_on_pythons_hash_seed(tmp_path: Path) -> None:
    source = two_launches(second="x, s, y, n, BLOCK=BLOCK_APPLY").replace(
        "    grid =", "    BLOCK_APPLY = 1024\n    SPLIT = 2\n    grid ="
    )
    (tmp_path / "parent.py").write_text(source)
    script = (
        "import sys; from kernelwright.agent.providers.tuner import proposals;"
        "print([t for t, _ in proposals(open(sys.argv[1]).read(), ['block', 'grid', 'num_warps'])])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "parent.py")],
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


sources = st.builds(
    two_launches,
    block=st.sampled_from([16, 64, 1024, 4096, 65536, "2 ** 10", "min(512, 2048)"]),
    first=st.sampled_from(["", ", num_warps=4", ",num_warps = 32 , num_stages=1", ", num_stages=STAGES"]),
    second=st.sampled_from(
        ["x, s, y, n, BLOCK=BLOCK", "x, s, y, n, BLOCK", MANY_LINES, "x, s, y, n, BLOCK=BLOCK, num_warps=8,"]
    ),
) | st.just(AUTOTUNED)


@settings(max_examples=8, deadline=None)
@given(
    sources, st.lists(st.sampled_from(["block", "grid", "num_warps", "num_stages"]), min_size=1, unique=True)
)
def test_every_proposal_is_a_new_kernel_and_the_list_is_always_the_same(
    source: str, knobs: list[str]
) -> None:
    found = list(itertools.islice(proposals(source, knobs), 200))
    kernels = [kernel for _, kernel in found]
    assert len(kernels) < 200
    assert source not in kernels
    assert len(set(kernels)) == len(kernels)
    assert all(check_source(kernel) is None and extract(text) == kernel for text, kernel in found)
    assert found == list(proposals(source, knobs))


@settings(max_examples=8, deadline=None)
@given(sources)
def test_a_block_proposal_changes_integers_and_warps_and_nothing_else(source: str) -> None:
    added = [(tokenize.OP, ","), (tokenize.NAME, "num_warps"), (tokenize.OP, "=")]

    def rest(text: str) -> list[tuple[int, str]]:
        kept = [token for token in tokens(text) if token[0] not in (tokenize.NUMBER, tokenize.NL)]
        return [token for token in kept if token not in added and token[1] not in ("**", "<<")]

    for kernel in listed(source, "block"):
        assert rest(kernel) == rest(source)
        sizes = [int(size) for size in re.findall(r"BLOCK(?: = |\": )(\d+)", kernel)]
        assert all(size & (size - 1) == 0 and size <= 65536 for size in sizes)
