"""``redteam``: the evaluator against kernels that try to fool it, and against honest ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import KernelFailed, UsageProblem
from .options import AsJson, Device
from .redteam_report import kept, telling

if TYPE_CHECKING:
    from kernelwright.evaluator.defences import Defence
    from kernelwright.evaluator.outcomes import Candidate, Report
    from kernelwright.evaluator.protocol import DeviceKind

    from .planning import Place


def redteam(
    task: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            metavar="TASK",
            help="A bundled task or a task folder. May be repeated.  [default: all bundled tasks]",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="NAME",
            help="A kernel, a kind as in the table, or hostile, wrong or honest; with --defences a defence."
            " May be repeated.",
        ),
    ] = None,
    device: Device = None,
    defences: Annotated[
        bool,
        typer.Option(
            "--defences", help="Show what gets through when a defence is switched off, one after the other."
        ),
    ] = False,
    without: Annotated[
        str | None,
        typer.Option("--without", metavar="A,B", help="Switch these defences off, to see what they hold."),
    ] = None,
    as_json: AsJson = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE.json", help="Write each verdict there as soon as it is known."
        ),
    ] = None,
) -> None:
    """Try to fool the evaluator with hostile, wrong and honest kernels.

    Each is judged as a campaign would judge it, against its task's seed. Exit code 1 when a hostile or wrong
    one is accepted, or an honest one refused. Offline, what only a card can tell is named and counts as
    neither.

    With --defences every defence is shown at work: its witness has to be refused by it, and accepted when it
    is switched off.

    \b
    Examples:
      kernelwright redteam -o redteam.json
      kernelwright redteam --task softmax --only lazy_tensor --device offline
      kernelwright redteam --only lazy_tensor --without exact_output
      kernelwright redteam --defences
    """
    from rich.text import Text

    from .output import stderr
    from .planning import choose_place

    if defences and without is not None:
        raise UsageProblem("choose --defences or --without: --defences switches each defence off by itself")
    off = _defences(without)
    place = choose_place(device, None)
    for line in place.lines:
        stderr().print(Text(line), soft_wrap=True)
    if defences:
        _show_defences(_witnesses(task, only, place), place, output, as_json)
    else:
        _judge_all(_candidates(task, only, place.device), off, place, output, as_json)


def _defences(names: str | None) -> list[Defence]:
    from kernelwright.evaluator.defences import Defence

    wanted = [] if names is None else [name.strip() for name in names.split(",")]
    _known(wanted, list(Defence), "defence")
    return [defence for defence in Defence if defence in wanted]


def _known(wanted: Iterable[str], known: Iterable[str], what: str) -> None:
    """Raise `UsageProblem` for a name that is none, with the nearest ones."""
    names = list(dict.fromkeys(known))
    for name in wanted:
        if name not in names:
            near = difflib.get_close_matches(name, names, 3) or names[:20]
            raise UsageProblem(f"unknown {what} '{name}': try {', '.join(near)}")


def _candidates(tasks: list[str] | None, only: list[str] | None, device: DeviceKind) -> list[Candidate]:
    from kernelwright.evaluator.redteam import candidates
    from kernelwright.reference_kernels import bundled

    found = [one for task in dict.fromkeys(tasks or bundled()) for one in candidates(task, device)]
    if not found:
        raise UsageProblem("there is nothing to judge: a task's hostile, wrong and honest folders are empty")
    _known(only or [], (name for one in found for name in one.names), "kernel")
    chosen = [one for one in found if only is None or set(one.names) & set(only)]
    _must_be_confined(chosen)
    return chosen


def _must_be_confined(chosen: list[Candidate]) -> None:
    """Raise `EnvironmentLacks` rather than run with a person's rights what kills processes and fills disks."""
    from kernelwright.evaluator import sandbox
    from kernelwright.evaluator.protocol import EnvironmentLacks

    if any(one.kind == "Environment" for one in chosen) and sandbox.level() != "bubblewrap":
        raise EnvironmentLacks(
            "hostile kernels of the kind Environment kill processes and fill disks, and bubblewrap is not usable"
            " here: apt-get install bubblewrap, or choose other kinds (--only timing --only replay …)"
        )


def _judge_all(
    wanted: list[Candidate], off: list[Defence], place: Place, output: Path | None, as_json: bool
) -> None:
    from kernelwright.evaluator.outcomes import Report
    from kernelwright.evaluator.redteam import run

    from ..views.redteam import results

    report = Report(device=place.device, target=place.target, without=off, planned=len(wanted))
    with kept(report, output, as_json, results) as save, telling(report.planned) as teller:
        for result in run(wanted, place.device, report, teller.begin):
            save()
            teller.done(result.evaluation, result.seconds)
    if report.accepted or report.wrongly_refused:
        raise KernelFailed(
            f"hostile or wrong kernels accepted: {report.accepted}, honest kernels refused:"
            f" {report.wrongly_refused}"
        )


def _witnesses(tasks: list[str] | None, only: list[str] | None, place: Place) -> Report:
    """A report with a row for every defence that is asked about."""
    from kernelwright.evaluator.defences import Defence
    from kernelwright.evaluator.outcomes import Report
    from kernelwright.evaluator.witnesses import WITNESSES, blank, trials

    _known(only or [], list(Defence), "defence")
    _known(tasks or [], (witness.task for witness in WITNESSES.values()), "task with a witness")
    rows = [
        blank(defence, place.device)
        for defence in Defence
        if (only is None or defence in only)
        and (tasks is None or (defence in WITNESSES and WITNESSES[defence].task in tasks))
    ]
    return Report(device=place.device, target=place.target, planned=len(trials(rows)), defences=rows)


def _show_defences(report: Report, place: Place, output: Path | None, as_json: bool) -> None:
    from kernelwright.evaluator.redteam import run_witnesses

    from ..views.redteam import defences

    with kept(report, output, as_json, defences) as save, telling(report.planned) as teller:
        for verdict, took in run_witnesses(place.device, report, teller.begin):
            save()
            teller.done(verdict, took)
    failed = [f"{row.defence} ({row.found})" for row in report.defences if row.failed]
    if failed:
        raise KernelFailed(f"defences that their witnesses do not show: {', '.join(failed)}")
