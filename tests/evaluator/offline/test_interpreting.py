"""Host code for a card runs on the CPU, kernels give right values, and limits are told from faults."""

from __future__ import annotations

from pathlib import Path

import pytest
from kernelwright.evaluator.offline.interpreter_limits import interpreter_cannot_judge

from .interpreted import ADD, run

LAUNCH = "add_kernel[(triton.cdiv(x.numel(), 128),)](x, y, out, x.numel(), BLOCK=128)"
EMPTY = "out = torch.empty_like(x)"
JOIN = "torch.cuda.current_stream().wait_stream(s)"
HOST = {
    "plain": [EMPTY, LAUNCH],
    "device_of_an_input": ["out = torch.empty(x.shape, device=x.device, dtype=x.dtype)", LAUNCH],
    "device_named": ["out = torch.zeros(x.numel(), device='cuda:0')", LAUNCH],
    "is_cuda": ["assert x.is_cuda and x.device.type == 'cuda' and y.is_cuda", EMPTY, LAUNCH],
    "moved": [
        "x = x.to('cuda').cuda().to(torch.device('cuda')).to(y.device)",
        "out = x.new_empty(x.shape, device='cuda').cuda()",
        LAUNCH,
    ],
    "device_guard": [EMPTY, "with torch.cuda.device(x.device):", f"    {LAUNCH}", "torch.cuda.synchronize()"],
    "properties": [
        "assert torch.cuda.get_device_properties(x.device).multi_processor_count == 128",
        "assert torch.cuda.get_device_capability() == (8, 9) and torch.cuda.is_available()",
        EMPTY,
        LAUNCH,
    ],
    "streams": [
        "s = torch.cuda.Stream()",
        "s.wait_stream(torch.cuda.current_stream())",
        EMPTY,
        "with torch.cuda.stream(s):",
        f"    {LAUNCH}",
        JOIN,
    ],
    "driver": [
        "active = triton.runtime.driver.active",
        "found = active.utils.get_device_properties(active.get_current_device())",
        "assert found['multiprocessor_count'] == 128",
        EMPTY,
        LAUNCH,
    ],
    "grid_of_meta": [
        EMPTY,
        "grid = lambda meta: [triton.cdiv(x.numel(), meta['BLOCK'])]",
        "add_kernel[grid](x, y, out, x.numel(), BLOCK=64, num_warps=2, num_stages=3)",
    ],
    "default_device": ["with torch.device('cuda'):", "    out = torch.empty(x.numel())", LAUNCH],
}
AUTOTUNE = "@triton.autotune(configs=[triton.Config({%s}), triton.Config({%s}, num_warps=8)], key=['n'])"
DECORATED = {
    "autotune": AUTOTUNE % ("'BLOCK': 64", "'BLOCK': 32"),
    "heuristics": "@triton.heuristics({'BLOCK': lambda args: triton.next_power_of_2(min(args['n'], 256))})",
    "both": AUTOTUNE % ("", "") + "\n@triton.heuristics({'BLOCK': lambda args: 64})",
}
WRONG = ADD.replace("mask = offs < n", "mask = offs < n - 1")
RUN = """
import torch
from kernelwright.evaluator.offline.interpreting import interpreted_cuda, is_interpreter_limit
from kernelwright.evaluator.importing import import_source
result = {}
for path in sorted(folder.glob("candidate-*.py")):
    x, y = torch.arange(300.0), torch.ones(300)
    error, out = None, torch.empty(0)
    with interpreted_cuda(gpu):
        try:
            out = import_source(path).ModelNew().to("cuda")(x.clone(), y)
        except Exception as raised:
            error = raised
    right = bool(torch.equal(out, x + y)) and out.device.type == "cpu" and not x.is_cuda
    result[path.stem.removeprefix("candidate-")] = [right, repr(error), is_interpreter_limit(error) if error else None]
"""
LACKING = {
    "spin": "while tl.atomic_add(x_ptr, 0.0) < 1e9:\n        pass",
    "assembly": "tl.inline_asm_elementwise('mov.u32 $0, 1;', '=r', [], dtype=tl.int32, is_pure=True, pack=1)",
    "fault": "tl.load(x_ptr + tl.arange(0, 3))",
    "counter": "for place in range(0, 128, 64):\n        tl.load(x_ptr + place.to(tl.int64))",
}


def _candidate(folder: Path, name: str, kernels: str, body: str) -> None:
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    source = f"{kernels}\n\nclass ModelNew(nn.Module):\n    def forward(self, x, y):\n{lines}"
    (folder / f"candidate-{name}.py").write_text(source, encoding="utf-8")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bool, str, str | None]]:
    """Every candidate of this module, run in one process under the interpreter: right, error, limit."""
    folder = tmp_path_factory.mktemp("interpreted")
    for name, body in HOST.items():
        _candidate(folder, name, ADD, "\n".join([*body, "return out"]))
    launch = (
        "grid = lambda meta: (triton.cdiv(x.numel(), meta['BLOCK']),)\nadd_kernel[grid](x, y, out, x.numel())"
    )
    for name, marks in DECORATED.items():
        kernels = ADD.replace("@triton.jit", marks + "\n@triton.jit")
        _candidate(folder, name, kernels, f"out = torch.empty_like(x)\n{launch}\nreturn out")
    _candidate(folder, "wrong", WRONG, f"out = torch.zeros_like(x)\n{LAUNCH}\nreturn out")
    imports = "import torch, torch.nn as nn, triton, triton.language as tl\n"
    for name, body in LACKING.items():
        kernel = f"{imports}@triton.jit\ndef kernel(x_ptr):\n    {body}\n"
        _candidate(folder, name, kernel, "kernel[(1,)](x)\nreturn x")
    found: dict[str, tuple[bool, str, str | None]] = run(folder, RUN)
    return found


