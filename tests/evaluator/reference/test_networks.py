"""Networks with sizes spelled out where they are used: each says in its first line at which it is checked."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from kernelwright.evaluator.reference.shrinking import guess, said
from kernelwright.evaluator.reference.work import Work
from kernelwright.reference_kernels import load_task
from torch.nn import functional as F

FOLDER = Path(__file__).parent / "kernelbench" / "networks"
NAMES = [path.stem for path in sorted(FOLDER.glob("*.py"))]


@pytest.mark.parametrize("name", NAMES)
def test_a_network_is_checked_at_small_sizes(name):
    path = FOLDER / f"{name}.py"
    found = guess(load_task(str(path)))
    assert said(found.small[0]) == ast.get_docstring(ast.parse(path.read_text())).splitlines()[0]


def at(shape, forward):
    with Work() as work, torch.device("meta"), torch.no_grad():
        forward(torch.empty(shape))
    return work


WINDOW = torch.empty(4, 4, 5, 5, device="meta")
FORWARDS = {
    "pooling": (lambda x: F.avg_pool2d(F.max_pool2d(x, 2), 2), [3, 4, 8, 8], [3, 4, 5, 5], True),
    "pooling that leaves enough": (lambda x: F.max_pool2d(x, 2), [3, 4, 8, 8], [3, 4, 5, 5], False),
    "one sample": (lambda x: x.softmax(1), [3, 4, 8, 8], [1, 4, 8, 8], True),
    "softmax of one": (lambda x: x.softmax(3), [3, 4, 8, 8], [3, 4, 8, 1], True),
    "the end of a window": (lambda x: F.conv2d(x, WINDOW, padding=2), [3, 4, 9, 9], [3, 4, 2, 9], True),
    "a whole window": (lambda x: F.conv2d(x, WINDOW, padding=2), [3, 4, 9, 9], [3, 4, 3, 9], False),
    "one from the start": (lambda x: x.mean((2, 3), keepdim=True), [3, 4, 8, 8], [3, 4, 5, 5], False),
}


@pytest.mark.parametrize("name", FORWARDS)
def test_shapes_at_which_something_is_lost_hide_it(name):
    forward, long, short, hides = FORWARDS[name]
    assert at(short, forward).hides(at(long, forward)) is hides


KERNEL = """
import torch, triton
import triton.language as tl
from torch.nn import functional as F

@triton.jit
def pooled(x, y, height, width, HEIGHT: tl.constexpr, WIDTH: tl.constexpr):
    plane = tl.program_id(0)
    row, column = tl.arange(0, HEIGHT)[:, None], tl.arange(0, WIDTH)[None, :]
    inside = (row < height) & (column < width)
    values = tl.load(x + (plane * height + row) * width + column, mask=inside, other=0.0)
    tl.store(y + plane, tl.sum(tl.sum(values, 1), 0) / (height * width))

class ModelNew(torch.nn.Module):
    def forward(self, x):
        x = x.contiguous()
        *planes, height, width = x.shape
        y = torch.empty(planes, device=x.device)
        sizes = [triton.next_power_of_2(size) for size in (height, width)]
        pooled[(y.numel(),)](x, y, height, width, *sizes)
        return y
"""
POOLING = """
import torch

class Model(torch.nn.Module):
    def forward(self, x):
        return x.mean((2, 3))

def get_inputs():
    return [torch.randn(10, 64, 224, 224)]

def get_init_inputs():
    return []
"""


@pytest.mark.parametrize(
    ("change", "status"),
    [(("", ""), "passed"), (("mask=inside, ", "mask=inside & (row + 1 < height), "), "incorrect")],
    ids=["right", "without the last row"],
)
def test_a_kernel_for_a_network_of_literals_has_a_verdict_without_a_card(tmp_path, change, status):
    problem, kernel = tmp_path / "problem.py", tmp_path / "kernel.py"
    problem.write_text(POOLING)
    kernel.write_text(KERNEL.replace(*change))
    command = [sys.executable, "-m", "kernelwright.agent", "evaluate", str(kernel), "--task", str(problem)]
    ran = subprocess.run(
        [*command, "--device", "offline", "--json"], capture_output=True, text=True, check=False
    )
    found = json.loads(ran.stdout)
    assert found["status"] == status, found
    assert "get_inputs[0]=" in " ".join([*found["warnings"], found["reason"] or ""])
