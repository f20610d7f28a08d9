"""What to say where a path cannot be followed: what the record has there, and what is asked now. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ..record import Attempt, Record
from ..views.lineage import where
from .difference import shortened, text_diff
from .path import neutral, parting
from .source import Source


def unanswered(source: Source, again: Record, prompt: str, nearest: str | None) -> str:
    """Why there is no reply to a prompt; ``again`` ends with the attempt that asks it.

    ``nearest`` is the stored prompt that is most like it, for a place at which the record asked nothing.
    """
    now, then = again.attempts[-1], source.at(again.attempts[-1].number)
    today = neutral(prompt, source.id, again.campaign.id)
    stored = source.texts.get(then.prompt_sha or "") if then else None
    name = f"{then.id} as it was asked" if then and stored is not None else "the nearest prompt of the record"
    shown = nearest if stored is None else neutral(stored, source.id)
    if then is None and parting(source.record, again) is None:
        return _ended(source, again)
    said = f"{_place(source, again)}: {_what_is_there(source, then, stored is not None)}"
    if shown is None:
        return f"{said}, and it holds no prompt to compare with"
    return f"{said}\n{_diff(shown, today, name, f'attempt {now.number} as asked today')}"


def _ended(source: Source, again: Record) -> str:
    now = again.attempts[-1]
    return (
        f"the record of {source.id} ends before attempt {now.number} ({where(now)}), and the way up to there was the"
        f" same: {_why_ended(source)}"
    )


def _why_ended(source: Source) -> str:
    campaign = source.record.campaign
    if source.moved:
        return "the campaign was carried to a card then"
    return campaign.finish_reason or campaign.pause_reason or campaign.status.value


def _diff(stored: str, today: str, stored_name: str, today_name: str) -> str:
    if stored == today:
        return "(the prompts are the same, and the reply is missing)"
    return shortened(text_diff(stored, today, stored_name, today_name))


def _place(source: Source, again: Record) -> str:
    now = again.attempts[-1]
    earlier = parting(source.record, again)
    here = f"attempt {now.number} ({where(now)})"
    if earlier is not None and earlier.number < now.number:
        return f"the path forks at attempt {earlier.number} ({earlier.what}) and cannot be followed at {here}"
    after = f", after attempt {now.number - 1}" if now.number else ""
    if earlier is not None:
        return f"the path forks at {here}{after}: {earlier.what}"
    return f"the path forks at {here}{after}"


def _what_is_there(source: Source, then: Attempt | None, asked: bool) -> str:
    if then is None:
        return f"the record of {source.id} ends there ({_why_ended(source)})"
    if not asked:
        return f"{then.id} asked nothing there ({where(then)})"
    if then.reply is None and then.decision is None:
        return f"{then.id} was never answered"
    return f"today's code asks another prompt than {then.id} did"


def unjudged(
    source: Source, again: Record, kernel: str, against: str | None, texts: Mapping[str, str]
) -> str:
    """Why there is no verdict on a kernel; ``texts`` gives the two campaigns' kernels by their SHA-256."""
    now, then = again.attempts[-1], source.at(again.attempts[-1].number)
    judged = [a for a in source.record.attempts if a.kernel_sha == kernel and a.evaluation]
    place = _place(source, again)
    if judged:
        timing = judged[0].evaluation.timing if judged[0].evaluation else None
        before = _owner(source.record, timing.baseline if timing else None)
        return (
            f"{place}: {source.id} has a verdict on kernel {kernel[:10]} ({judged[0].id}), timed against {before}"
            f" and not against {_owner(again, against)}, which is the best here"
        )
    said = f"{place}: {source.id} has no verdict on kernel {kernel[:10]}"
    if then is None or then.kernel_sha is None or then.kernel_sha == kernel:
        return said
    names = f"the kernel of {then.id}", f"the kernel of attempt {now.number}"
    stored, today = texts.get(then.kernel_sha, ""), texts.get(kernel, "")
    return f"{said}; the record's kernel there is another:\n{_diff(stored, today, *names)}"


def _owner(record: Record, baseline: str | None) -> str:
    """Whose kernel it is: ``abcd.3``, ``PyTorch eager``."""
    owner = next((a.id for a in record.attempts if a.kernel_sha == baseline and a.kernel_sha), None)
    return owner or (f"kernel {baseline[:10]}" if baseline and baseline != "eager" else "PyTorch eager")
