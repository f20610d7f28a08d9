from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernelwright.agent.providers.base import NothingToPropose, Request
from kernelwright.agent.providers.tuner import TunerProvider, proposals
from kernelwright.evaluator.source import check_source

sys.path.insert(0, str(Path(__file__).parent))
from kernel_sources import COPIES, COPY, PRODUCES, PRODUCT, ROWS, autotuned, forward

Edits = dict[str, str]
"""What the first proposal puts in place of what; all else must stay as it is."""

CONFIGS = '[triton.Config({"BLOCK": 512}, num_warps=2), triton.Config({"BLOCK": 1024}, num_warps=4)]'
MORE = {"1024": "8192", "1023": "8191"}
BOTH = {"512": "4096", "1024": "8192"}
TILES = "BM, BN, BK = 64, 64, 32"
GRID = "grid = (triton.cdiv(m, BM), triton.cdiv(n, BN))"
GROUPED = PRODUCT.replace("BK: tl.constexpr)", "BK: tl.constexpr, GROUP_M: tl.constexpr)")
STAGED = ROWS.replace("in range(0, n, BLOCK)", "in tl.range(0, n, BLOCK, num_stages=2)")
STEPPED = STAGED.replace("num_stages=2", "num_stages=num_stages").replace(
    "constexpr)", "constexpr, num_stages: tl.constexpr)"
)
INNER = PRODUCT.replace("tl.dot(a, b, total)", "multiplied(a, b, total)")
HELPED = f"@triton.jit\ndef multiplied(a, b, total):\n    return tl.dot(a, b, total)\n\n\n{INNER}"


def heuristic(block: str, warps: str) -> str:
    rules = f'{{"BLOCK": lambda args: {block}, "num_warps": lambda args: {warps}}}'
    return forward("copy_kernel[(1,)](x, y, x.numel())", kernel=f"@triton.heuristics({rules})\n{COPY}")


def wrapper(head: str, name: str, call: str) -> str:
    """A launch in a function of the module."""
    return forward(call, before=f"{head}\n    {COPIES.replace('BLOCK)', name + ')')}")


def method() -> str:
    launch = COPIES.replace("BLOCK)", "block)")
    return forward("self.copy(x, y, 1024)").replace(
        "    def forward", f"    def copy(self, x, y, block):\n        {launch}\n\n    def forward"
    )


def product(*options: str, tiles: str = TILES, kernel: str = PRODUCT) -> str:
    return forward(GRID, PRODUCES[:-1] + ", ".join(("", *options)) + ")", before=tiles, kernel=kernel)


def rows(options: str, *lines: str, kernel: str = ROWS) -> str:
    return forward(*lines, f"row_kernel[(9,)](x, y, x.shape[1], {options})", kernel=kernel)


