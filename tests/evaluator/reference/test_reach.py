"""The floor of a single file: what honest kernels need not read is not counted, and the rest is."""

import pytest
import torch
from kernelwright.evaluator.reference.oracle import Oracle
from kernelwright.evaluator.reference.reach import floor_bytes
from kernelwright.reference_kernels import load_task

FILE = """
import torch
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        {build}
    def forward(self, {names}):
        return {answer}
def get_inputs():
    return {inputs}
def get_init_inputs():
    return []
"""
ROWS, COLUMNS = 512, 640
X = 4 * ROWS * COLUMNS


@pytest.fixture
def floor(tmp_path):
    def of(answer, inputs=f"[torch.randn({ROWS}, {COLUMNS})]", names="x", build="pass"):
        (tmp_path / "file.py").write_text(FILE.format(answer=answer, inputs=inputs, names=names, build=build))
        oracle = Oracle(load_task(str(tmp_path / "file.py")), "cpu")
        return floor_bytes(oracle, seconds=60), oracle.facts.floor_bytes

    return of


@pytest.mark.parametrize(
    ("answer", "inputs"),
    [
        ("x.tanh()", f"[torch.randn({ROWS}, {COLUMNS})]"),
        ("x.half() * 2", f"[torch.randn({ROWS}, {COLUMNS})]"),
        ("x.max(1).values", f"[torch.randn({ROWS}, {COLUMNS})]"),
        ("x.argmax(1)", f"[torch.randn({ROWS}, {COLUMNS})]"),
        ("x.argmax(1)", f"[torch.randn({ROWS * COLUMNS // 32}, 32)]"),
        ("x.argmin(1)", f"[torch.randn({ROWS * COLUMNS // 32}, 32)]"),
        ("x.argmax(1)", f"[torch.randint(-(2**31), 2**31, ({ROWS * COLUMNS // 32}, 32))]"),
        ("x.cumsum(0) + 1", f"[torch.randint(-9, 9, ({ROWS}, {COLUMNS}))]"),
    ],
    ids=[
        "elementwise",
        "narrower output",
        "maximum",
        "argmax",
        "argmax of few",
        "argmin of few",
        "argmax of integers",
        "integers",
    ],
)
def test_what_has_to_be_read_whole_is_counted_whole(floor, answer, inputs):
    found, whole = floor(answer, inputs)
    assert found == whole


@pytest.mark.parametrize(
    ("answer", "inputs", "names", "build", "most"),
    [
        ("x[:, -1].tanh()", None, "x", "pass", 0.1 * X),
        ("x[::2].tanh()", None, "x", "pass", 0.5 * X + X / 2),
        ("x * 2", f"[torch.rand(1, {COLUMNS}).expand({ROWS}, {COLUMNS})]", "x", "pass", X / ROWS * 2),
        ("x * 2", f"[torch.rand({ROWS}, 1).expand({ROWS}, {COLUMNS})]", "x", "pass", X / COLUMNS * 2),
        (
            "torch.triu(a @ b)[:1]",
            "[torch.triu(torch.rand(600, 600)) for _ in range(2)]",
            "a, b",
            "pass",
            0.6 * 2 * 4 * 600**2,
        ),
        ("(a @ a).sum(1)", "[(lambda a: a + a.T)(torch.rand(600, 600))]", "a", "pass", 2.1 * 600**2),
        ("self.t(i)", "[torch.randint(0, 9, (4,))]", "i", "self.t = torch.nn.Embedding(4096, 80)", 1e5),
        ("x.softmax(1) + m", f"[torch.randn({ROWS}, {COLUMNS}), torch.ones({ROWS}, {COLUMNS})]", "x, m", "pass", 2 * X),
        ("x.tanh() + self.m", None, "x", f"self.register_buffer('m', torch.ones({ROWS}, {COLUMNS}))", 2 * X),
        ("x.mean(1, keepdim=True).expand(-1, 4096)", None, "x", "pass", X + 4 * ROWS),
    ],
    ids=[
        "one column", "every other row", "one row", "one column seen often", "triangle", "symmetric", "embedding",
        "constant input", "buffer", "expanded output",
    ],
)  # fmt: skip
def test_what_need_not_be_read_or_written_is_not_counted(floor, answer, inputs, names, build, most):
    given = {} if inputs is None else {"inputs": inputs}
    found, whole = floor(answer, names=names, build=build, **given)
    assert 0 < found <= most < whole


def test_nothing_is_left_changed(tmp_path):
    (tmp_path / "file.py").write_text(
        FILE.format(
            answer="self.l(x)",
            inputs="[torch.randn(512, 600)]",
            names="x",
            build="self.l = torch.nn.Linear(600, 600)",
        )
    )
    oracle = Oracle(load_task(str(tmp_path / "file.py")), "cpu")
    before = {name: tensor.clone() for name, tensor in oracle.parameters.items()}
    assert floor_bytes(oracle, seconds=60) > 3 * 512 * 600 * 4 - 1e6
    assert all(torch.equal(before[name], tensor) for name, tensor in oracle.parameters.items())
