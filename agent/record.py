"""What a campaign is made of, as it is stored: campaigns, attempts, replies, decisions. Pure data."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from kernelwright.evaluator.evaluation import Evaluation
from kernelwright.evaluator.protocol import Session, Standing
from pydantic import BaseModel, ConfigDict, Field

from .brief import Brief


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Usage(_Model):
    """Tokens of one reply, as the provider counted them; None where it did not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    @property
    def total(self) -> int:
        """All tokens that are known of."""
        return (self.prompt_tokens or 0) + (self.completion_tokens or 0)


class Reply(_Model):
    """One answer to one prompt, as it came."""

    text: str
    provider: str
    model: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    """What was asked of the API besides the prompt; never a key."""
    finish_reason: str | None = None
    usage: Usage = Field(default_factory=Usage)
    latency_s: float | None = None


class ExtractionFailure(StrEnum):
    """Why no kernel could be taken from a reply."""

    EMPTY = "empty"
    TRUNCATED = "truncated"
    NO_CODE = "no_code"
    SYNTAX_ERROR = "syntax_error"
    NO_MODEL_NEW = "no_model_new"
    NO_TRITON_KERNEL = "no_triton_kernel"


class Failure(_Model):
    """A reply that held no usable kernel."""

    kind: ExtractionFailure
    reason: str
    """One sentence, which the repair prompt repeats."""


class Decision(_Model):
    """Whether an attempt became the best, and why or why not."""

    accepted: bool
    provisional: bool = False
    """Accepted on an estimate: to be decided by a measurement."""
    reason: str
    broken_promises: list[str] = Field(default_factory=list)
    """One sentence for each promise of the stage that the launches broke."""


class Terms(_Model):
    """What a resume may change of what the rules go by, as it was when an attempt was decided."""

    device: Literal["cuda", "offline"]
    noise_floor: float | None = None
    """Of the session."""
    rounds: int | None = None
    """Of the settings."""


class AttemptKind(StrEnum):
    """What an attempt is for."""

    SEED = "seed"
    FIRST = "first"  # a first kernel from the PyTorch reference
    OPTIMISE = "optimise"
    REPAIR = "repair"
    REMEASURE = "remeasure"  # an offline find, measured later on a card


class Attempt(_Model):
    """One way through the house: brief, prompt, reply, kernel, evaluation, decision.

    Fields are filled from top to bottom; the first empty one is the next step.
    """

    id: str
    """``<campaign>.<number>``."""
    campaign: str
    number: int
    parent: str | None
    """The attempt whose kernel was shown; None for the seed."""
    kind: AttemptKind
    stage: str | None
    """None for the seed."""
    round: int = 0
    """Counts optimise attempts within the stage from 1; a repair keeps its attempt's round."""
    sample: int = 0
    """Which of several replies to one prompt, from 0."""
    mends: str | None = None
    """The failed attempt that a repair is for."""
    created: datetime
    brief: Brief | None = None
    template: str | None = None
    """Name of the template."""
    template_sha: str | None = None
    prompt_sha: str | None = None
    reply: Reply | None = None
    failure: Failure | None = None
    kernel_sha: str | None = None
    evaluation: Evaluation | None = None
    decision: Decision | None = None
    terms: Terms | None = None
    """What it was decided under; None before, and in records from before this was kept."""
    seconds: float = 0.0
    """Wall-clock seconds spent on this attempt so far, over all resumes."""

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.decision is not None


class StageEnd(_Model):
    """A stage that is over, or was never entered."""

    stage: str
    outcome: Literal["finished", "plateau", "skipped"]
    reason: str


class Budget(_Model):
    """What a campaign may use up, over all its resumes; None: no limit."""

    max_tokens: int | None = None
    max_usd: float | None = None
    max_minutes: float | None = None


class Settings(_Model):
    """Everything that was decided when the campaign began."""

    task: str
    """A bundled task's name, or the absolute path of a task folder or of a KernelBench file."""
    target: str
    device: Literal["cuda", "offline"]
    seed: str | None = None
    """SHA-256 of the seed kernel's text in the store; None until the first run, which takes the task's own."""
    provider: str
    model: str | None = None
    base_url: str | None = None
    stages: list[str]
    rounds: int | None = None
    """Overrides every stage's own number."""
    samples: int = 1
    repairs: int | None = None
    threshold: float = 0.02
    remeasure: int | None = None
    """How many offline finds a card has to decide; None: the campaign was not carried to a card."""
    usd_per_million: tuple[float, float] | None = None
    """Price of a million prompt and completion tokens, for `max_usd`."""
    replay_from: str | None = None
    """Folder or store of the replay provider."""
    replay_campaign: str | None = None
    """The campaign of that store whose path is gone again."""
    recorded: bool = False
    """Whether the verdicts are that campaign's too, and nothing is judged."""
    temperature: float | None = None
    max_completion_tokens: int | None = None

    @property
    def verdicts_of(self) -> str | None:
        """The campaign whose verdicts these are; None where the kernels were judged for this one."""
        return self.replay_campaign if self.recorded else None


class CampaignStatus(StrEnum):
    """Where a campaign stands."""

    RUNNING = "running"
    WAITING = "waiting"  # for a manual reply
    PAUSED = "paused"  # API, budget, unhealthy card, or interrupted
    FINISHED = "finished"


class Campaign(_Model):
    """A task, a target, a plan of stages, a provider, a budget."""

    id: str
    created: datetime
    settings: Settings
    budget: Budget
    status: CampaignStatus = CampaignStatus.RUNNING
    pause_reason: str | None = None
    finish_reason: str | None = None
    """Why it is over, once it is."""
    session: Session | None = None
    """The device of the latest run or resume."""
    stage_ends: list[StageEnd] = Field(default_factory=list)
    standings: list[Standing] = Field(default_factory=list)
    """The final head-to-head: eager, compile, seed, best."""
    seconds: float = 0.0
    """Wall-clock seconds used, over all resumes."""
    imported: int | None = None
    """How many attempts came from a file, with verdicts that nobody here has seen; None: it began here."""

    def is_imported(self, attempt: Attempt) -> bool:
        """Whether an attempt is as a file told it."""
        return self.imported is not None and attempt.number < self.imported


class Record(_Model):
    """A campaign with all its attempts, in order: what the rules and the views work on."""

    campaign: Campaign
    attempts: list[Attempt]

    def attempt(self, attempt_id: str) -> Attempt:
        """The attempt of that id; raises KeyError."""
        for candidate in self.attempts:
            if candidate.id == attempt_id:
                return candidate
        raise KeyError(attempt_id)

    @property
    def best(self) -> Attempt | None:
        """The latest accepted attempt, or None before the seed passed."""
        return next((a for a in reversed(self.attempts) if a.decision and a.decision.accepted), None)

    @property
    def tokens(self) -> int:
        """All tokens that the campaign's replies cost."""
        return sum(a.reply.usage.total for a in self.attempts if a.reply)