BLOCKS: dict[str, tuple[str, Edits]] = {
    "a constant of the module": (forward(COPIES, before="BLOCK = 1024"), MORE),
    "a constant under constexpr": (forward(COPIES, before="BLOCK = tl.constexpr(1024)"), MORE),
    "a constant with a type": (forward(COPIES, before="BLOCK: int = 1024"), MORE),
    "an attribute of the class": (forward(COPIES.replace("BLOCK)", "self.BLOCK)"), cls="BLOCK = 1024"), MORE),
    "an attribute of the model": (
        forward(COPIES.replace("BLOCK)", "self.block)"), init="self.block = 1024"),
        MORE,
    ),
    "a default of the kernel": (
        forward(
            "copy_kernel[lambda meta: (triton.cdiv(x.numel(), meta['BLOCK']),)](x, y, x.numel())",
            kernel=COPY.replace("constexpr)", "constexpr = 1024)"),
        ),
        MORE,
    ),
    "a default of the wrapper": (wrapper("def copy(x, y, size=1024):", "size", "copy(x, y)"), MORE),
    "an argument of the wrapper": (wrapper("def copy(x, y, size):", "size", "copy(x, y, 1024)"), MORE),
    "an argument of a method": (method(), MORE),
    "a dict that is unpacked": (
        forward(
            "grid = (triton.cdiv(x.numel(), META['BLOCK']),)",
            "copy_kernel[grid](x, y, x.numel(), **META)",
            before='META = {"BLOCK": 1024}',
        ),
        MORE,
    ),
    "a call of dict that is unpacked": (
        forward("meta = dict(BLOCK=1024)", "copy_kernel[(9,)](x, y, x.numel(), **meta)"),
        MORE,
    ),
    "a dict beside a constant": (
        rows('**{"BLOCK": 1024}', "size = 1024", "row_kernel[(9,)](y, x, 9, BLOCK=size)"),
        {"1024": "4096"},
    ),
    "a number with its grid": (
        forward("copy_kernel[((x.numel() + 1023) // 1024,)](x, y, x.numel(), BLOCK=1024)"),
        MORE,
    ),
    "a number with its grid in three parts": (
        forward("copy_kernel[((x.numel() + 1024 - 1) // 1024,)](x, y, x.numel(), 1024)"),
        MORE,
    ),
    "a number in a helper for the grid": (
        forward(
            "copy_kernel[grid(x)](x, y, x.numel(), BLOCK=1024)",
            before="def grid(x):\n    return (math.ceil(x.numel() / 1024),)",
        ),
        MORE,
    ),
    "a launch by another name": (
        forward("launch = copy_kernel[(x.numel() // 1024,)]", "launch(x, y, x.numel(), BLOCK=1024)"),
        MORE,
    ),
    "a wrapped kernel": (
        forward("torch.library.wrap_triton(copy_kernel)[(9,)](x, y, x.numel(), BLOCK=1024)"),
        MORE,
    ),
    "rows that a program walks": (rows("BLOCK=256"), {"256": "4096"}),
    "configs in the decorator": (autotuned(CONFIGS), BOTH),
    "configs in a list": (autotuned("CONFIGS", before=f"CONFIGS = {CONFIGS}"), BOTH),
    "configs of a function": (autotuned("configs()", before=f"def configs():\n    return {CONFIGS}"), BOTH),
    "configs appended in a loop": (
        autotuned(
            "CONFIGS",
            before='CONFIGS = []\nfor b in (512, 1024):\n    CONFIGS.append(triton.Config({"BLOCK": b}))',
        ),
        BOTH,
    ),
    "configs over a list by name": (
        autotuned('[triton.Config({"BLOCK": b}) for b in SIZES]', before="SIZES = [512, 1024]"),
        BOTH,
    ),
    "configs over a product": (
        autotuned(
            '[triton.Config({"BLOCK": b}, num_warps=w) for b, w in itertools.product([512, 1024], [4, 8])]'
        ),
        BOTH,
    ),
    "configs over a table": (
        autotuned('[triton.Config({"BLOCK": b}, w) for b, w in [(512, 4), (1024, 8)]]'),
        BOTH,
    ),
    "configs through a helper": (
        autotuned("[config(1024, 4)]", before='def config(b, w):\n    return triton.Config({"BLOCK": b}, w)'),
        MORE,
    ),
    "the cap of a heuristic": (
        heuristic('min(1024, triton.next_power_of_2(args["n"]))', "4"),
        {**MORE, "args: 4}": "args: 8}"},
    ),
    "the tiles of a product": (product(), {"64, 64, 32": "128, 128, 64"}),
    "tiles under fp32's precision": (
        product(kernel=PRODUCT.replace("b, total)", 'b, total, input_precision="ieee")')),
        {"64, 64, 32": "128, 128, 32"},
    ),
    "tiles in a dict": (
        forward(
            "product_kernel[grid](a, b, c, m, n, k, **T)",
            before='T = {"BM": 32, "BN": 64, "BK": 64}',
            kernel=PRODUCT,
        ),
        {'"BM": 32, "BN": 64': '"BM": 128, "BN": 128'},
    ),
    "tiles that a helper multiplies": (product(kernel=HELPED), {"64, 64, 32": "128, 128, 64"}),
}
WARPS: dict[str, tuple[str, Edits]] = {
    "a number": (
        forward(COPIES[:-1] + ", num_warps=2)", before="BLOCK = 512"),
        {"num_warps=2": "num_warps=4"},
    ),
    "no number": (rows("BLOCK=1024"), {"BLOCK=1024": "BLOCK=1024, num_warps=8"}),
    "a constant": (rows("BLOCK=1024, num_warps=WARPS", "WARPS = 4"), {"WARPS = 4": "WARPS = 8"}),
    "an unpacked dict": (
        rows("BLOCK=1024, **options", 'options = {"num_warps": 4}'),
        {'"num_warps": 4': '"num_warps": 8'},
    ),
    "an unpacked call of dict": (
        rows("BLOCK=1024, **options", "options = dict(num_warps=4)"),
        {"num_warps=4": "num_warps=8"},
    ),
    "a dict in the launch": (rows('**{"BLOCK": 1024, "num_warps": 4}'), {'"num_warps": 4': '"num_warps": 8'}),
    "an entry of a dict": (
        rows('BLOCK=1024, num_warps=best["num_warps"]', 'best = {"num_warps": 4}'),
        {'"num_warps": 4': '"num_warps": 8'},
    ),
    "a config's second argument": (
        autotuned('[triton.Config({"BLOCK": 1024}, 4)]'),
        {"}, 4)": "}, 8)"},
    ),
    "a heuristic's choice": (
        heuristic("1024", '4 if args["n"] < 99 else 8'),
        {"4 if": "8 if", "else 8": "else 16"},
    ),
    "fewer threads than loads": (rows("BLOCK=128"), {"BLOCK=128": "BLOCK=128, num_warps=1"}),
    "eight warps beside a tl.dot": (product("num_warps=8"), {"num_warps=8": "num_warps=4"}),
}
STAGES: dict[str, tuple[str, Edits]] = {
    "of a product": (product("num_stages=3"), {"num_stages=3": "num_stages=4"}),
    "of a product that a helper makes": (product(kernel=HELPED), {"BK=BK": "BK=BK, num_stages=4"}),
    "of a loop": (rows("BLOCK=64", kernel=STAGED), {"num_stages=2": "num_stages=3"}),
    "that a loop gets from the launch": (
        rows("BLOCK=64, num_stages=2", kernel=STEPPED),
        {"num_stages=2": "num_stages=3"},
    ),
    "in a table with one beyond the range": (
        product("num_stages=s", tiles=f"{TILES}\ns = 12 if torch.cuda.is_available() else 3"),
        {"else 3": "else 4"},
    ),
}
GRIDS: dict[str, tuple[str, Edits]] = {
    "programs of a persistent kernel": (rows("BLOCK=64", "NUM_SMS = 132"), {"132": "264"}),
    "splits": (rows("BLOCK=64", "split_k = 4"), {"= 4": "= 8"}),
    "work per program": (rows("BLOCK=64", "ROWS_PER_PROGRAM = 4"), {"= 4": "= 8"}),
    "rows": (rows("BLOCK=64", "ROWS = 4"), {"= 4": "= 8"}),
    "a group for L2": (product("GROUP_M=1", kernel=GROUPED), {"GROUP_M=1": "GROUP_M=8"}),
    "a group of eight": (product("GROUP_M=8", kernel=GROUPED), {"GROUP_M=8": "GROUP_M=4"}),
}
NOTHING = {
    "a computed block": ("block", rows("BLOCK=triton.next_power_of_2(x.shape[1])"), r"\(BLOCK: computed\)"),
    "the width of a head": (
        "block",
        forward(
            "product_kernel[grid](a, b, c, m, n, k, BLOCK_DMODEL=64)",
            kernel=PRODUCT.replace("BM", "BLOCK_DMODEL"),
        ),
        "sets a tile's size",
    ),
    "warps that a heuristic computes": (
        "num_warps",
        heuristic("1024", 'triton.next_power_of_2(args["n"]) // 256'),
        "no launch takes another num_warps",
    ),
    "warps in an unknown dict": (
        "num_warps",
        rows("BLOCK=64, **pick(x)"),
        "no launch takes another num_warps",
    ),
    "computed warps in a dict": (
        "num_warps",
        rows("BLOCK=64, **options", "options = dict(num_warps=pick(x))"),
        "no launch takes another num_warps",
    ),
    "stages without a tl.dot": ("num_stages", rows("BLOCK=64, num_stages=3"), "pipelines loads for tl.dot"),
    "groups of the task": ("grid", rows("BLOCK=64", "num_groups = 32"), "sets the grid"),
    "a count that is computed": ("grid", rows("BLOCK=64", "NUM_SMS = sms(x)"), "sets the grid"),
}


