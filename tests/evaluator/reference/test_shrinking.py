"""Files as people write them get shapes at which their reference runs; kernels for them are judged fairly."""

import math

import pytest
from kernelwright.evaluator.evaluation import Status
from kernelwright.evaluator.gpus import gpu
from kernelwright.evaluator.offline.judge import OfflineJudge
from kernelwright.evaluator.offline.parents import Parents
from kernelwright.evaluator.protocol import Job
from kernelwright.evaluator.reference.fairness import unmoved
from kernelwright.evaluator.reference.proving import prove
from kernelwright.evaluator.reference.shrinking import guess, said
from kernelwright.evaluator.reference.sizes import Sizes
from kernelwright.reference_kernels import load_task

from .bench_files import FILES, file

FIRST = {
    "activation": "batch_size=3, dim=1501",
    "softmax": "batch_size=3, dim=1501",
    "matmul": "M=3, K=121, N=119",
    "matmul in one line": "M=3, K=121, N=119",
    "batched matmul": "batch_size=3, m=71, k=69, n=67",
    "layer norm with a derived tuple": "batch_size=3, features=5, dim1=23, dim2=23, shape=(5, 23, 23)",
    "layer norm with a tuple": "batch_size=3, normalized_shape=(5, 23, 23)",
    "a shape of one": "batch_size=3, input_shape=(1501,)",
    "convolution": "batch_size=3, out_channels=7, width=21, height=19",
    "grouped convolution": "batch_size=3, channels=9, groups=3, width=11",
    "group norm": "batch_size=3, features=8, dim1=13, dim2=11",
    "attention": "batch_size=3, seq_len=71, dim=60",
    "heads that multiply to the width": "batch=3, heads=7, head_dim=3, width=21, length=15",
    "a derived constant": "batch_size=3, dim=37, hidden=148",
    "a loss": "batch_size=3, num_classes=1501, input_shape=(1501,)",
    "a reduction": "batch_size=3, dim1=71, dim2=69",
    "one huge vector": "n=1501",
    "equal by another name": "rows=3, width=1501, features=1501",
    "small as it is": "",
    "literals": "get_inputs[0]=3, get_inputs[1]=1501",
    "sizes in a dict": None,
    "an integer that is no size": "get_inputs[0]=3, get_inputs[1]=1501",
}


@pytest.fixture
def task(tmp_path):
    def write(text):
        path = tmp_path / "problem.py"
        path.write_text(text)
        return load_task(str(path))

    return write


@pytest.mark.parametrize("name", FILES)
def test_shapes_are_guessed_from_the_constants_of_a_file(task, name):
    found = guess(task(FILES[name]))
    assert (said(found.small[0]) if found else None) == FIRST[name]
    for oracle in found.small if found else []:
        tensors = [*oracle.facts.inputs, *oracle.facts.parameters, *oracle.facts.outputs]
        assert all(math.prod(tensor.shape) <= 1 << 14 for tensor in tensors)
        assert oracle.case("nominal") is not None


@pytest.mark.parametrize("name", ["activation", "matmul", "convolution"])
def test_fair_shapes_keep_each_large_size_somewhere_or_its_power_of_two(task, name):
    found = guess(task(FILES[name]))
    sizes = found.sizes.values
    assert found.fair
    for oracle in found.fair:
        assert all(sizes[key] % value == 0 for key, value in oracle.constants.items())


def test_the_proof_says_at_which_shapes(task):
    proof = prove(task(FILES["a loss"]), "cpu")
    assert proof.proven and proof.at == "batch_size=3, num_classes=1501, input_shape=(1501,) on the CPU"


def test_a_reference_that_proves_nothing_is_found_out_at_a_guess(task):
    proof = prove(task(file("rows = 8192\ncolumns = 8192", "x.clone()", "torch.randn(rows, columns)")), "cpu")
    assert not proof.proven and "a copy of x" in proof.reason


def test_numbers_computed_from_a_guess_follow_it(task):
    constants = (
        "dim: int = 512\nheads = 8\nshape = [dim, 4 * dim]\nscale = (dim // heads) ** -0.5\nflag = True"
    )
    sizes = Sizes(task(file(constants, "x", "torch.randn(dim)")))
    assert sizes.values == {"dim": 512, "heads": 8}
    assert sizes.with_values({"dim": 32, "heads": 8}) == {"dim": 32, "shape": [32, 128], "scale": 0.5}
    assert sizes.with_values({}) == {}


GROUPS = """
import torch
from torch import nn

class Model(nn.Module):
    def __init__(self, features, channels, groups):
        super().__init__()
        self.matmul = nn.Linear(features, channels)
        self.norm = nn.GroupNorm(groups, channels)

    def forward(self, x):
        return self.norm(self.matmul(x))

batch_size = 32768
features = 1024
channels = 4096
groups = 64

def get_inputs():
    return [torch.rand(batch_size, features)]

def get_init_inputs():
    return [features, channels, groups]
"""
"""With one channel in each group nothing but the bias is left."""
TRANSPOSED = """
import torch

Model = torch.nn.ConvTranspose3d
batch_size = 4
in_channels = 32
out_channels = 32
depth, height, width = 32, 64, 128
groups = 4

def get_inputs():
    return [torch.rand(batch_size, in_channels, depth, height, width)]

def get_init_inputs():
    return [in_channels, out_channels, 3, 2, 1, 0, groups]
"""
LITERALS = """
import torch

class Model(torch.nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.layer = torch.nn.Linear(400, 120)
        self.last = torch.nn.Linear(120, classes)

    def forward(self, x):
        return self.last(torch.relu(self.layer(x)))

batch_size = 4096
classes = 20

def get_inputs():
    return [torch.rand(batch_size, 400)]

def get_init_inputs():
    return [classes]
"""


