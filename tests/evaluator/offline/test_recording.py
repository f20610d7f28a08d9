from __future__ import annotations

import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import triton
from kernelwright.evaluator.evaluation import Status
from kernelwright.evaluator.gpus import gpu
from kernelwright.evaluator.launches import TensorArgument
from kernelwright.evaluator.offline.recording import Recording, record
from kernelwright.evaluator.protocol import TensorFact

N = 1 << 22
X = TensorFact(name="x", shape=[1024, 4096], dtype="float32")

IMPORTS = """\
import torch
import torch.nn as nn
import triton
import triton.language as tl
"""
JIT = """
@triton.jit
def double_kernel(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + at, 2 * tl.load(x_ptr + at, mask=at < n), mask=at < n)
"""
FORWARD = """
class ModelNew(nn.Module):
    def forward(self, x):
        {body}
"""


def model(*body: str) -> str:
    return FORWARD.format(body="\n        ".join(body))


LAUNCH = "double_kernel[(triton.cdiv(n, 1024),)](x, y, n, BLOCK=1024)"
PLAIN = IMPORTS + JIT + model("y, n = torch.empty_like(x), x.numel()", LAUNCH, "return y")


def decorated(decorator: str, grid: str = "lambda meta: (triton.cdiv(n, meta['BLOCK']),)") -> str:
    body = model("y, n = torch.empty_like(x), x.numel()", f"double_kernel[{grid}](x, y, n)", "return y")
    return IMPORTS + "\n" + decorator + JIT + body


CONFIGS = "[triton.Config({'BLOCK': b}, num_warps=w) for b, w in ((1024, 4), (2048, 8))]"

IDIOMS = {
    "plain": PLAIN,
    "autotune": decorated(f"@triton.autotune(configs={CONFIGS}, key=['n'])"),
    "heuristics": decorated("@triton.heuristics({'BLOCK': lambda args: min(1024, args['n'])})"),
    "device properties": IMPORTS
    + JIT
    + model(
        "y, n = torch.empty_like(x), x.numel()",
        "sms = torch.cuda.get_device_properties(x.device).multi_processor_count",
        "assert sms == 128",
        LAUNCH,
        "return y",
    ),
    "current stream": IMPORTS
    + JIT
    + model(
        "y, n = torch.empty_like(x), x.numel()",
        "stream = torch.cuda.current_stream(x.device)",
        "stream.synchronize()",
        LAUNCH,
        "return y",
    ),
    "device context": IMPORTS
    + JIT
    + model(
        "y, n = torch.empty_like(x), x.numel()",
        "with torch.cuda.device(x.device):",
        "    " + LAUNCH,
        "return y",
    ),
    "is_cuda": IMPORTS
    + JIT
    + model(
        "assert x.is_cuda and x.device.type == 'cuda' and x.is_contiguous()",
        "y, n = torch.empty_like(x), x.numel()",
        LAUNCH,
        "return y",
    ),
    "device=cuda": IMPORTS
    + JIT
    + model("y, n = torch.empty(x.shape, device='cuda', dtype=x.dtype), x.numel()", LAUNCH, "return y"),
    "new_empty and views": IMPORTS
    + JIT
    + model(
        "x, n = x.contiguous().view(-1), x.numel()",
        "y = x.new_empty(n)",
        LAUNCH,
        "return y.view(1024, 4096)",
    ),
    "wrapper function": IMPORTS
    + JIT
    + """
def double(x):
    y = torch.empty_like(x)
    grid = lambda meta: (triton.cdiv(x.numel(), meta["BLOCK"]),)
    double_kernel[grid](x, y, x.numel(), BLOCK=1024, num_warps=4)
    return y
"""
    + model("return double(x)"),
    "side stream": IMPORTS
    + JIT
    + model(
        "y, n = torch.empty_like(x), x.numel()",
        "side = torch.cuda.Stream()",
        "side.wait_stream(torch.cuda.current_stream())",
        "with torch.cuda.stream(side):",
        "    " + LAUNCH,
        "y.record_stream(side)",
        "torch.cuda.current_stream().wait_stream(side)",
        "return y",
    ),
    "CUDA graph": IMPORTS
    + JIT
    + model(
        "if not hasattr(self, 'graph'):",
        "    self.x, self.y, n = x.clone(), torch.empty_like(x), x.numel()",
        "    self.graph = torch.cuda.CUDAGraph()",
        "    with torch.cuda.graph(self.graph):",
        "        double_kernel[(triton.cdiv(n, 1024),)](self.x, self.y, n, BLOCK=1024)",
        "self.x.copy_(x)",
        "self.graph.replay()",
        "return self.y",
    ),
    "custom operator": IMPORTS
    + JIT
    + """
@torch.library.custom_op("kernelwright_test::double", mutates_args=())
def double(x: torch.Tensor) -> torch.Tensor:
    y = torch.empty_like(x)
    double_kernel[(triton.cdiv(x.numel(), 1024),)](x, y, x.numel(), BLOCK=1024)
    return y


@double.register_fake
def _(x):
    return torch.empty_like(x)
"""
    + model("return double(x)"),
    "Triton operator": IMPORTS
    + JIT
    + """
@torch.library.triton_op("kernelwright_test::triton_double", mutates_args=())
def double(x: torch.Tensor) -> torch.Tensor:
    y = torch.empty_like(x)
    grid = (triton.cdiv(x.numel(), 1024),)
    torch.library.wrap_triton(double_kernel)[grid](x, y, x.numel(), BLOCK=1024)
    return y
"""
    + model("return double(x)"),
    "autograd function": IMPORTS
    + JIT
    + """
class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.empty_like(x)
        double_kernel[(triton.cdiv(x.numel(), 1024),)](x, y, x.numel(), BLOCK=1024)
        ctx.save_for_backward(x)
        return y
"""
    + model("return Double.apply(x)"),
}

