"""What ``bench`` will run: each task with its seed and the best kernel that is known of it, and on which place."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UsageProblem
from .judging import versions
from .opening import DEFAULT_STORE, task_path

if TYPE_CHECKING:
    from kernelwright.reference_kernels import Task

    from ..suite.rows import Kernel, Place, Planned

Known = Callable[[str, str], "Kernel | None"]
"""The best kernel of a task, by its path and its name."""


def place_of(device: str | None, target: str | None) -> Place:
    """Where everything will be judged, said on stderr; raises as `choose_place`."""
    from kernelwright.evaluator.devices import detect_card
    from rich.text import Text

    from ..suite.rows import Place
    from .output import stderr
    from .planning import choose_place

    chosen = choose_place(device, target)
    for line in chosen.lines:
        stderr().print(Text(line), soft_wrap=True)
    card = detect_card() if chosen.device == "cuda" else None
    found = versions()
    return Place(
        device=card.name if card else "offline",
        target=chosen.target,
        driver=card.driver if card else None,
        torch=found.get("torch"),
        triton=found.get("triton"),
    )


def plans(
    tasks: Sequence[str] | None, stores: Sequence[Path] | None, kernels: Path | None, device: str
) -> list[Planned]:
    """Every task once; raises `TaskError`, `StoreError` or `UsageProblem` before anything is run."""
    from kernelwright.reference_kernels import bundled, load_task

    found = {task_path(name, task): task for name in tasks or bundled() for task in [load_task(name)]}
    if kernels is not None:
        return _with_folder(found, kernels)
    if stores:
        return _with_stores(found, stores, device)
    return _with_stores(found, [DEFAULT_STORE] if DEFAULT_STORE.exists() else [], device)


def _with_folder(tasks: dict[str, Task], folder: Path) -> list[Planned]:
    from ..suite.known import best_in_folder

    if not folder.is_dir():
        raise UsageProblem(f"there is no folder '{folder}' with kernels: name one that holds TASK.py files")

    def known(_: str, name: str) -> Kernel | None:
        try:
            return best_in_folder(folder, name)
        except UnicodeDecodeError:
            raise UsageProblem(f"kernel '{folder / name}.py' is not UTF-8 text") from None

    return [_plan(path, task, known, f"no TASK.py in {folder}") for path, task in tasks.items()]


def _with_stores(tasks: dict[str, Task], paths: Sequence[Path], device: str) -> list[Planned]:
    from ..store import Store
    from ..suite.known import best_of, by_task

    why = f"none measured in {' or '.join(map(str, paths or [DEFAULT_STORE]))}"
    with ExitStack() as stack:
        stores = {
            str(path): stack.enter_context(Store.open(path, create=False, read_only=True)) for path in paths
        }
        campaigns = by_task(stores)
        return [
            _plan(path, task, lambda path, _: best_of(campaigns.get(path, []), device), why)
            for path, task in tasks.items()
        ]


def _plan(path: str, task: Task, known: Known, why: str) -> Planned:
    from kernelwright.evaluator.phases import sha256_of

    from ..suite.rows import Kernel, Planned

    seed = task.seed_source()
    return Planned(
        task=path,
        name=task.name,
        reference=sha256_of(task.reference_source()),
        description=sha256_of(_description(task)),
        seed=Kernel(seed, sha256_of(seed), "seed.py", "task") if seed is not None else None,
        best=known(path, task.name),
        no_best=why,
    )


def _description(task: Task) -> str:
    """All that a task says of itself, and what is assumed where it says nothing; without its line for people."""
    said = task.model_dump(mode="json", exclude={"title", "folder", "file"})
    return json.dumps(said, sort_keys=True)
