"""What the red team found: a row per kernel, a line per kind and the two figures; a row per defence."""

from __future__ import annotations

from collections.abc import Iterable

from kernelwright.evaluator.evaluation import Evaluation
from kernelwright.evaluator.outcomes import Group, Outcome, Report, Result, counts, refused_by
from kernelwright.evaluator.witnesses import Found, Shown
from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from .fitting import Fitting
from .text import interval, one_line, plural, seconds, times

_BAD = "bold red"
_STYLES = {
    Outcome.ACCEPTED: _BAD,
    Outcome.WRONGLY_REFUSED: _BAD,
    Outcome.CARD_LOST: _BAD,
    Outcome.OTHER: "yellow",
    Outcome.NEEDS_CARD: "dim",
}
_SENTENCE = 44
"""Columns of a sentence in a table, so that a row fits into 160."""


def results(report: Report) -> RenderableType:
    """Every kernel, those that need a look with their reasons, a line per kind, and what has to be zero."""
    parts: list[RenderableType] = [*_head(report), Text(), _kernels(report.results), Text()]
    notable = [note for result in report.results if (note := _note(result))]
    parts += [*notable, Text()] if notable else []
    return Lines(*parts, *_kinds(report.results), Text(), *_figures(report))


def line(number: int, planned: int, name: str, verdict: Evaluation | None, took: float) -> Text:
    """``12 of 80  softmax/hostile/lazy_tensor  rejected by exact_output  3.1 s``, for stderr."""
    place = f"{number:>{len(str(planned))}} of {planned}"
    return Text(f"{place}  {one_line(name):<48}  {_verdict(verdict)}  {seconds(took)}")


def _verdict(verdict: Evaluation | None) -> str:
    if verdict is None:
        return "the card was lost"
    by = refused_by(verdict)
    return f"{verdict.status.value} by {by}" if verdict.refused_by else verdict.status.value


def _head(report: Report) -> list[Text]:
    place = "offline" if report.device == "offline" else f"on {one_line(report.device)}"
    lines = [Text(f"red team {place}, for the {report.target}, sandbox {report.sandbox or 'unknown'}")]
    if report.without:
        lines.append(Text(f"switched off: {', '.join(report.without)}", style="yellow"))
    return lines


def _kernels(found: list[Result]) -> RenderableType:
    table = _table("kind", "kernel", "what it tries", "expected", "found", "refused by", "s")
    for result in found:
        style = _STYLES.get(result.outcome, "")
        names = (result.kind, _name(result), one_line(result.tries))
        ends = (_found(result), _by(result))
        table.add_row(
            *map(Text, names),
            result.expected,
            *(Text(end, style=style) for end in ends),
            f"{result.seconds:.1f}",
        )
    return Fitting(table, Lines(*(text for result in found for text in _block(result))))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        wide = column.startswith("what it")
        right = column == "s"
        table.add_column(
            column,
            overflow="fold",
            justify="right" if right else "left",
            no_wrap=not wide,
            max_width=_SENTENCE if wide else None,
        )
    return table


def _block(result: Result) -> list[Text]:
    style = _STYLES.get(result.outcome, "")
    found, by = _found(result), _by(result)
    end = f"{result.expected} expected, {found}{f' ({by})' if by else ''}, {seconds(result.seconds)}"
    return [
        Text(f"{_name(result)}", style="bold").append(f"  {result.kind}", style="default"),
        Text(f"  {one_line(result.tries)}"),
        Text(f"  {end}", style=style),
    ]


def _name(result: Result) -> str:
    """``softmax/lazy_tensor``: the kind says which of the task's folders it lies in."""
    task, _, name = result.kernel.split("/")
    return f"{task}/{name}"


def _found(result: Result) -> str:
    return result.evaluation.status.value if result.evaluation else "—"


def _by(result: Result) -> str:
    match result.outcome:
        case Outcome.ACCEPTED:
            return f"nobody{_speed(result.evaluation)}"
        case Outcome.NO_GAIN:
            return f"no gain{_speed(result.evaluation)}"
        case Outcome.NEEDS_CARD | Outcome.CARD_LOST:
            return result.outcome.value
        case _:
            return result.refused_by or ""


def _speed(verdict: Evaluation | None) -> str:
    return f" ({times(verdict.timing.speedup)})" if verdict and verdict.timing else ""


def _note(result: Result) -> Text | None:
    """Why a kernel needs a look; None where all went as expected."""
    if result.outcome not in (Outcome.ACCEPTED, Outcome.WRONGLY_REFUSED, Outcome.OTHER):
        return None
    verdict = result.evaluation
    why = one_line((verdict.reason or "") if verdict else "") or "every check was passed"
    if verdict and verdict.timing:
        timing = verdict.timing
        why += f", {times(timing.speedup)} {interval(*timing.speedup_ci95)} over the seed"
    return Text(f"{result.kernel}, {result.outcome.value}: {why}", style=_STYLES[result.outcome])


def _kinds(found: Iterable[Result]) -> list[Text]:
    lines = []
    for kind, outcomes in counts(found).items():
        parts = (_counted(outcomes[outcome], outcome) for outcome in Outcome if outcomes[outcome])
        lines.append(Text(f"{kind:<12} {plural(outcomes.total(), 'kernel'):>10}: {', '.join(parts)}"))
    return lines


def _counted(count: int, word: str) -> str:
    """``1 needs a card``, ``2 need a card``, ``2 refused``."""
    return f"{count} {word if count == 1 else word.replace('needs', 'need')}"


def _figures(report: Report) -> list[Text]:
    honest = sum(result.group is Group.HONEST for result in report.results)
    pairs = (
        ("hostile or wrong, and accepted", report.accepted, len(report.results) - honest),
        ("honest, and refused", report.wrongly_refused, honest),
    )
    lines = [Text(f"{name:<30} {bad} of {all_}", style=_BAD if bad else "green") for name, bad, all_ in pairs]
    return [*lines, *_early(report)]


def _early(report: Report) -> list[Text]:
    if report.stopped is None:
        return []
    return [Text(f"stopped after {report.done} of {report.planned}: {one_line(report.stopped)}", style=_BAD)]


def defences(report: Report) -> RenderableType:
    """Each defence with its witness: what refused it, and what gets through when the defence is off."""
    table = _table("defence", "what it holds", "witness", "when on", "when off", "")
    for row in report.defences:
        table.add_row(*_row(row))
    blocks = (text for row in report.defences for text in _defence_block(row))
    found = [row.found for row in report.defences]
    rest = (_counted(found.count(word), word) for word in Found if word is not Found.SHOWN and word in found)
    end = Text(", ".join([f"{found.count(Found.SHOWN)} of {len(found)} shown", *rest]))
    return Lines(*_head(report), Text(), Fitting(table, Lines(*blocks)), Text(), end, *_early(report))


def _row(row: Shown) -> list[Text]:
    witness = row.witness or "—"
    on, off = _when(row.on), _when(row.off)
    return [
        Text(row.defence, style="bold"),
        Text(row.says),
        Text(witness),
        Text(on),
        Text(off),
        Text(row.found.value, style=_BAD if row.failed else "green" if row.found is Found.SHOWN else "dim"),
    ]


def _when(verdict: Evaluation | None) -> str:
    return f"{_verdict(verdict)}{_speed(verdict)}" if verdict else "—"


def _defence_block(row: Shown) -> list[Text]:
    name, says, witness, on, off, found = _row(row)
    return [
        name.append("  ").append_text(found),
        Text("  ").append_text(says),
        Text("  ").append_text(witness).append(f": {on} when on, {off} when off"),
    ]