def edited(source: str, edits: Edits) -> str:
    for old, new in edits.items():
        assert old in source
        source = source.replace(old, new)
    return source


def first(source: str, knob: str) -> str:
    assert check_source(source) is None
    return next(iter(proposals(source, [knob])))[1]


@pytest.mark.parametrize("shape", BLOCKS)
def test_a_block_is_found_in_every_shape_and_nothing_else_is_touched(shape: str) -> None:
    source, edits = BLOCKS[shape]
    edits = {old: new for old, new in edits.items() if old in source}
    new = first(source, "block")
    assert new.replace(", num_warps=8)", ")") == edited(source, edits).replace(", num_warps=8)", ")")


@pytest.mark.parametrize(
    ("knob", "source", "edits"),
    [
        pytest.param(knob, *row, id=f"{knob}: {shape}")
        for knob, table in {"num_warps": WARPS, "num_stages": STAGES, "grid": GRIDS}.items()
        for shape, row in table.items()
    ],
)
def test_the_first_proposal_is_the_one_expected(knob: str, source: str, edits: Edits) -> None:
    assert first(source, knob) == edited(source, edits)


@pytest.mark.parametrize("shape", NOTHING)
def test_where_there_is_no_knob_the_tuner_says_why(shape: str, request_for: Callable[..., Request]) -> None:
    knob, source, why = NOTHING[shape]
    with pytest.raises(NothingToPropose, match=why):
        TunerProvider().ask(request_for(knobs=(knob,), parent_source=source))


