"""A red-team run as it goes: saved after every verdict, told on stderr, shown at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UsageProblem, sentence

if TYPE_CHECKING:
    from kernelwright.evaluator.evaluation import Evaluation
    from kernelwright.evaluator.outcomes import Report
    from kernelwright.evaluator.protocol import Progress
    from rich.console import Console, RenderableType
    from rich.status import Status


@contextmanager
def kept(
    report: Report, output: Path | None, as_json: bool, view: Callable[[Report], RenderableType]
) -> Iterator[Callable[[], None]]:
    """Gives what saves the report; shows it at the end, and also what there is of it when the run stops early."""
    from .output import show, show_json

    def save() -> None:
        if output is not None:
            _replace(output, report.model_dump_json(by_alias=True, indent=1) + "\n")

    def print_it() -> None:
        if as_json:
            show_json(report.model_dump(mode="json", by_alias=True))
        else:
            show(view(report))

    _reserve(output)
    save()
    try:
        yield save
    except BaseException as problem:
        report.stopped = sentence(problem)
        save()
        if report.done:
            print_it()
        raise
    print_it()


def _reserve(output: Path | None) -> None:
    """Refuse a path before anything is judged."""
    if output is None:
        return
    if output.is_dir():
        raise UsageProblem(f"'{output}' is a folder: name a file in it")
    try:
        output.open("x").close()
    except FileExistsError:
        raise UsageProblem(f"'{output}' exists: delete it, or name another file") from None
    except OSError as problem:
        raise UsageProblem(f"'{output}' cannot be written: {problem.strerror}") from None


def _replace(path: Path, text: str) -> None:
    """At every moment the file holds one whole report."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


class Teller:
    """Progress on stderr: the kernel at work on a terminal, and a lasting line for each that is over."""

    def __init__(self, console: Console, status: Status, planned: int) -> None:
        self._console, self._status, self._planned = console, status, planned
        self._number, self._name = 0, ""

    def begin(self, name: str) -> Progress:
        """The next kernel's turn."""
        from rich.text import Text

        from ..views.text import one_line

        self._number, self._name = self._number + 1, name
        place = f"{self._number} of {self._planned} {name}"

        def tell(phase: str) -> None:
            self._status.update(Text(f"{place}: {one_line(phase, 60)}"))

        tell("starting")
        return tell

    def done(self, verdict: Evaluation | None, took: float) -> None:
        """The last one's verdict."""
        from ..views.redteam import line

        text = line(self._number, self._planned, self._name, verdict, took)
        self._console.print(text, soft_wrap=True)


@contextmanager
def telling(planned: int) -> Iterator[Teller]:
    """Progress for that many verdicts."""
    from .output import stderr

    console = stderr()
    with console.status("starting the evaluator") as status:
        yield Teller(console, status, planned)