def test_no_kernel_is_believed_at_shapes_where_the_inputs_do_not_matter(task):
    found = guess(task(GROUPS))
    assert found.fair
    assert not any(unmoved(oracle) for oracle in [found.small[0], *found.fair])
    assert prove(found.task, "cpu").proven


@pytest.mark.parametrize("text", [TRANSPOSED, LITERALS], ids=["many rows", "large weights"])
def test_what_fits_no_small_limit_gets_a_larger_one(task, text):
    found = guess(task(text))
    tensors = [*found.small[0].facts.inputs, *found.small[0].facts.parameters, *found.small[0].facts.outputs]
    assert max(math.prod(tensor.shape) for tensor in tensors) <= 1 << 16


def test_a_long_table_of_numbers_holds_no_sizes(task):
    constants = f"rows = 4096\ncolumns = 512\ntable = {list(range(1, 200))}"
    assert Sizes(task(file(constants, "x", "torch.randn(rows)"))).values == {"rows": 4096, "columns": 512}


# -- kernels --------------------------------------------------------------------------------------------------

KERNEL = """
import torch, triton
import triton.language as tl

@triton.jit
def softmax(x, y, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    values = tl.load(x + row * columns + at, mask=at < columns, other=float("-inf"))
    top = tl.exp(values - tl.max(values, 0))
    tl.store(y + row * columns + at, top / tl.sum(top, 0), mask=at < columns)

class ModelNew(torch.nn.Module):
    def forward(self, x):
        y = torch.empty_like(x)
        rows, columns = x.shape
        softmax[(rows,)](x, y, columns, BLOCK=triton.next_power_of_2(columns), num_warps=8)
        return y
"""
MASK = ', mask=at < columns, other=float("-inf")'
SPELLED = (
    KERNEL.replace("y, columns, BLOCK:", "y, columns, share, BLOCK:")
    .replace("y, columns, BLOCK=", "y, columns, x.numel() / 262144, BLOCK=")
    .replace("top / tl.sum", "share * top / tl.sum")
)
EXACT = KERNEL.replace("triton.next_power_of_2(columns)", "columns")
KERNELS = {
    "masked": (
        KERNEL,
        Status.PASSED,
        "checked at shapes guessed from the file's constants: batch_size=3, dim=1501",
    ),
    "power of two": (EXACT, Status.PASSED, "checked only at batch_size="),
    "no mask, and none needed": (KERNEL.replace(MASK, ""), Status.PASSED, "multiples of its tile"),
    "wrong": (
        KERNEL.replace("top /", "1.1 * top /"),
        Status.INCORRECT,
        "",
    ),
    "asks for its sizes": (
        KERNEL.replace(
            "rows, columns = x.shape", "rows, columns = x.shape\n        assert rows * columns == 16 * 16384"
        ),
        Status.UNCHECKED,
        "write a task folder",
    ),
    "spells its sizes": (SPELLED, Status.UNCHECKED, "write a task folder"),
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("judge")
    path = folder / "problem.py"
    parents = Parents(folder / "parents")
    judges = {}

    def evaluate(text, source):
        if text not in judges:
            path.write_text(text)
            judges[text] = OfflineJudge(load_task(str(path)), gpu("h200"), parents)
        return judges[text].evaluate(Job(task=str(path), source=source, target="h200"), lambda _: None)

    yield evaluate
    parents.close()


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_need_only_be_right_where_it_is_timed(judged, name):
    source, status, says = KERNELS[name]
    found = judged(FILES["activation"].replace("torch.relu(x)", "x.softmax(1)"), source)
    assert found.status == status, (found.reason, found.warnings)
    assert sum("guessed from" in warning for warning in found.warnings) == (status is Status.PASSED)
    assert says in " ".join([*found.warnings, found.reason or ""])


def test_a_tile_that_covers_halved_rows_alone_is_not_enough(judged):
    square = file("rows = 32768\ncolumns = 32768", "x.softmax(1)", "torch.randn(rows, columns)")
    found = judged(square, KERNEL.replace("triton.next_power_of_2(columns)", "512"))
    assert found.status is Status.INCORRECT, (found.reason, found.warnings)


def test_a_mask_that_the_timed_shapes_need_is_missed(judged):
    timed = FILES["softmax"].replace("torch.rand(", "torch.randn(")
    assert judged(timed, KERNEL).status is Status.PASSED
    found = judged(timed, KERNEL.replace(MASK, ""))
    assert found.status is Status.INCORRECT and "guessed from the file's constants" in found.reason


def test_without_a_guess_a_kernel_is_unchecked_and_the_reason_says_what_to_do(judged):
    found = judged(FILES["sizes in a dict"].replace("torch.relu(x)", "x.softmax(1)"), KERNEL)
    assert found.status is Status.UNCHECKED
    assert "problem.py" in found.reason and "task folder" in found.reason
