"""One verdict, as ``evaluate`` and ``show`` print it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kernelwright.evaluator.evaluation import Correctness, Evaluation, KernelProfile, Status, Timing
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .fitting import Fitting
from .text import NOBODY, estimate, metric, milliseconds, one_line, plural, speedup
from .timing import time_with_interval

_GOOD = {Status.PASSED: "bold green", Status.UNCHECKED: "bold yellow"}


def verdict(evaluation: Evaluation, names: Mapping[str, str] = NOBODY) -> RenderableType:
    """Status, time, floor, correctness by family, kernels with metrics, warnings.

    ``names`` says what to call the kernel that a time was compared with, by its SHA-256.
    """
    parts: list[RenderableType] = [headline(evaluation)]
    parts += [Text(one_line(evaluation.reason))] if evaluation.reason else []
    parts += [Text(f"refused by the defence '{evaluation.refused_by}'")] if evaluation.refused_by else []
    parts += [Text(line) for line in _times(evaluation, names)]
    if evaluation.correctness and evaluation.correctness.families:
        parts += [Text(), families(evaluation.correctness)]
        parts += [Text(line) for line in _repeated(evaluation.correctness)]
    if evaluation.kernels:
        parts += [Text(), metrics_of(evaluation.kernels, evaluation.provenance)]
        parts += [Text(line, style="dim") for line in missing_everywhere(evaluation.kernels)]
    parts += [Text(f"warning: {one_line(warning)}", style="yellow") for warning in evaluation.warnings]
    return Group(*parts)


def headline(evaluation: Evaluation) -> Text:
    """``passed, judged on NVIDIA H200``; the reason stands below it."""
    place = f"judged on {one_line(evaluation.device)}"
    if evaluation.provenance == "estimated":
        place = f"offline, for the {evaluation.target}: nothing was measured"
    line = Text().append(evaluation.status.value, style=_GOOD.get(evaluation.status, "bold red"))
    return line.append(f", {place}")


def _times(evaluation: Evaluation, names: Mapping[str, str]) -> list[str]:
    lines = []
    if evaluation.timing:
        lines += [f"time {time_with_interval(evaluation)}", f"gain {_gain(evaluation.timing, names)}"]
    if evaluation.estimate:
        lines.append(f"time {estimate(evaluation.estimate)}")
    if evaluation.floor_ms:
        floor = evaluation.floor_ms
        here = f"{milliseconds(floor.device)} on this card, " if floor.device is not None else ""
        lines.append(f"floor {here}{milliseconds(floor.target)} on the {evaluation.target}")
    lines.append(f"kernel {evaluation.kernel[:16]}, sandbox {evaluation.sandbox}")
    return lines


def _gain(timing: Timing, names: Mapping[str, str]) -> str:
    """The paired gain, and what it rests on."""
    parts = [f"{timing.pairs} pairs of processes"]
    if timing.discarded:
        parts.append(f"{timing.discarded} discarded, since the card throttled")
    if timing.noise_floor is not None:
        parts.append(f"noise floor {timing.noise_floor:.2%}")
    return f"{speedup(timing, names)} ({', '.join(parts)})"


def families(correctness: Correctness) -> Table:
    """Error and budget of each family of inputs."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("inputs", "error / RMS", "budget", ""):
        table.add_column(name, justify="right" if name in ("error / RMS", "budget") else "left")
    for name, family in correctness.families.items():
        error = "not finite" if family.error is None else f"{family.error:.2g}"
        word = "ok" if family.passed else "outside"
        if not family.required:
            word += " (reported only)"
        style = "" if family.passed else ("red" if family.required else "yellow")
        table.add_row(one_line(name, 40), error, f"{family.budget:.2g}", Text(word, style=style))
    return table


def _repeated(correctness: Correctness) -> list[str]:
    if correctness.deterministic is None:
        return []
    return ["repeated runs " + ("are bitwise equal" if correctness.deterministic else "differ in their bits")]