Run = Callable[..., Recording]


@pytest.fixture(scope="session")
def triton_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("triton")


@pytest.fixture
def run(tmp_path: Path, triton_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(triton_cache))

    def recorded(
        source: str,
        card: str = "rtx-4090",
        init: tuple[object, ...] = (),
        parameters: tuple[TensorFact, ...] = (),
    ) -> Recording:
        path = tmp_path / "candidate.py"
        path.write_text(source, encoding="utf-8")
        return record(path, list(init), [X], list(parameters), gpu(card))

    return recorded


@pytest.mark.parametrize("idiom", IDIOMS)
def test_ordinary_host_code_runs_unchanged(idiom: str, run: Run) -> None:
    seen = run(IDIOMS[idiom])
    assert (seen.status, seen.reason) == (Status.PASSED, None)
    assert [(launch.kernel, launch.grid) for launch in seen.launches] == [("double_kernel", (4096, 1, 1))]
    assert seen.outputs == [X.model_copy(update={"name": "output"})]


def test_a_launch_names_what_it_was_given(run: Run) -> None:
    [launch] = run(PLAIN).launches
    assert launch.constants == {"BLOCK": 1024}
    assert (launch.num_warps, launch.num_stages) == (4, 3)
    x, y = launch.arguments["x_ptr"], launch.arguments["y_ptr"]
    assert isinstance(x, TensorArgument)
    assert isinstance(y, TensorArgument)
    assert (x.dtype, x.shape, x.strides, x.offset_bytes) == ("float32", (1024, 4096), (4096, 1), 0)
    assert x.storage != y.storage
    assert launch.arguments["n"] == N


