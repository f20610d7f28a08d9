"""Whether a row of the file is what a run would find again, and if not, why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .rows import Kernel, Place, Planned, Row, Suite


def settles(row: Row, planned: Planned, place: Place) -> bool:
    """Whether the row makes a run of that plan needless: same task, kernels, card and versions, and no failure."""
    return row.failure is None and is_of(row, planned, place) and not any(_differences(row, planned, place))


def marked(suite: Suite, plans: Sequence[Planned], place: Place) -> Suite:
    """The same, in which each row that one of these plans is about says why it is out of date, if it is."""
    return Suite(tasks=[_marked(row, plans, place) for row in suite.tasks])


def _marked(row: Row, plans: Sequence[Planned], place: Place) -> Row:
    planned = next((planned for planned in plans if is_of(row, planned, place)), None)
    if planned is None or row.failure is not None:
        return row
    return row.model_copy(update={"stale": "; ".join(_differences(row, planned, place)) or None})


def is_of(row: Row, planned: Planned, place: Place) -> bool:
    """Whether it is about that task on such a card or target, whatever else has changed."""
    return (row.task, row.place.device, row.place.target) == (planned.task, place.device, place.target)


def _differences(row: Row, planned: Planned, place: Place) -> Iterator[str]:
    """A clause for each thing that was another one when the row was made."""
    if row.description is None:
        yield "the row does not say by which task.toml it was made"
    elif row.description != planned.description:
        yield "its task.toml has changed"
    if row.reference != planned.reference:
        yield "its reference has changed"
    if row.entry("seed").kernel != _sha(planned.seed):
        yield "its seed has changed"
    if row.entry("best").kernel != _sha(planned.best):
        yield _best(row, planned)
    for what in ("driver", "torch", "triton"):
        was, now = getattr(row.place, what), getattr(place, what)
        if was != now:
            yield f"{what} {was}, now {now}"


def _best(row: Row, planned: Planned) -> str:
    if planned.best is None:
        return f"no best kernel is known any more ({planned.no_best})"
    found = "another kernel is the best known" if row.entry("best").kernel else "a best kernel is known now"
    return f"{found}, {planned.best.origin} of {planned.best.place}"


def _sha(kernel: Kernel | None) -> str | None:
    return kernel.sha if kernel else None
