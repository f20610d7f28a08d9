"""Runners for real: forked from a warm parent with Triton's interpreter, given awkward candidates, killed."""

import signal
import time

import pytest
from kernelwright.evaluator import processes, sandbox
from kernelwright.evaluator.bench import Bench
from kernelwright.evaluator.calling import Caller
from kernelwright.evaluator.correctness import Check, check
from kernelwright.evaluator.evaluation import Status
from kernelwright.evaluator.exchange import create_memory_arena
from kernelwright.evaluator.gpus import gpu
from kernelwright.evaluator.orders import Load
from kernelwright.evaluator.phases import sha256_of
from kernelwright.evaluator.places import Places
from kernelwright.evaluator.reference.oracle import Oracle
from kernelwright.evaluator.runners import Failure, WarmParent
from kernelwright.reference_kernels import load_task

TASK = load_task("layer_norm")
needs_bubblewrap = pytest.mark.skipif(
    sandbox.level() != "bubblewrap", reason=f"bubblewrap is not usable: {sandbox.bubblewrap_problem()}"
)
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
    path = parent.places.source(source)
    found = Check()
    with parent.fork() as runner:
        bench = Bench(oracle.facts, create_memory_arena)
        cache = str(parent.places.cache(source))
        runner.ask("enter", 60, "starting", folder=str(runner.folder), cache=cache, gpu=gpu("rtx-4090"))
        load = Load(str(path), "ModelNew", oracle.init_inputs, bench.arena.address)
        runner.ask("load", seconds, "being imported", bench.arena.descriptors, load=load)
        bench.write_parameters(oracle.parameters)
        runner.ask("parameters", seconds, "taking its parameters", slots=bench.parameters)
        check(oracle, Caller(bench, runner, "cpu"), list(families), seconds=seconds, into=found)
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
    failure = refusal(parent, oracle, HEAD + "        while True: pass\n", seconds=2)
    assert failure.status is Status.TIMEOUT


@pytest.mark.parametrize("leave", ["pass", "os.setsid()", "os.setsid(); os.fork() and os._exit(0)"])
def test_a_process_that_a_candidate_leaves_behind_dies_with_it(parent, oracle, leave):
    body = (
        "        import os, time\n"
        "        if os.fork() == 0:\n"
        f"            {leave}\n"
        "            while True:\n"
        "                open('../alive', 'a').write('x'); time.sleep(0.02)\n"
        "        time.sleep(1); raise ValueError('left one behind')\n"
    )
    alive = parent.places.private / "alive"
    alive.unlink(missing_ok=True)
    assert "left one behind" in refusal(parent, oracle, HEAD + body).reason
    size = alive.stat().st_size
    time.sleep(0.3)
    assert alive.stat().st_size == size


def test_ending_one_runner_leaves_another_alive(parent):
    with parent.fork() as other:
        with parent.fork() as runner:
            runner.ask("enter", 60, "starting", folder=str(runner.folder), cache="c", gpu=None, cuda=False)
        other.ask("enter", 60, "starting", folder=str(other.folder), cache="c", gpu=None, cuda=False)


def test_a_runners_folder_goes_with_it(parent, oracle):
    refusal(parent, oracle, HEAD + "        open('left', 'w').write('x'); return x\n")
    assert not list(parent.places.private.glob("run-*"))


@pytest.mark.parametrize(
    "plant", ["os.mkfifo('output.log')", "os.symlink('/dev/zero', 'output.log')", "os.mkdir('output.log')"]
)
def test_last_words_that_never_end_do_not_hold_the_judge(parent, oracle, plant):
    failure = refusal(
        parent, oracle, HEAD + f"        import os; os.unlink('output.log'); {plant}; os._exit(0)\n"
    )
    assert "died" in failure.reason
    assert ":" not in failure.reason


