"""Runners for real: forked from a warm parent with Triton's interpreter, given awkward candidates, killed."""

import time
from pathlib import Path

import pytest
from kernelwright.evaluator.bench import Bench
from kernelwright.evaluator.correctness import Check, check
from kernelwright.evaluator.evaluation import Status
from kernelwright.evaluator.exchange import create_file_arena
from kernelwright.evaluator.gpus import gpu
from kernelwright.evaluator.oracle import Oracle
from kernelwright.evaluator.runner import Load
from kernelwright.evaluator.runners import Failure, WarmParent
from kernelwright.reference_kernels import load_task

TASK = load_task("layer_norm")
SMALL = {"batch_size": 2, "features": 2, "dim1": 3, "dim2": 5}

HEAD = """
import torch
from torch import nn

class ModelNew(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x):
"""
HONEST = (
    HEAD + "        return torch.nn.functional.layer_norm(x, self.weight.shape, self.weight, self.bias)\n"
)


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    warm = WarmParent(tmp_path_factory.mktemp("runners"), kind="interpreting")
    yield warm
    warm.close()


@pytest.fixture(scope="module")
def oracle():
    constants = {name: value for name, value in SMALL.items() if name in TASK.small[0]}
    return Oracle(TASK, "cpu", constants)


def examine(
    parent: WarmParent, oracle: Oracle, source: str, seconds: float = 30, families=("nominal",)
) -> Check:
    path = parent.folder / "kernel.py"
    path.write_text(source)
    found = Check()
    with parent.fork() as runner:
        bench = Bench(oracle.facts, lambda size: create_file_arena(runner.folder / "arena", size))
        cache = str(parent.folder / "cache")
        runner.ask("enter", 60, "starting", folder=str(runner.folder), cache=cache, gpu=gpu("rtx-4090"))
        load = Load(str(path), "ModelNew", oracle.init_inputs, bench.arena.address)
        runner.ask("load", seconds, "being imported", load=load)
        bench.write_parameters(oracle.parameters)
        runner.ask("parameters", seconds, "taking its parameters", slots=bench.parameters)
        check(oracle, bench, runner, list(families), seconds=seconds, into=found)
    return found


def refusal(parent: WarmParent, oracle: Oracle, source: str, seconds: float = 30) -> Failure:
    with pytest.raises(Failure) as caught:
        examine(parent, oracle, source, seconds)
    return caught.value


def test_an_honest_answer_passes_every_family(parent, oracle):
    found = examine(parent, oracle, HONEST, families=(*TASK.required, *TASK.stress))
    assert all(result.passed for result in found.correctness.families.values())
    assert found.correctness.deterministic is True


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("return x", Status.REJECTED, "one of the inputs"),
        ("return x.view(x.shape)", Status.REJECTED, "shares its memory"),
        ("return torch.zeros_like(x)", Status.INCORRECT, "wrong on nominal"),
        ("return torch.zeros_like(x).half()", Status.INCORRECT, "float16 instead of float32"),
        ("return torch.zeros_like(x)[:1]", Status.INCORRECT, "shape"),
        ("return [x, x]", Status.INCORRECT, "2 outputs instead of 1"),
        ("return 'done'", Status.INCORRECT, "not a torch.Tensor"),
        ("x.zero_(); return torch.zeros_like(x)", Status.REJECTED, "changed its inputs"),
        ("return torch.full_like(x, float('nan'))", Status.INCORRECT, "not finite"),
        ("raise ValueError('no luck')", Status.RUNTIME_ERROR, "line 12: no luck"),
        ("raise SystemExit(0)", Status.RUNTIME_ERROR, "SystemExit"),
        ("import os; os._exit(0)", Status.RUNTIME_ERROR, "died"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", Status.RUNTIME_ERROR, "died"),
        ("raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})()", Status.RUNTIME_ERROR, "Odd"),
    ],
)
def test_what_a_candidate_does_becomes_a_status(parent, oracle, body, status, said):
    failure = refusal(parent, oracle, HEAD + f"        {body}\n")
    assert failure.status is status
    assert said in failure.reason


def test_a_candidate_that_never_ends_is_killed(parent, oracle):
    began = time.monotonic()
    failure = refusal(parent, oracle, HEAD + "        while True: pass\n", seconds=2)
    assert failure.status is Status.TIMEOUT
    assert time.monotonic() - began < 20


def test_a_process_that_a_candidate_leaves_behind_dies_with_it(parent, oracle, tmp_path):
    body = (
        "        import os, time\n"
        "        if os.fork() == 0:\n"
        "            while True:\n"
        "                open('alive', 'a').write('x'); time.sleep(0.05)\n"
        "        time.sleep(1); raise ValueError('left one behind')\n"
    )
    assert "left one behind" in refusal(parent, oracle, HEAD + body).reason
    (alive,) = parent.folder.glob("run-*/alive")
    size = alive.stat().st_size
    time.sleep(0.5)
    assert alive.stat().st_size == size


def test_the_state_dict_must_match(parent, oracle):
    source = HONEST.replace("self.bias", "self.offset")
    failure = refusal(parent, oracle, source)
    assert failure.status is Status.RUNTIME_ERROR
    assert "state_dict does not match" in failure.reason
    assert "offset" in failure.reason


def test_a_source_without_the_class_is_invalid(parent, oracle):
    assert refusal(parent, oracle, "x = 1\n").status is Status.INVALID_SOURCE


def test_a_forged_pass_is_not_taken(parent, oracle):
    body = (
        "        import gc, json, socket, struct\n"
        "        for thing in gc.get_objects():\n"
        "            if isinstance(thing, socket.socket):\n"
        "                text = json.dumps({'failure': {'status': 'passed', 'reason': 'trust me'}}).encode()\n"
        "                thing.sendall(struct.pack('!Q', len(text)) + text)\n"
        "        return torch.zeros_like(x)\n"
    )
    failure = refusal(parent, oracle, HEAD + body)
    assert failure.status in (Status.RUNTIME_ERROR, Status.INCORRECT)


def test_one_candidate_after_another_starts_afresh(parent, oracle):
    refusal(parent, oracle, "import torch\ntorch.float32 = None\n" + HEAD + "        return x\n")
    assert examine(parent, oracle, HONEST).correctness.families["nominal"].passed


def test_a_flood_of_output_does_not_reach_us(parent, oracle, capfd):
    body = "        print('flood ' * 100_000)\n" + HONEST[len(HEAD) :]
    assert examine(parent, oracle, HEAD + body).correctness.families["nominal"].passed
    assert "flood" not in capfd.readouterr().out


def test_the_parent_is_started_again_when_it_died(oracle, tmp_path):
    warm = WarmParent(Path(tmp_path) / "w", kind="interpreting")
    try:
        with warm.fork() as runner:
            runner.ask("enter", 60, "starting", folder=str(runner.folder), cache="c", gpu=None, cuda=False)
        assert warm._process is not None
        warm._process.kill()
        warm._process.wait()
        with warm.fork() as runner:
            runner.ask("enter", 60, "starting", folder=str(runner.folder), cache="c", gpu=None, cuda=False)
    finally:
        warm.close()