def test_two_kernels_are_kept_in_order_and_share_storage_by_number(run: Run) -> None:
    second = JIT.replace("double_kernel", "again_kernel")
    body = model(
        "y, n = torch.empty_like(x), x.numel()",
        LAUNCH,
        "z = torch.empty_like(y)",
        "again_kernel[(n // 1024 // 2,)](y.view(-1)[n // 2:], z, n // 2, BLOCK=1024)",
        "return y + z.sum()",
    )
    seen = run(IMPORTS + JIT + second + body)
    first, then = seen.launches
    assert (first.kernel, then.kernel) == ("double_kernel", "again_kernel")
    written, read = first.arguments["y_ptr"], then.arguments["x_ptr"]
    assert isinstance(written, TensorArgument)
    assert isinstance(read, TensorArgument)
    assert (read.storage, read.offset_bytes) == (written.storage, N // 2 * 4)
    assert [(done.name, done.written_bytes) for done in seen.operations] == [
        ("aten::sum", 4),
        ("aten::add", N * 4),
    ]


def test_registers_are_what_cuobjdump_says(run: Run, triton_cache: Path) -> None:
    [launch] = run(PLAIN, card="l4").launches
    cubin = max(triton_cache.glob("*/double_kernel.cubin"), key=lambda file: file.stat().st_mtime)
    tool = triton.knobs.nvidia.cuobjdump.path
    report = subprocess.run([tool, "-res-usage", cubin], check=True, capture_output=True, text=True).stdout
    assert f"REG:{launch.registers} " in report
    assert launch.spill_bytes == 0


@pytest.mark.parametrize("card", ["a100", "rtx-3090", "h200", "rtx-5090", "b200"])
def test_the_target_s_own_code_is_compiled(card: str, run: Run, triton_cache: Path) -> None:
    before = set(triton_cache.glob("*/double_kernel.json"))
    source = PLAIN.replace("2 *", "3 *")
    assert run(source, card=card).status is Status.PASSED
    written = [file.read_text() for file in set(triton_cache.glob("*/double_kernel.json")) - before]
    assert [f'"arch": {gpu(card).arch_number}' in text for text in written] == [True]


BIG = """
@triton.jit
def product_kernel(a_ptr, c_ptr, M: tl.constexpr, K: tl.constexpr):
    rows, depth = tl.arange(0, M), tl.arange(0, K)
    total = tl.zeros((M, M), tl.float32)
    for step in range(8):
        a = tl.load(a_ptr + rows[:, None] * 512 + step * K + depth[None, :])
        b = tl.load(a_ptr + (step * K + depth)[:, None] * 512 + rows[None, :])
        total = tl.dot(a, b, total)
    tl.store(c_ptr + rows[:, None] * M + rows[None, :], total)
"""


def product(decorator: str, launch: str) -> str:
    return IMPORTS + "\n" + decorator + BIG + model("y = torch.empty_like(x)", launch, "return y")


DIRECT = product("", "product_kernel[(1,)](x, y, M=32, K=256, num_stages=3, num_warps=8)")


def test_what_is_too_large_for_one_card_is_refused_for_that_card(run: Run) -> None:
    small = run(DIRECT, card="rtx-4090")
    assert small.status is Status.RESOURCE_LIMIT
    assert small.reason is not None
    assert "product_kernel" in small.reason
    assert "shared memory" in small.reason
    assert "101376" in small.reason
    assert small.launches == []
    large = run(DIRECT, card="h200")
    assert large.status is Status.PASSED
    assert (large.launches[0].shared_bytes or 0) > 99 * 1024


def tuned(*stages: int) -> str:
    configs = ", ".join(
        f"triton.Config({{'M': 32, 'K': 256}}, num_stages={count}, num_warps=8)" for count in stages
    )
    return product(f"@triton.autotune(configs=[{configs}], key=[])", "product_kernel[(1,)](x, y)")


def test_autotuning_skips_what_does_not_fit_and_stops_at_what_does(run: Run) -> None:
    seen = run(tuned(3, 1, 2))
    assert seen.status is Status.PASSED
    [tuning] = seen.tunings
    assert tuning.trials[0].outcome == "too large"
    assert tuning.chosen["num_stages"] in (1, 2)
    assert [launch.num_stages for launch in seen.launches] == [tuning.chosen["num_stages"]]


def test_autotuning_with_nothing_that_fits_is_refused(run: Run) -> None:
    seen = run(tuned(3, 4))
    assert seen.status is Status.RESOURCE_LIMIT
    assert [trial.outcome for trial in seen.tunings[0].trials] == ["too large", "too large"]


def test_trial_launches_are_not_in_the_record(run: Run) -> None:
    seen = run(IDIOMS["autotune"])
    assert len(seen.launches) == 1
    assert [trial.outcome for trial in seen.tunings[0].trials] == ["fits", "not tried"]
    assert seen.tunings[0].chosen["BLOCK"] == seen.launches[0].constants["BLOCK"] == 1024


def test_more_threads_than_a_block_has_are_refused(run: Run) -> None:
    seen = run(PLAIN.replace("BLOCK=1024)", "BLOCK=1024, num_warps=64)"))
    assert seen.status is not Status.PASSED
    assert seen.launches == []


def test_a_cooperative_grid_larger_than_the_card_is_refused(run: Run) -> None:
    at_once = PLAIN.replace("BLOCK=1024)", "BLOCK=1024, launch_cooperative_grid=True)")
    seen = run(at_once)
    assert seen.status is Status.RESOURCE_LIMIT
    assert "4096 programs" in (seen.reason or "")
    few = at_once.replace("(triton.cdiv(n, 1024),)", "(128,)")
    [launch] = run(few).launches
    assert launch.cooperative


def test_a_compile_error_names_kernel_line_and_cause(run: Run) -> None:
    broken = PLAIN.replace("tl.program_id(0) * BLOCK", "tl.program_id(0) * BLOCKS")
    seen = run(broken)
    line = 1 + broken[: broken.index("BLOCKS")].count("\n")
    assert seen.status is Status.COMPILE_ERROR
    assert seen.reason is not None
    assert f"kernel 'double_kernel', line {line}: " in seen.reason
    assert "BLOCKS is not defined" in seen.reason
    assert "\n" not in seen.reason


def test_a_compile_error_in_a_called_function_names_its_own_line(run: Run) -> None:
    inner = "\n@triton.jit\ndef offsets(BLOCK: tl.constexpr):\n    return tl.arange(0, BLOCK - 1)\n"
    source = IMPORTS + inner + PLAIN[len(IMPORTS) :].replace("tl.arange(0, BLOCK)", "offsets(BLOCK)")
    seen = run(source)
    line = 1 + source[: source.index("BLOCK - 1")].count("\n")
    assert seen.status is Status.COMPILE_ERROR
    assert f"line {line}: " in (seen.reason or "")
    assert "power of 2" in (seen.reason or "")


def test_a_runtime_error_names_the_candidate_s_line(run: Run) -> None:
    source = IMPORTS + JIT + model("y = torch.empty_like(x)", "raise ValueError('odd shape')")
    seen = run(source)
    line = 1 + source[: source.index("raise ValueError")].count("\n")
    assert seen.status is Status.RUNTIME_ERROR
    assert seen.reason == f"ValueError: odd shape (line {line}: raise ValueError('odd shape'))"


@pytest.mark.parametrize("test", ["x.sum() > 0", "x.max().item() > 1", "x.cpu().numpy().any()"])
def test_host_code_that_reads_values_is_unchecked(test: str, run: Run) -> None:
    seen = run(IMPORTS + JIT + model(f"if {test}:", "    return x", "return 2 * x"))
    assert seen.status is Status.UNCHECKED
    assert "depends on the values of a tensor" in (seen.reason or "")
    assert test in (seen.reason or "")


def test_half_a_call_is_not_recorded(run: Run) -> None:
    seen = run(PLAIN.replace("return y", "return y.sum().item()"))
    assert seen.status is Status.UNCHECKED
    assert seen.launches == []


def test_when_every_configuration_spills_the_least_is_taken(run: Run) -> None:
    configs = "[triton.Config({'BLOCK': b}, num_warps=1, maxnreg=24) for b in (4096, 2048)]"
    seen = run(decorated(f"@triton.autotune(configs={configs}, key=['n'])"))
    [tuning] = seen.tunings
    assert all(trial.outcome.startswith("spills ") for trial in tuning.trials)
    assert tuning.chosen["BLOCK"] == 2048
    assert (seen.launches[0].spill_bytes or 0) > 0


def test_a_pointer_that_is_not_on_the_card_is_an_error(run: Run) -> None:
    seen = run(PLAIN.replace("torch.empty_like(x)", "torch.empty(x.shape)"))
    assert seen.status is Status.RUNTIME_ERROR
    assert "'y_ptr' cannot be accessed" in (seen.reason or "")


def test_a_forward_without_triton_is_rejected(run: Run) -> None:
    seen = run(IMPORTS + JIT + model("return 2 * x"))
    assert (seen.status, seen.reason) == (Status.REJECTED, "forward launched no Triton kernel")


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("def broken(:\n", Status.INVALID_SOURCE),
        (IMPORTS + JIT, Status.INVALID_SOURCE),
        ("import sys\nsys.exit(0)\n", Status.RUNTIME_ERROR),
        ("import no_such_module\n", Status.RUNTIME_ERROR),
        (IMPORTS + JIT + model("return None"), Status.RUNTIME_ERROR),
        (IMPORTS + JIT + model("return x.cpu()"), Status.RUNTIME_ERROR),
    ],
)
def test_what_is_no_kernel_has_a_status(source: str, status: Status, run: Run) -> None:
    assert run(source).status is status


