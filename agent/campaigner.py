"""One process's run of a campaign: does what the rules say is next, and stores it before the next step."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime

from kernelwright.evaluator.gpus import gpu
from kernelwright.evaluator.protocol import Evaluator, Session
from kernelwright.reference_kernels.task import load_task
from kernelwright.stages import stages

from . import judging, rules
from .asking import Asking
from .providers.base import NothingToPropose, Provider, WaitingForReply
from .record import Attempt, AttemptKind, Campaign, CampaignStatus, Decision, Failure, Record, Terms
from .replies import extract
from .rules import Field
from .store import Store
from .watcher import Watcher

HEARTBEAT_S = 5.0
"""Within one long step the seconds used so far are stored this often, at the next change of phase."""


class CampaignPaused(Exception):
    """The campaign stopped and can be resumed (exit 5; 130 when it was interrupted)."""

    def __init__(self, reason: str, interrupted: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.interrupted = interrupted


class Campaigner:
    """Holds the record of one campaign and takes it a step further at a time.

    Nothing is known here that is not stored: `record` is what `Store.record` would give.
    """

    def __init__(
        self, store: Store, campaign_id: str, evaluator: Evaluator, provider: Provider, watcher: Watcher
    ) -> None:
        self._store = store
        self._evaluator = evaluator
        self._provider = provider
        self._watcher = watcher
        self.record = store.record(campaign_id)
        self._task = load_task(self.campaign.settings.task)
        self._gpu = gpu(self.campaign.settings.target)
        self._stored_at = time.monotonic()
        self._thread = threading.get_ident()
        self._announced: set[str] = set()
        self._noise_known = False

    @property
    def campaign(self) -> Campaign:
        """The campaign as it is stored."""
        return self.record.campaign

    @property
    def over(self) -> bool:
        """Whether the campaign was finished before, and nothing was added to do since."""
        finished = self.campaign.status is CampaignStatus.FINISHED
        return finished and isinstance(rules.next_step(self.record, stages()), rules.EndCampaign)

    def open(self) -> None:
        """Start the evaluator's session and store it; takes the task's own seed on the first run."""
        settings = self.campaign.settings
        session = self._evaluator.open(settings.task, settings.target)
        if settings.seed is None and not self.record.attempts and self._task.seed:
            seed = self._store.put_text(self._task.seed.read_text(encoding="utf-8"))
            settings = settings.model_copy(update={"seed": seed})
        self._save_campaign(session=session, settings=settings)
        self._settle_before_the_move()
        self._save_campaign(status=CampaignStatus.RUNNING, pause_reason=None, finish_reason=None)
        self._watcher.session(self.campaign, session)

    def run(self) -> Record:
        """Take every step that is left; raises `CampaignPaused` when the budget is used up."""
        while True:
            self._save_campaign()
            step = rules.next_step(self.record, stages())
            match step:
                case rules.Begin():
                    self._begin(step)
                case rules.Advance():
                    self._advance(self.record.attempt(step.attempt), step.field)
                case rules.EndStage():
                    self._save_campaign(stage_ends=[*self.campaign.stage_ends, step.end])
                    self._watcher.stage_ended(step.end)
                case rules.Pause():
                    raise CampaignPaused(step.reason)
                case rules.EndCampaign():
                    return self._finish(step.reason)

    def stop(self, status: CampaignStatus, reason: str) -> None:
        """Store why the campaign is not going on."""
        self._save_campaign(status=status, pause_reason=reason)

    def take_back_question(self) -> None:
        """Forget a prompt that got no reply, so that a resume asks what it would ask then."""
        attempt = next((a for a in self.record.attempts if not a.done), None)
        if attempt is not None and attempt.prompt_sha and attempt.reply is None:
            nothing = dict.fromkeys(("brief", "template", "template_sha", "prompt_sha"))
            self._save_attempt(attempt.model_copy(update=nothing))

    def _begin(self, step: rules.Begin) -> None:
        number = len(self.record.attempts)
        attempt = Attempt(
            id=f"{self.campaign.id}.{number}",
            campaign=self.campaign.id,
            number=number,
            parent=step.parent,
            kind=step.kind,
            stage=step.stage,
            round=step.round,
            sample=step.sample,
            mends=step.mends,
            kernel_sha=step.kernel_sha,
            created=datetime.now(UTC),
        )
        self._store.save_attempt(attempt)
        self.record.attempts.append(attempt)

    def _advance(self, attempt: Attempt, field: Field) -> None:
        self._announce(attempt)
        began = time.monotonic()
        changes = self._fill(attempt, field)
        seconds = attempt.seconds + time.monotonic() - began
        self._save_attempt(attempt.model_copy(update={**changes, "seconds": seconds}))

    def _announce(self, attempt: Attempt) -> None:
        in_stage = attempt.stage and attempt.kind is not AttemptKind.REMEASURE
        if in_stage and attempt.stage and attempt.stage not in self._announced:
            self._announced.add(attempt.stage)
            self._watcher.stage_started(stages()[attempt.stage])
        if attempt.id not in self._announced:
            self._announced.add(attempt.id)
            self._watcher.attempt_started(attempt)

    def _fill(self, attempt: Attempt, field: Field) -> dict[str, object]:
        """The fields that one step adds to an attempt."""
        match field:
            case Field.BRIEF:
                return {"brief": self._asking.brief(attempt)}
            case Field.PROMPT:
                return self._asking.prompt(attempt)
            case Field.REPLY:
                return self._reply(attempt)
            case Field.KERNEL:
                return self._kernel(attempt)
            case Field.EVALUATION:
                return self._evaluation(attempt)
            case Field.DECISION:
                return {"decision": judging.decision(self.record, self._session, attempt)}

    @property
    def _asking(self) -> Asking:
        return Asking(self._store, self.record, self._session, self._task, self._gpu)

    @property
    def _session(self) -> Session:
        if self.campaign.session is None:
            raise RuntimeError("the evaluator's session was not opened")
        return self.campaign.session

    @property
    def _terms(self) -> Terms:
        settings = self.campaign.settings
        return Terms(device=settings.device, noise_floor=self._session.noise_floor, rounds=settings.rounds)

    def _reply(self, attempt: Attempt) -> dict[str, object]:
        self._watcher.phase(f"waiting for {self._provider.model or self._provider.name}")
        try:
            return {"reply": self._provider.ask(self._asking.request(attempt))}
        except NothingToPropose as nothing:
            return {"decision": Decision(accepted=False, reason=str(nothing))}

    def _kernel(self, attempt: Attempt) -> dict[str, object]:
        if attempt.reply is None:
            raise ValueError(f"attempt {attempt.id} has no reply to take a kernel from")
        found = extract(attempt.reply.text, attempt.reply.finish_reason)
        if isinstance(found, Failure):
            return {"failure": found}
        return {"kernel_sha": self._store.put_text(found)}

    def _evaluation(self, attempt: Attempt) -> dict[str, object]:
        known = judging.without_evaluation(self.record, attempt)
        if known is not None:
            return {"decision": known}
        self._measure_noise(rules.best(self.record))
        job = judging.job(self.record, self._session, self._store.text, attempt)
        return {"evaluation": self._evaluator.evaluate(job, self._phase)}

    def _measure_noise(self, best: Attempt | None) -> None:
        """Once per session, as soon as there is a kernel whose two copies can be compared."""
        if self._noise_known or best is None or self._session.kind != "cuda":
            return
        self._watcher.phase("measuring this card's noise")
        task = self.campaign.settings.task
        floor = self._evaluator.noise_floor(task, judging.source(self._store.text, best), self._phase)
        self._noise_known = True
        warnings = self._session.warnings
        if floor is None:
            warnings = [
                *warnings,
                "no A/A noise floor could be measured: gains are held to the threshold alone",
            ]
        self._save_campaign(
            session=self._session.model_copy(update={"noise_floor": floor, "warnings": warnings})
        )

    def _settle_before_the_move(self) -> None:
        """Before a card measures what was found offline: take a reply that is there, or give up waiting.

        A prompt that was made from estimates is not asked any more, unless somebody holds it already.
        """
        attempt = next((a for a in self.record.attempts if not a.done), None)
        if attempt is None or not rules.has_estimates_to_decide(self.record):
            return
        field = rules.first_empty(attempt)
        if field not in (Field.BRIEF, Field.PROMPT, Field.REPLY):
            return
        changes: dict[str, object] = {"decision": Decision(accepted=False, reason=rules.SET_ASIDE)}
        if self.campaign.status is CampaignStatus.WAITING and field is Field.REPLY:
            with suppress(WaitingForReply):
                changes = self._reply(attempt)
        self._save_attempt(attempt.model_copy(update=changes))

    def _finish(self, reason: str) -> Record:
        contenders = judging.contenders(self.record, self._session, self._store.text)
        standings = self._evaluator.compare(self.campaign.settings.task, contenders, self._phase)
        self._save_campaign(
            standings=standings, status=CampaignStatus.FINISHED, pause_reason=None, finish_reason=reason
        )
        self._watcher.finished(self.record)
        return self.record

    def _phase(self, text: str) -> None:
        self._watcher.phase(text)
        own_thread = threading.get_ident() == self._thread
        if own_thread and time.monotonic() - self._stored_at > HEARTBEAT_S:
            self._save_campaign()

    def _save_campaign(self, **changes: object) -> None:
        now = time.monotonic()
        seconds = self.campaign.seconds + now - self._stored_at
        campaign = self.campaign.model_copy(update={**changes, "seconds": seconds})
        self._store.save_campaign(campaign)
        self._stored_at = now
        self.record.campaign = campaign

    def _save_attempt(self, attempt: Attempt) -> None:
        if attempt.done:
            attempt = attempt.model_copy(update={"terms": self._terms})
        self._store.save_attempt(attempt)
        self.record.attempts[attempt.number] = attempt
        if attempt.done:
            self._watcher.attempt_done(attempt, self.record)
