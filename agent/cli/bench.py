"""``bench``: every task's seed and best known kernel against PyTorch, in one table."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .bench_file import DEFAULT_FILE, BenchFile
from .benching import Run, run_all
from .errors import KernelFailed, UsageProblem
from .options import AsJson, Device, Target
from .stopping import stops_named

if TYPE_CHECKING:
    from ..suite.rows import Row


def bench(
    tasks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TASK",
            help="Bundled tasks, task folders or KernelBench .py files.  [default: all bundled tasks]",
            show_default=False,
        ),
    ] = None,
    store: Annotated[
        list[Path] | None,
        typer.Option(
            "--store",
            metavar="FILE",
            envvar="KERNELWRIGHT_STORE",
            help="Take the best kernels from its campaigns. May be repeated."
            "  [default: .kernelwright/campaigns.db]",
        ),
    ] = None,
    kernels: Annotated[
        Path | None,
        typer.Option(
            "--kernels",
            metavar="FOLDER",
            help="Take the best kernels from its files TASK.py, not from a store.",
        ),
    ] = None,
    target: Target = None,
    device: Device = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Run also what the file has already, for the same kernels and card."),
    ] = False,
    show_only: Annotated[
        bool, typer.Option("--show", help="Only print what the file has; needs no card and no PyTorch.")
    ] = False,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="FILE.json", help="Where results are kept, task by task."),
    ] = DEFAULT_FILE,
    as_json: AsJson = False,
) -> None:
    """Run each task's seed and best known kernel against PyTorch, and print one table.

    Each kernel is judged first; those that pass meet eager and torch.compile head to head. The table has
    their times, the speedups over eager, and which part of the card's floor they reach. Without a card there
    are verdicts and estimates, and no speedups. Exit code 1 when a seed or a best kernel did not pass.

    What is done is kept in FILE.json and not run again for the same task, kernels, card and versions, so that
    a run which was stopped goes on. Several processes, one per card, may fill one file.

    \b
    Examples:
      kernelwright bench
      kernelwright bench softmax layer_norm --store one.db --store other.db
      kernelwright bench --kernels best -o best/bench.json
      kernelwright bench --show -o best/bench.json
    """
    kept = BenchFile(output)
    if show_only:
        _print(_shown(kept, tasks or []), as_json)
        return
    run = _begin(tasks, store, kernels, device, target, again, kept)
    options = _options(store, kernels, device, target, output)
    with _printed(run, as_json, lambda: _command(run.left if again else tasks or [], again, options)):
        run_all(run)
    bad = _bad(run)
    if bad:
        raise KernelFailed(f"did not pass: {', '.join(bad)}")


def _begin(
    tasks: list[str] | None,
    stores: list[Path] | None,
    kernels: Path | None,
    device: str | None,
    target: str | None,
    again: bool,
    kept: BenchFile,
) -> Run:
    """The run before its first task; raises whatever is wrong with what was asked for."""
    from .bench_plan import place_of, plans

    kept.read()
    place = place_of(device, target)
    planned = plans(tasks, stores, kernels, place.device)
    kept.reserve(planned, place)
    return Run(planned, place, kept, datetime.now(UTC) if again else None)


def _bad(run: Run) -> list[str]:
    from ..suite.naming import named

    return [words for row in named(list(run.rows.values())) for words in row.bad]


@contextmanager
def _printed(run: Run, as_json: bool, command: Callable[[], str]) -> Iterator[None]:
    """The table at the end, and what there is of it when the run stops early, with the command that goes on."""

    def print_it() -> None:
        if run.rows or as_json:
            _print(list(run.rows.values()), as_json)

    with stops_named(lambda: f"`{command()}` goes on", print_it):
        yield
    print_it()


def _shown(kept: BenchFile, tasks: Sequence[str]) -> list[Row]:
    """The file's rows of those tasks, by name or path; all of them when none is named."""
    from ..suite.naming import names

    rows = kept.read().tasks
    if not rows:
        where = f" -o {shlex.quote(str(kept.path))}" if kept.path != DEFAULT_FILE else ""
        raise UsageProblem(f"there is nothing in '{kept.path}': `kernelwright bench{where}` fills it")
    found = {task: _of(rows, task) for task in tasks}
    for task, mine in found.items():
        if not mine:
            known = ", ".join(names({row.task: row.name for row in rows}).values())
            raise UsageProblem(f"'{kept.path}' has no task '{task}': it has {known}")
    return [row for row in rows if not tasks or any(row in mine for mine in found.values())]


def _of(rows: Sequence[Row], task: str) -> list[Row]:
    """The rows of what a run would take that word for, else of all tasks that have it as their name."""
    meant = task if any(row.task == task for row in rows) else str(Path(task).absolute())
    return [row for row in rows if row.task == meant] or [row for row in rows if row.name == task]


def _print(rows: list[Row], as_json: bool) -> None:
    from ..views.suite import suite, suite_json
    from .output import show, show_json

    if as_json:
        show_json(suite_json(rows))
    else:
        show(suite(rows))


def _options(
    stores: list[Path] | None, kernels: Path | None, device: str | None, target: str | None, output: Path
) -> list[str]:
    """What a run that goes on has to be told again."""
    found = [word for path in stores or [] for word in ("--store", str(path))]
    for name, value in (("--kernels", kernels), ("--device", device), ("--target", target)):
        found += [name, str(value)] if value is not None else []
    return [*found, *([] if output == DEFAULT_FILE else ["-o", str(output)])]


def _command(tasks: Sequence[str], again: bool, options: Sequence[str]) -> str:
    return shlex.join(["kernelwright", "bench", *tasks, *(["--again"] if again else []), *options])
