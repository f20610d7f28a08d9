"""Bfloat16 in interpreted kernels: what comes out is what torch computes from the same numbers, bit for bit."""

from __future__ import annotations

import json

import pytest

from .interpreted import run

EXPRESSIONS = {
    "sum": ("x + y", "x + y"),
    "difference": ("x - y", "x - y"),
    "product": ("x * y", "x * y"),
    "negative": ("-x", "-x"),
    "scaled": ("x * 0.3", "x * torch.tensor(0.3, dtype=torch.bfloat16)"),
    "fused": ("tl.fma(x, y, x)", "(x.float() * y.float() + x.float()).to(torch.bfloat16)"),
    "larger": ("tl.maximum(x, y)", "torch.maximum(x, y)"),
    "compared": ("x > y", "x > y"),
    "compared_as_number": ("(x <= y).to(tl.float32) * 2", "(x <= y).float() * 2"),
    "chosen": ("tl.where(x < y, x, -y)", "torch.where(x < y, x, -y)"),
    "quotient": ("x / y", "x.float() / y.float()"),
    "below_row_maximum": ("x - tl.max(x, axis=1)[:, None]", "x.float() - x.float().amax(1, keepdim=True)"),
    "rounded": ("f.to(tl.bfloat16)", "f.to(torch.bfloat16)"),
    "widened": ("x.to(tl.float32)", "x.float()"),
    "from_half": ("f.to(tl.float16).to(tl.bfloat16)", "f.half().to(torch.bfloat16)"),
    "to_half": ("x.to(tl.float16)", "x.half()"),
    "from_integers": ("i.to(tl.bfloat16)", "i.to(torch.bfloat16)"),
    "to_integers": ("(y * 100).to(tl.int32)", "(y * 100).to(torch.int32)"),
    "constant": ("x + tl.full([32, 32], 1.7, tl.bfloat16)", "x + torch.tensor(1.7, dtype=torch.bfloat16)"),
    "mixed": ("f + x", "f + x.float()"),
}
"""An expression of Triton's and torch's own for it; x, y: bfloat16, f: fp32, i: whole numbers, 32 by 32 each."""

KERNEL = """
@triton.jit
def {name}(x_ptr, y_ptr, f_ptr, i_ptr, out_ptr):
    at = tl.arange(0, 32)[:, None] * 32 + tl.arange(0, 32)[None, :]
    x, y, f, i = tl.load(x_ptr + at), tl.load(y_ptr + at), tl.load(f_ptr + at), tl.load(i_ptr + at)
    tl.store(out_ptr + at, {expression})
"""
DOT = """
@triton.jit
def dot(x_ptr, y_ptr, out_ptr, STEPS: tl.constexpr, TURNED: tl.constexpr):
    lanes = tl.arange(0, 32)
    at = lanes[:, None] * 32 + lanes[None, :]
    total = tl.zeros([32, 32], dtype=tl.float32)
    for step in range(STEPS):
        y = tl.load(y_ptr + step * 1024 + at)
        total = tl.dot(tl.load(x_ptr + step * 1024 + at), tl.trans(y) if TURNED else y, total)
    tl.store(out_ptr + at, total)

@triton.jit
def add_atomically(x_ptr, out_ptr):
    tl.atomic_add(out_ptr + tl.arange(0, 32), tl.load(x_ptr + tl.arange(0, 32)))
"""
RUN = """
import json, torch
from kernelwright.evaluator.importing import import_source
from kernelwright.evaluator.offline.interpreting import InterpreterLimit, interpreted_cuda
torch.manual_seed(0)
x, y = (torch.randn(6, 32, 32).to(torch.bfloat16) for _ in range(2))
f = torch.randn(32, 32) * 10 ** torch.linspace(-40, 38, 1024).reshape(32, 32)
i = torch.arange(1024, dtype=torch.int32).reshape(32, 32) * 37 - 19_000
special = [float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 3.4e38, -3.4e38, 1e-45, 1 + 2**-8, 1 + 3 * 2**-8]
f.view(-1)[:10] = torch.tensor(special)
texts = json.loads((folder / "torch.json").read_text())
result = {}
with interpreted_cuda(gpu):
    module = import_source(folder / "candidate.py")
    for name, text in texts.items():
        right = eval(text, {"torch": torch, "x": x[0], "y": y[0], "f": f, "i": i})
        out = torch.empty_like(right)
        getattr(module, name)[(1,)](x, y, f, i, out)
        result[name] = bool(torch.equal(out.nan_to_num(7.0, 8.0, 9.0), right.nan_to_num(7.0, 8.0, 9.0)))
    for turned in (False, True):
        out = torch.empty(32, 32)
        module.dot[(1,)](x, y, out, STEPS=6, TURNED=turned)
        exact = (x.double() @ (y.mT if turned else y).double()).sum(0)
        result[f"dot_{turned}"] = float((out - exact).abs().max())
    try:
        module.add_atomically[(1,)](x, x[1])
    except Exception as raised:
        causes = [raised, raised.__cause__, raised.__context__]
        result["atomic"] = any(isinstance(cause, InterpreterLimit) for cause in causes)
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool | float]:
    """All kernels of this module in one process: whether each agrees, and a product's largest error."""
    folder = tmp_path_factory.mktemp("bfloat16")
    kernels = [
        KERNEL.format(name=f"k_{name}", expression=triton) for name, (triton, _) in EXPRESSIONS.items()
    ]
    source = "import torch, triton, triton.language as tl\n" + "".join(kernels) + DOT
    (folder / "candidate.py").write_text(source, encoding="utf-8")
    texts = {f"k_{name}": text for name, (_, text) in EXPRESSIONS.items()}
    (folder / "torch.json").write_text(json.dumps(texts), encoding="utf-8")
    found: dict[str, bool | float] = run(folder, RUN)
    return found


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_gives_what_torch_gives(outcomes: dict[str, bool | float], name: str) -> None:
    assert outcomes[f"k_{name}"]


@pytest.mark.parametrize("turned", [False, True])
def test_a_dot_of_bfloat16_sums_in_fp32(outcomes: dict[str, bool | float], turned: bool) -> None:
    """192 exact products: a sum that was rounded to bfloat16 on the way would be off by about 0.1."""
    assert outcomes[f"dot_{turned}"] < 1e-4


def test_an_atomic_addition_is_beyond_the_interpreter(outcomes: dict[str, bool | float]) -> None:
    assert outcomes["atomic"] is True
