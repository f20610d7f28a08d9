"""The campaign whose path is gone again: its replies by their prompts, its verdicts, its texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kernelwright.evaluator.evaluation import Floor
from kernelwright.evaluator.gpus import gpu
from kernelwright.evaluator.protocol import Session

from ..record import Attempt, Record
from ..rules import SET_ASIDE
from ..store import Store
from .past import moved_at, terms_of
from .path import neutral


@dataclass(frozen=True)
class Source:
    """A record that answers for models and judges."""

    record: Record
    """Up to the move, where the campaign was carried to a card."""
    texts: Mapping[str, str]
    """Every prompt and kernel of the record by its SHA-256."""
    session: Session
    """Of the device that judged; its noise floor is the record's latest."""
    moved: bool = False
    """Whether the campaign was carried to a card later."""

    @property
    def id(self) -> str:
        """The campaign's."""
        return self.record.campaign.id

    @property
    def place(self) -> str:
        """Where the verdicts are from, behind the id's name: `` on NVIDIA H200``, ``, estimated for the RTX 4090``."""
        measured = self.session.kind == "cuda"
        return (
            f" on {self.session.device}"
            if measured
            else f", estimated for the {gpu(self.session.target).title}"
        )

    @property
    def notes(self) -> list[str]:
        """What of the campaign cannot be gone through again, one sentence each."""
        number = len(self.record.attempts) - 1
        found = [
            f"{self.id} was carried to a card after {self.id}.{number}: only the way up to there is gone again"
        ]
        rounds = {terms_of(self.record, attempt).rounds for attempt in self.record.attempts}
        changed = (
            f"{self.id}'s number of rounds was changed on its way: its last one holds for the whole way here"
        )
        return (found if self.moved else []) + ([changed] if len(rounds) > 1 else [])

    @cached_property
    def _by_prompt(self) -> dict[str, list[Attempt]]:
        found: dict[str, list[Attempt]] = {}
        for attempt in self.record.attempts:
            if attempt.prompt_sha is not None and answered(attempt):
                found.setdefault(neutral(self.texts[attempt.prompt_sha], self.id), []).append(attempt)
        return found

    def answer(self, prompt: str, campaign: str, number: int, sample: int) -> Attempt | None:
        """The attempt that was asked these bytes, names of the two campaigns aside.

        Of several, the one at the same place in the path, else the first of the same sample.
        """
        asked = self._by_prompt.get(neutral(prompt, self.id, campaign), [])
        here = [attempt for attempt in asked if attempt.number == number]
        return next(iter(here + [attempt for attempt in asked if attempt.sample == sample]), None)

    def at(self, number: int) -> Attempt | None:
        """The attempt of that number."""
        return self.record.attempts[number] if number < len(self.record.attempts) else None

    def prompts(self) -> list[str]:
        """Every prompt that was answered, without the campaign's name."""
        return list(self._by_prompt)


def answered(attempt: Attempt) -> bool:
    """Whether the attempt's prompt got a reply, or the answer that there is nothing to propose."""
    nothing = attempt.decision is not None and attempt.decision.reason != SET_ASIDE
    return attempt.reply is not None or (nothing and attempt.kernel_sha is None)


def open_source(path: Path, campaign: str) -> Source:
    """Read a campaign, named by a unique prefix, of the store at that path.

    Raises `StoreError`, and ValueError for a campaign that never judged anything.
    """
    with Store.open(path, create=False, read_only=True) as store:
        whole = store.record(store.campaign_id(campaign))
        session = whole.campaign.session
        if session is None:
            raise ValueError(f"campaign {whole.campaign.id} never began to judge: there is nothing to replay")
        end = moved_at(whole)
        record = _before_the_move(whole, end) if end else whole
        shas = {sha for a in record.attempts for sha in (a.prompt_sha, a.kernel_sha) if sha}
        shas |= {seed} if (seed := record.campaign.settings.seed) else set()
        texts = {sha: store.text(sha) for sha in shas}
    return Source(record, texts, _offline(session) if end else session, moved=bool(end))


def _before_the_move(record: Record, end: int) -> Record:
    settings = record.campaign.settings.model_copy(update={"device": "offline", "remeasure": None})
    campaign = record.campaign.model_copy(update={"settings": settings, "standings": []})
    return Record(campaign=campaign, attempts=record.attempts[:end])


def _offline(session: Session) -> Session:
    """The session before the move, of which the record knows what does not depend on the card."""
    floor = Floor(device=None, target=session.floor_ms.target)
    changes = {"kind": "offline", "device": "offline", "floor_ms": floor, "noise_floor": None, "warnings": []}
    return session.model_copy(update=changes)
