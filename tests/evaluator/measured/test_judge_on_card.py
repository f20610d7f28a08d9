"""The whole judge on a real card: the seed passes, wrong kernels are refused, a hung one leaves the card healthy."""

from collections.abc import Iterator

import pytest
from kernelwright.evaluator.client import JudgeClient
from kernelwright.evaluator.devices import detect_card
from kernelwright.evaluator.evaluation import Evaluation, Status
from kernelwright.evaluator.gpus import gpu_by_title
from kernelwright.evaluator.ncu import find_ncu
from kernelwright.evaluator.protocol import Contender, Job, Session
from kernelwright.reference_kernels import load_task

CARD = detect_card()
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(CARD is None, reason="no CUDA card answers here"),
    pytest.mark.timeout(400),
]
TASK = load_task("layer_norm")
SEED = TASK.seed_source() or ""


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeClient]:
    with JudgeClient("cuda") as client:
        yield client


@pytest.fixture(scope="module")
def session(judge: JudgeClient) -> Session:
    assert CARD is not None
    row = gpu_by_title(CARD.name)
    assert row is not None
    return judge.open("layer_norm", row.name)


def evaluate(judge: JudgeClient, session: Session, source: str, **details: object) -> Evaluation:
    job = Job.model_validate({"task": "layer_norm", "source": source, "target": session.target, **details})
    return judge.evaluate(job, lambda _: None)


@pytest.fixture(scope="module")
def seed(judge: JudgeClient, session: Session) -> Evaluation:
    return evaluate(judge, session, SEED, profile=True)


def test_the_seed_passes_every_family(seed: Evaluation) -> None:
    assert seed.status is Status.PASSED
    assert seed.correctness is not None
    assert all(family.passed for family in seed.correctness.families.values())


def test_its_time_lies_above_the_floor_with_an_interval_around_the_speedup(seed: Evaluation) -> None:
    assert seed.timing is not None and seed.floor_ms is not None and seed.floor_ms.device is not None
    assert seed.timing.median_ms > seed.floor_ms.device
    low, high = seed.timing.speedup_ci95
    assert low < seed.timing.speedup < high


@pytest.mark.skipif(find_ncu().path is None, reason="ncu is not installed here")
def test_every_kernel_has_its_metrics_and_its_share_of_the_time(seed: Evaluation) -> None:
    assert {kernel.name for kernel in seed.kernels} == {
        "layer_norm_forward_partial_kernel",
        "layer_norm_forward_final_kernel",
    }
    assert not any("profile unavailable" in warning for warning in seed.warnings)
    assert all(len(kernel.metrics) > 15 for kernel in seed.kernels)
    assert sum(kernel.time_share or 0 for kernel in seed.kernels) == pytest.approx(1, abs=0.02)


def test_the_grid_and_the_block_are_recorded(seed: Evaluation) -> None:
    final = next(kernel for kernel in seed.kernels if "final" in kernel.name)
    assert final.grid == (16, 1, 1)
    assert final.config["BLOCK_SIZE"] == 1024


def test_a_kernel_is_no_faster_than_itself(judge: JudgeClient, session: Session) -> None:
    again = evaluate(judge, session, SEED + "\n", against=SEED)
    assert again.timing is not None
    assert again.timing.speedup == pytest.approx(1, abs=0.05)


def test_the_noise_floor_is_a_small_positive_number(judge: JudgeClient, session: Session) -> None:
    floor = judge.noise_floor("layer_norm", SEED, lambda _: None)
    assert floor is not None
    assert 0 < floor < 0.2


@pytest.mark.parametrize("path", TASK.wrong, ids=lambda path: path.stem)
def test_a_wrong_kernel_is_refused_as_declared(judge: JudgeClient, session: Session, path) -> None:
    found = evaluate(judge, session, path.read_text())
    assert found.status.value == TASK.expected(path), found.reason


def test_the_card_is_healthy_afterwards(judge: JudgeClient, session: Session) -> None:
    assert evaluate(judge, session, SEED).status is Status.PASSED


def test_contenders_meet_head_to_head(judge: JudgeClient, session: Session) -> None:
    standings = judge.compare(
        "layer_norm", [Contender(name="eager"), Contender(name="seed", source=SEED)], lambda _: None
    )
    assert [standing.name for standing in standings] == ["eager", "seed"]
    assert standings[1].speedup_ci95 is not None


def test_a_broken_contender_is_left_out_with_its_reason(judge: JudgeClient, session: Session) -> None:
    broken = SEED.replace("BLOCK_SIZE = 1024", "BLOCK_SIZE = 1000")
    standings = judge.compare(
        "layer_norm",
        [Contender(name="seed", source=SEED), Contender(name="odd", source=broken)],
        lambda _: None,
    )
    assert standings[1].median_ms is None
    assert standings[1].reason
