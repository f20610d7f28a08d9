"""Words and numbers as the terminal shows them; a model's text is hostile until it went through `plain`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

from kernelwright.evaluator.evaluation import Estimate, Evaluation, Timing
from kernelwright.evaluator.metrics import DURATION

PYTORCH = ("eager", "compile")
NOBODY: Mapping[str, str] = MappingProxyType({})

# Control characters besides newline and tab, direction overrides, invisible characters and letters (tags and
# selectors spell whole sentences), lone surrogates, and the two that no XML may hold.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)


def plain(text: str) -> str:
    """The text with everything that could steer a terminal made visible: an escape becomes ``\\x1b``."""
    return _UNSAFE.sub(
        lambda hit: hit.group().encode("unicode_escape").decode("ascii"), text.replace("\r\n", "\n")
    )


def one_line(text: str, limit: int = 400) -> str:
    """`plain` text on one line of at most that many characters."""
    line = " ".join(plain(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def number(value: float, digits: int = 3) -> str:
    """A number with that many significant digits and without an exponent where people need none."""
    if not math.isfinite(value) or abs(value) < 1 or abs(value) >= 1e7:
        return f"{value:.{digits}g}"
    whole = len(str(int(abs(value))))
    text = f"{value:,.{max(0, digits - whole)}f}"
    return text.rstrip("0").rstrip(".") if float(value).is_integer() and "." in text else text


def metric(name: str, value: float) -> str:
    """A metric's value: durations, which Nsight Compute counts in ns, in ms as all times; counts whole."""
    if name in (DURATION, "duration_ms"):
        return milliseconds(value / 1e6 if name == DURATION else value)
    if name.startswith("launch__") and float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.1f}" if "pct" in name else number(value)


def milliseconds(ms: float) -> str:
    """``0.318 ms``, ``8.00 ms``."""
    return f"{_three_digits(ms)} ms"


def _three_digits(ms: float) -> str:
    """Three significant digits, zeros at the end included, or whole milliseconds."""
    return f"{ms:#.3g}".rstrip(".") if ms < 999.5 else f"{ms:,.0f}"


def interval(low: float, high: float) -> str:
    """``[1.31, 1.37]``, and near 1 ``[1.021, 1.024]``: ``[1.00, 1.00]`` would not say on which side it lies."""
    digits = 3 if _near_1(low) and _near_1(high) else None
    return f"[{_factor(low, digits)}, {_factor(high, digits)}]"


def times(factor: float) -> str:
    """``26.5×``, and near 1 ``1.022×``."""
    return f"{_factor(factor, 3 if _near_1(factor) else None)}×"


def _near_1(value: float) -> bool:
    return 0.95 < value < 1.05


def _factor(value: float, digits: int | None = None) -> str:
    """Two decimals below ten, since gains of a few percent have to show; one below a hundred."""
    if digits is None:
        digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"


def estimate(value: Estimate) -> str:
    """``0.410 ms est. (0.330–0.520)``: an estimate never goes without its mark and its range."""
    low, high = value.range_ms
    return f"{milliseconds(value.ms)} est. ({_three_digits(low)}–{_three_digits(high)})"


def baseline(timing: Timing, names: Mapping[str, str] = NOBODY) -> str:
    """What a timing was compared with: ``eager``, ``compile``, a kernel's name or its short hash."""
    name = one_line(timing.baseline)
    return name if name in PYTORCH else names.get(name, name[:10])


def speedup(timing: Timing, names: Mapping[str, str] = NOBODY) -> str:
    """``1.34× [1.31, 1.37] over eager``: the 95 % interval always stands beside the factor.

    ``names`` says what to call a kernel, by its SHA-256.
    """
    return f"{times(timing.speedup)} {interval(*timing.speedup_ci95)} over {baseline(timing, names)}"


def time_of(evaluation: Evaluation | None) -> str:
    """The time that a verdict knows: measured, or marked ``est.``, or a dash."""
    if evaluation is None:
        return "—"
    if evaluation.timing:
        return milliseconds(evaluation.timing.median_ms)
    return estimate(evaluation.estimate) if evaluation.estimate else "—"


def seconds(value: float) -> str:
    """``8.2 s``, ``3 min 05 s``, ``2 h 04 min``."""
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def plural(count: int, noun: str, many: str = "") -> str:
    """``1 attempt``, ``2 attempts``; ``many`` is for what takes no s."""
    return f"{count} {noun}" if count == 1 else f"{count} {many or f'{noun}s'}"