@pytest.mark.parametrize("idiom", [*HOST, *DECORATED])
def test_host_code_for_a_card_runs_and_gives_the_right_values(
    outcomes: dict[str, tuple[bool, str, str | None]], idiom: str
) -> None:
    right, error, _ = outcomes[idiom]
    assert right, error


def test_a_wrong_kernel_gives_wrong_values(outcomes: dict[str, tuple[bool, str, str | None]]) -> None:
    right, error, _ = outcomes["wrong"]
    assert error == "None" and not right


@pytest.mark.parametrize(
    ("name", "limit"), [("spin", True), ("assembly", True), ("fault", False), ("counter", True)]
)
def test_what_the_interpreter_lacks_is_told_from_a_fault_of_the_kernel(
    outcomes: dict[str, tuple[bool, str, str | None]], name: str, limit: bool
) -> None:
    _, error, told = outcomes[name]
    assert error != "None"
    assert (told is not None) is limit


def test_the_named_configuration_is_taken_else_the_first_and_nothing_stays_patched(tmp_path: Path) -> None:
    kernels = ADD.replace("@triton.jit", DECORATED["autotune"] + "\n@triton.jit")
    _candidate(tmp_path, "tuned", kernels, "add_kernel[(5,)](x, y, y, x.numel())\nreturn y")
    chosen = """
    import torch, triton, triton.language as tl
    from triton.runtime import interpreter
    from kernelwright.evaluator.offline.interpreting import interpreted_cuda
    from kernelwright.evaluator.importing import import_source
    def state():
        names = ("create_masked_load", "create_atomic_rmw", "set_grid_idx", "create_dot", "cast_impl")
        return [vars(torch.Tensor).get("is_cuda"), tl.range, tl.sum, interpreter._patch_lang, triton.testing.do_bench,
                *(getattr(interpreter.InterpreterBuilder, name) for name in names), torch.cuda.is_available]
    before, result = state(), []
    for named in (None, {"add_kernel": str(triton.Config({"BLOCK": 32}, num_warps=8))}):
        with interpreted_cuda(gpu, named):
            module = import_source(folder / "candidate-tuned.py")
            module.ModelNew()(torch.ones(300), torch.ones(300))
        result.append(module.add_kernel.best_config.kwargs["BLOCK"])
    result.append(before == state() and torch.ones(1).device.type == "cpu")
    """
    assert run(tmp_path, chosen) == [64, 32, True]


def _kernel(body: str) -> str:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"import triton, triton.language as tl\n@triton.jit\ndef kernel(p, q, n):\n{lines}"


@pytest.mark.parametrize(
    ("body", "dtype", "word"),
    [
        ("while tl.atomic_add(p, 0) < n:\n    pass", "float32", "waits"),
        ("while tl.load(p, volatile=True) != n:\n    pass", "float32", "waits"),
        ("done = 0\nwhile done < n:\n    done = tl.atomic_cas(p, n, n)", "float32", "waits"),
        ("acc = tl.dot(p, q)", "float32", "tf32"),
        ("x = tl.inline_asm_elementwise('x', '=r', [p], tl.int32, True, 1)", "float32", "assembly"),
        ("x = tl.extra.cuda.libdevice.tanh(tl.load(p))", "float32", "libdevice"),
    ],
)
def test_sources_beyond_the_interpreter_are_named_with_the_reason(body: str, dtype: str, word: str) -> None:
    assert word in (interpreter_cannot_judge(_kernel(body), dtype) or "")


@pytest.mark.parametrize(
    ("body", "dtype"),
    [
        ("tl.store(p, tl.load(q))", "float32"),
        ("acc = tl.dot(p, q)", "float16"),
        ("acc = tl.dot(p, q)", "bfloat16"),
        ("acc = tl.dot(p.to(tl.bfloat16), q.to(tl.bfloat16))", "float32"),
        ("acc = tl.dot(p, q, input_precision='ieee')", "float32"),
        ("acc = tl.dot(p, q, allow_tf32=False)", "float32"),
        (
            "t = tl.atomic_add(p, 1)\nwhile t < n:\n    tl.store(q + t, tl.load(q))\n    t = tl.atomic_add(p, 1)",
            "float32",
        ),
        ("i = 0\nwhile i < n:\n    tl.store(q + i, tl.load(p + i))\n    i += 1", "float32"),
        ("tl.atomic_add(p, 1)", "float32"),
    ],
)
def test_ordinary_kernels_and_work_queues_are_judged(body: str, dtype: str) -> None:
    assert interpreter_cannot_judge(_kernel(body), dtype) is None


def test_a_source_that_does_not_parse_is_not_the_interpreters_business() -> None:
    assert interpreter_cannot_judge("def (", "float32") is None