def test_a_dict_and_a_constant_for_the_same_parameter_never_part() -> None:
    source, _ = BLOCKS["a dict beside a constant"]
    for kernel in listed(source, "block"):
        assert len(set(re.findall(r"(?:size = |BLOCK\": )(\d+)", kernel))) == 1


def shell(source: str) -> str:
    """A source without its numbers, and without the launch options that a proposal may add."""
    return re.sub(r"\d+", "#", re.sub(r", num_(?:warps|stages)=\d+(?=[,)])", "", source))


SOURCES = [source for table in (BLOCKS, WARPS, STAGES, GRIDS) for source, _ in table.values()]
KNOBS = ["block", "grid", "num_warps", "num_stages"]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(SOURCES),
    st.lists(st.tuples(st.sampled_from(KNOBS), st.integers(0, 30)), min_size=1, max_size=4),
)
def test_down_any_line_of_descent_only_numbers_change_and_nothing_comes_twice(
    source: str, path: list[tuple[str, int]]
) -> None:
    parent = source
    for knob, place in path:
        found = listed(parent, knob)
        assert parent not in found
        assert len(set(found)) == len(found)
        for kernel in found:
            assert check_source(kernel) is None
            assert shell(kernel) == shell(source)
        parent = found[place % len(found)] if found else parent


def listed(source: str, knob: str) -> list[str]:
    return [kernel for _, kernel in proposals(source, [knob])]