STATEFUL = (
    IMPORTS
    + JIT
    + textwrap.dedent(
        """
    class ModelNew(nn.Module):
        def __init__(self, features):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(features))

        def forward(self, x):
            y, n = torch.empty_like(x), x.numel()
            double_kernel[(triton.cdiv(n, 1024),)](x, y, n, BLOCK=1024)
            return y * self.weight
    """
    )
)


def weight(name: str = "weight", size: int = 4096) -> tuple[TensorFact, ...]:
    return (TensorFact(name=name, shape=[size], dtype="float32"),)


def test_the_state_has_to_be_the_reference_s(run: Run) -> None:
    def reason(*parameters: TensorFact) -> str:
        seen = run(STATEFUL, init=(4096,), parameters=parameters)
        return f"{seen.status}: {seen.reason}"

    assert reason(*weight()) == "passed: None"
    assert reason() == "runtime_error: ModelNew has weight in its state, which the reference has not"
    assert "no parameter scale" in reason(*weight("scale"))
    assert "has shape [4096] and must have [8]" in reason(*weight(size=8))


def test_launches_kept_from_the_timed_call_are_told(run: Run) -> None:
    once = model(
        "if not hasattr(self, 'y'):",
        "    self.y, n = torch.empty_like(x), x.numel()",
        "    double_kernel[(triton.cdiv(n, 1024),)](x, self.y, n, BLOCK=1024)",
        "return self.y",
    )
    seen = run(IMPORTS + JIT + once)
    assert seen.status is Status.REJECTED
    assert seen.warnings == ["the first forward call made 1 launches and the second 0; the second counts"]


