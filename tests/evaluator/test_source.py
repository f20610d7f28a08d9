from __future__ import annotations

import ast
import time

import pytest
from kernelwright.evaluator.source import SourceProblemKind, _statements, check_source, triton_functions

KERNEL = """\
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def copy_kernel(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + offsets, tl.load(x_ptr + offsets, mask=offsets < n), mask=offsets < n)


class ModelNew(nn.Module):
    def forward(self, x):
        y = torch.empty_like(x)
        copy_kernel[(triton.cdiv(x.numel(), 1024),)](x, y, x.numel(), BLOCK=1024)
        return y
"""


def kind(source: str) -> SourceProblemKind | None:
    problem = check_source(source)
    return problem.kind if problem else None


def test_a_kernel_source_has_no_problem() -> None:
    assert check_source(KERNEL) is None
    assert triton_functions(KERNEL) == ["copy_kernel"]


@pytest.mark.parametrize(
    ("imports", "decorators"),
    [
        ("import triton as tr", "@tr.jit"),
        ("from triton import jit", "@jit"),
        ("from triton import jit as kernel", "@kernel"),
        ("import triton", "@triton.jit(do_not_specialize=['n'])"),
        ("import triton", "@triton.autotune(configs=[triton.Config({'BLOCK': 64})], key=['n'])\n@triton.jit"),
        ("import triton", "@triton.heuristics({'EVEN': lambda a: True})\n@triton.jit()"),
        ("import triton\njit = triton.jit", "@jit"),
        ("try:\n    import triton\nexcept ImportError:\n    triton = None", "@triton.jit"),
    ],
)
def test_every_form_of_the_decorator_is_seen(imports: str, decorators: str) -> None:
    source = KERNEL.replace("import triton\n", f"{imports}\n", 1).replace("@triton.jit", decorators)
    assert check_source(source) is None
    assert triton_functions(source) == ["copy_kernel"]


def test_a_function_handed_to_triton_jit_is_seen() -> None:
    source = KERNEL.replace("@triton.jit\n", "").replace(
        "class ModelNew", "k = triton.jit(copy_kernel)\nclass ModelNew"
    )
    assert triton_functions(source) == ["copy_kernel"]


def test_functions_come_in_order_of_appearance() -> None:
    second = "@triton.jit\ndef a_second(x):\n    pass\n"
    assert triton_functions(KERNEL + second) == ["copy_kernel", "a_second"]


@pytest.mark.parametrize("decorator", ["@torch.jit.script", "@jit", "@numba.jit", "@functools.cache"])
def test_another_jit_is_no_triton_kernel(decorator: str) -> None:
    assert kind(KERNEL.replace("@triton.jit", decorator)) is SourceProblemKind.NO_TRITON_KERNEL


def test_a_decorator_in_a_string_is_no_triton_kernel() -> None:
    source = KERNEL.replace("@triton.jit", '"""\n@triton.jit\n"""')
    assert kind(source) is SourceProblemKind.NO_TRITON_KERNEL


@pytest.mark.parametrize(
    "base", ["nn.Module", "torch.nn.Module", "torch.nn.modules.module.Module", "nn.LayerNorm"]
)
def test_bases_that_are_torch_modules(base: str) -> None:
    assert check_source(KERNEL.replace("(nn.Module)", f"({base})")) is None


def test_a_base_in_the_same_file_counts_with_its_forward() -> None:
    source = KERNEL.replace("class ModelNew(nn.Module)", "class Base(nn.Module)")
    assert check_source(source + "\n\nclass ModelNew(Base):\n    pass\n") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("class ModelNew", "class Model"),
        ("(nn.Module)", ""),
        ("(nn.Module)", "(object)"),
        ("(nn.Module)", "(Base)"),
        ("(nn.Module)", "(ModelNew)"),
        ("def forward", "def __call__"),
    ],
)
def test_a_model_that_is_not_one(old: str, new: str) -> None:
    problem = check_source(KERNEL.replace(old, new))
    assert problem is not None
    assert problem.kind is SourceProblemKind.NO_MODEL_NEW
    assert "ModelNew" in problem.reason


def test_a_model_inside_a_function_is_not_one() -> None:
    head, tail = KERNEL.split("class ModelNew")
    hidden = "def hidden():\n" + "".join(f"    {line}\n" for line in f"class ModelNew{tail}".splitlines())
    assert kind(head + hidden) is SourceProblemKind.NO_MODEL_NEW


def test_the_reason_names_the_line_of_a_syntax_error() -> None:
    problem = check_source(KERNEL.replace("def forward(self, x):", "def forward(self, x)"))
    assert problem is not None
    assert problem.kind is SourceProblemKind.SYNTAX_ERROR
    assert "line 14" in problem.reason


@pytest.mark.parametrize("blank", ["", " \n\t\n"])
def test_nothing_is_empty(blank: str) -> None:
    assert kind(blank) is SourceProblemKind.EMPTY


@pytest.mark.parametrize(
    "source",
    [
        "x = " + "(" * 100_000,
        "x = " + "-" * 100_000 + "1",
        "x = y" + ".z" * 100_000,
        "x = " + "1+" * 100_000 + "1",
        "x = " + "9" * 100_000,
        "x = 1\0",
        "x = '\ud800'",
        "x = 1\n" * 1_000_000,
        "if 1:\n" + "".join(" " * depth + "if 1:\n" for depth in range(1, 200)),
    ],
    ids=["parentheses", "minus", "dots", "sum", "digits", "null", "surrogate", "long", "indents"],
)
def test_a_hostile_source_is_a_problem_and_fast(source: str) -> None:
    started = time.process_time()
    assert kind(source) is SourceProblemKind.SYNTAX_ERROR
    assert triton_functions(source) == []
    assert time.process_time() - started < 5


def test_every_statement_is_seen_in_the_order_of_the_whole_tree() -> None:
    source = """
import a
@d(lambda: 1)
class C:
    async def f(self):
        async with x as y, z: import b
        async for i in y: e = f
        else: import g
        try: import h
        except E: import i
        else: j = k
        finally: import l
        try: m = n
        except* E: import o
        while 1: p = q if r else [s for s in t]
        else: import u
        match v:
            case [1, *w] if w: import x
            case _:
                if y: import z
                elif a: b = c
                else: del d
"""
    tree = ast.parse(source)
    kinds = (ast.mod, ast.stmt, ast.excepthandler, ast.match_case)
    assert _statements(tree) == [node for node in ast.walk(tree) if isinstance(node, kinds)]