def metrics_of(kernels: list[KernelProfile], provenance: str) -> RenderableType:
    """The kernels side by side, or a block for each where that is too wide."""
    absent = _reasons(kernels)
    blocks = [part for kernel in kernels for part in (Text(), *_block(kernel, provenance, absent))]
    return Fitting(metrics_table(kernels, provenance, absent), Group(*blocks[1:]))


def _block(kernel: KernelProfile, provenance: str, absent: Mapping[str, str]) -> Iterator[RenderableType]:
    """Name, launch and configuration, then a row for each metric."""
    estimated = provenance == "estimated"
    yield Text(one_line(kernel.name, 60) + (" (estimated)" if estimated else ""), style="bold")
    launches = plural(kernel.launches, "launch", "launches")
    yield Text(f"grid {_grid(kernel)}, {launches}, time share {_share(kernel, ' est.' if estimated else '')}")
    if kernel.config:
        yield Text(_config(kernel))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    for name, value in kernel.metrics.items():
        table.add_row(Text(one_line(name, 80)), metric(name, value))
    yield table
    missing = {name: why for name, why in kernel.missing.items() if name not in absent}
    yield from (Text(f"{one_line(name, 80)} missing: {one_line(why, 60)}") for name, why in missing.items())


def metrics_table(kernels: list[KernelProfile], provenance: str, absent: Mapping[str, str]) -> Table:
    """One column per kernel: grid, launches, time share, configuration, metrics or why they are missing.

    Metrics that are `absent` from every kernel are left out.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("metrics (estimated)" if provenance == "estimated" else "metrics", no_wrap=True)
    for kernel in kernels:
        table.add_column(Text(one_line(kernel.name, 60)), justify="right", overflow="fold")
    table.add_row("grid", *(_grid(kernel) for kernel in kernels))
    table.add_row("launches", *(str(kernel.launches) for kernel in kernels))
    mark = " est." if provenance == "estimated" else ""
    table.add_row("time share", *(_share(kernel, mark) for kernel in kernels))
    if any(kernel.config for kernel in kernels):
        table.add_row("configuration", *(Text(_config(kernel)) for kernel in kernels))
    names = dict.fromkeys(name for kernel in kernels for name in (*kernel.metrics, *kernel.missing))
    for name in (name for name in names if name not in absent):
        table.add_row(Text(one_line(name, 80)), *(Text(_metric(kernel, name)) for kernel in kernels))
    return table


def _reasons(kernels: list[KernelProfile]) -> dict[str, str]:
    """Metrics that every kernel misses for the same reason."""
    first = kernels[0].missing
    return {
        name: why for name, why in first.items() if all(kernel.missing.get(name) == why for kernel in kernels)
    }


def missing_everywhere(kernels: list[KernelProfile]) -> list[str]:
    """One line per reason, with the metrics that no kernel has because of it."""
    by_reason: dict[str, list[str]] = {}
    for name, why in _reasons(kernels).items():
        by_reason.setdefault(why, []).append(name)
    return [
        f"missing, {one_line(why)}: {one_line(', '.join(names), 2000)}" for why, names in by_reason.items()
    ]


def _grid(kernel: KernelProfile) -> str:
    return "×".join(map(str, kernel.grid))


def _share(kernel: KernelProfile, mark: str) -> str:
    share = "—" if kernel.time_share is None else f"{kernel.time_share:.1%}"
    return share if kernel.duration_ms is None else f"{share}, {milliseconds(kernel.duration_ms)}{mark}"


def _config(kernel: KernelProfile) -> str:
    return one_line(" ".join(f"{name}={value}" for name, value in kernel.config.items()))


def _metric(kernel: KernelProfile, name: str) -> str:
    if name in kernel.metrics:
        return metric(name, kernel.metrics[name])
    return f"missing: {one_line(kernel.missing[name], 60)}" if name in kernel.missing else "—"