def test_descriptors_work_on_the_device_and_on_the_host(run: Run) -> None:
    source = IMPORTS + textwrap.dedent(
        """
        from triton.tools.tensor_descriptor import TensorDescriptor

        @triton.jit
        def on_device(x_ptr, y_ptr, rows, columns, B: tl.constexpr):
            x = tl.make_tensor_descriptor(x_ptr, [rows, columns], [columns, 1], [B, B])
            y = tl.make_tensor_descriptor(y_ptr, [rows, columns], [columns, 1], [B, B])
            at = [tl.program_id(0) * B, tl.program_id(1) * B]
            y.store(at, x.load(at) * 2)

        @triton.jit
        def on_host(x, y, B: tl.constexpr):
            at = [tl.program_id(0) * B, tl.program_id(1) * B]
            y.store(at, x.load(at) * 2)

        class ModelNew(nn.Module):
            def forward(self, x):
                triton.set_allocator(lambda size, alignment, stream: torch.empty(size, device="cuda", dtype=torch.int8))
                y, grid = torch.empty_like(x), (x.shape[0] // 64, x.shape[1] // 64)
                on_device[grid](x, y, *x.shape, B=64)
                views = [TensorDescriptor.from_tensor(t, [64, 64]) for t in (x, y)]
                on_host[grid](*views, B=64)
                return y
        """
    )
    for card in ("rtx-4090", "h200"):
        seen = run(source, card=card)
        assert seen.reason is None
        assert [launch.kernel for launch in seen.launches] == ["on_device", "on_host"]
        assert isinstance(seen.launches[1].arguments["x"], TensorArgument)
