"""Every defence at work on a real card: its witness is refused with it, and accepted when it is switched off."""

from collections.abc import Sequence

import pytest
from kernelwright.evaluator.client import JudgeClient
from kernelwright.evaluator.defences import Defence
from kernelwright.evaluator.devices import detect_card
from kernelwright.evaluator.evaluation import Evaluation, Status
from kernelwright.evaluator.gpus import gpu_by_title
from kernelwright.evaluator.protocol import Job
from kernelwright.evaluator.witnesses import WITNESSES, Witness
from kernelwright.reference_kernels import load_task

CARD = detect_card()
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(CARD is None, reason="no CUDA card answers here"),
    pytest.mark.timeout(400),
]


def verdict(witness: Witness, off: Sequence[Defence]) -> Evaluation:
    assert CARD is not None
    row = gpu_by_title(CARD.name)
    assert row is not None
    task = load_task(witness.task)
    source = (task.folder / f"{witness.kernel}.py").read_text(encoding="utf-8")
    job = Job(task=witness.task, source=source, target=row.name, against=task.seed_source(), profile=True)
    with JudgeClient("cuda", without=off) as judge:
        judge.open(witness.task, row.name)
        return judge.evaluate(job, lambda _: None)


@pytest.mark.parametrize("defence", WITNESSES, ids=str)
def test_a_witness_is_refused_by_its_defence_and_passes_without_it(defence: Defence) -> None:
    witness = WITNESSES[defence]
    held = verdict(witness, witness.overlapping)
    assert held.status is not Status.PASSED
    assert held.refused_by in (defence, *witness.through), held.reason
    let_through = verdict(witness, [*witness.overlapping, defence])
    assert let_through.status is Status.PASSED, let_through.reason