def test_a_file_that_a_candidate_plants_as_the_next_kernel_is_not_written_through(parent, oracle, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    later = HONEST + "# later\n"
    name = sha256_of(later)[:16]
    plants = (
        "        import os\n"
        f"        for where in ({str(parent.places.given)!r}, {str(parent.places.private)!r}):\n"
        "            try:\n"
        f"                os.makedirs(where + '/{name}', exist_ok=True)\n"
        f"                os.symlink({str(victim)!r}, where + '/{name}/kernel.py')\n"
        "            except OSError: pass\n"
        "        return x\n"
    )
    refusal(parent, oracle, HEAD + plants)
    assert examine(parent, oracle, later).correctness.families["nominal"].passed
    assert victim.read_text() == "untouched"


@needs_bubblewrap
def test_a_candidate_cannot_change_the_next_candidates_source(parent, oracle):
    path = parent.places.source(HONEST)
    body = f"        open({str(path)!r}, 'w').write('')\n"
    assert "Read-only" in refusal(parent, oracle, HEAD + body).reason
    assert path.read_text() == HONEST


def test_a_cache_replaced_by_a_link_is_left_alone(tmp_path):
    places = Places(tmp_path)
    first = places.cache("source")
    first.rmdir()
    first.symlink_to(tmp_path)
    second = places.cache("source")
    assert second != first
    assert second.is_dir()
    assert not second.is_symlink()


def test_a_runner_cannot_shrink_the_memory_that_the_judge_reads(parent, oracle):
    """A mapping whose memory was taken away would end the judge."""
    body = (
        "        import os, pathlib\n"
        "        shrunk = []\n"
        "        for link in pathlib.Path('/proc/self/fd').iterdir():\n"
        "            try: target = os.readlink(link)\n"
        "            except OSError: continue\n"
        "            if 'kernelwright-arena' in target:\n"
        "                try: os.ftruncate(int(link.name), 0); shrunk.append(link.name)\n"
        "                except PermissionError: shrunk.append('refused')\n"
        "        raise ValueError(f'tried {shrunk}')\n"
    )
    assert "tried ['refused']" in refusal(parent, oracle, HEAD + body).reason


def test_a_parent_that_does_not_answer_is_closed(parent, oracle):
    with parent.fork() as runner:
        assert parent._process is not None
        for process in processes.below([parent._process.pid], processes.alive()):
            processes.send(process, signal.SIGSTOP)
        runner.order("enter", folder=str(runner.folder), cache="c", gpu=None, cuda=False)
        with pytest.raises(Failure) as caught:
            runner.answer(1, "starting")
    assert caught.value.status is Status.TIMEOUT
    assert examine(parent, oracle, HONEST).correctness.families["nominal"].passed


def test_what_a_kernel_left_is_gone_before_the_next_one_in_a_shared_parent(parent, oracle, tmp_path):
    (tmp_path / "victim").write_text("untouched")
    left = (
        "        import os\n"
        "        os.makedirs('../left/inner'); os.chmod('../left', 0)\n"
        f"        os.symlink({str(tmp_path)!r}, '../link'); os.mkfifo('../pipe')\n"
        "        raise ValueError('left')\n"
    )
    assert "left" in refusal(parent, oracle, HEAD + left).reason
    assert (parent.places.private / "left").exists()
    parent.clean()
    assert list(parent.places.private.iterdir()) == []
    assert list(parent.places.given.iterdir()) == []
    assert (tmp_path / "victim").read_text() == "untouched"
    assert examine(parent, oracle, HONEST).correctness.families["nominal"].passed


def test_cleaning_is_not_led_elsewhere_by_what_replaced_a_folder(tmp_path):
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "file").write_text("untouched")
    places = Places(tmp_path / "places")
    places.make()
    places.private.rmdir()
    places.private.symlink_to(tmp_path / "victim")
    places.clean()
    assert (tmp_path / "victim" / "file").read_text() == "untouched"
    assert not places.private.is_symlink()
    assert places.cache("source").is_dir()


def test_a_source_that_was_changed_is_not_used(tmp_path):
    places = Places(tmp_path)
    path = places.source("honest = 1\n")
    assert places.source("honest = 1\n") == path
    path.write_text("honest = 0\n")
    assert places.source("honest = 1\n").read_text() == "honest = 1\n"


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


def test_the_parent_is_started_again_when_it_died(parent, oracle):
    examine(parent, oracle, HONEST)
    assert parent._process is not None
    parent._process.kill()
    parent._process.wait()
    assert examine(parent, oracle, HONEST).correctness.families["nominal"].passed
