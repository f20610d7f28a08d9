"""What to call tasks where two have one name, as a bundled task and a folder may. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from .rows import Row


def names(tasks: Mapping[str, str]) -> dict[str, str]:
    """A name of its own for each task: ``softmax`` where no other has it, else ``softmax (mine/softmax)``.

    ``tasks`` are names by `Planned.task`.
    """
    shared = {name for name, times in Counter(tasks.values()).items() if times > 1}
    return {task: name if name not in shared else _told_apart(task, tasks) for task, name in tasks.items()}


def named(rows: Sequence[Row]) -> list[Row]:
    """The same rows under names that tell them apart, for people to read."""
    found = names({row.task: row.name for row in rows})
    return [row.model_copy(update={"name": found[row.task]}) for row in rows]


def _told_apart(task: str, tasks: Mapping[str, str]) -> str:
    """With the shortest end of the task's path, of two parts or more, with which no other of that name ends."""
    name = tasks[task]
    if task == name:
        return f"{name} (bundled)"
    others = [other for other in tasks if tasks[other] == name and other not in (task, name)]
    lengths = range(2, len(Path(task).parts))
    alone = (length for length in lengths if _end(task, length) not in [_end(one, length) for one in others])
    length = next(alone, None)
    return f"{name} ({_end(task, length) if length else task})"


def _end(task: str, length: int) -> str:
    return str(Path(*Path(task).parts[-length:]))
