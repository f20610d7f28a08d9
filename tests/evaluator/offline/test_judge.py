"""Kernels that share an offline judge, one after the other, leave each other nothing."""

from collections.abc import Iterator

import pytest
from kernelwright.evaluator.evaluation import Status
from kernelwright.evaluator.gpus import gpu
from kernelwright.evaluator.offline.judge import OfflineJudge
from kernelwright.evaluator.offline.parents import Parents
from kernelwright.evaluator.protocol import Job
from kernelwright.reference_kernels import load_task

TASK = load_task("softmax")
SEED = TASK.seed_source() or ""
LOOKS = """
import os, pathlib
private = pathlib.Path(os.environ["HOME"]).parent
found = sorted(path.name for path in private.rglob("note"))
if found:
    raise RuntimeError("somebody left a note")
"""
LEAVES = """
for folder in (private, pathlib.Path(os.environ["TRITON_CACHE_DIR"])):
    (folder / "note").write_text("for the next one")
"""


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfflineJudge]:
    parents = Parents(tmp_path_factory.mktemp("judge"))
    yield OfflineJudge(TASK, gpu("rtx-4090"), parents)
    parents.close()


def status(judge: OfflineJudge, source: str) -> Status:
    return judge.evaluate(Job(task="softmax", source=source, target="rtx-4090"), lambda _: None).status


def test_a_file_that_one_kernel_leaves_is_gone_before_the_next(judge):
    # Its own later process finds the note, so the first one fails; what matters is that the second does not.
    status(judge, SEED + LOOKS + LEAVES)
    assert status(judge, SEED + LOOKS) is Status.PASSED


def test_a_full_folder_is_no_matter_to_the_next_kernel(judge):
    fills = """
import os, pathlib
for number in range(60):
    (pathlib.Path(os.environ["HOME"]).parent / f"hog{number}").write_bytes(bytes(64 << 20))
"""
    assert status(judge, SEED + fills) is not Status.PASSED
    assert status(judge, SEED) is Status.PASSED
