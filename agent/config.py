"""What a campaign can be told: one model, filled from a TOML file, ``--set`` and flags, in that order of weakness."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

SECRETS = ("provider.key", "provider.token", "provider.openai_api_key")
"""Refused by name, besides every ``api_key``, since a key in a file or a command line is soon read by others."""


class ConfigError(ValueError):
    """The configuration is not one; the message names the key and the nearest one that exists."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CampaignConfig(_Section):
    """``[campaign]``: what is optimised, for what, in which stages."""

    device: Literal["auto", "cuda", "offline"] = "auto"
    """Where kernels are judged; ``auto``: on the card if there is one."""
    target: str = "auto"
    """The card that the kernel is made for; ``auto``: the one that is there, else rtx-4090."""
    stages: list[str] = Field(default_factory=list)
    """Names of stages in their order; empty: the whole plan."""
    rounds: int | None = Field(default=None, ge=1)
    """Optimise attempts per stage; None: each stage's own number."""
    samples: int = Field(default=1, ge=1)
    """Replies asked for per prompt."""
    repairs: int | None = Field(default=None, ge=0)
    """Repairs of one failed attempt; None: each stage's own number."""
    threshold: float = Field(default=0.02, ge=0, lt=1)
    """Relative gain below which a faster kernel is not kept."""


class ProviderConfig(_Section):
    """``[provider]``: where replies come from. Keys belong in the environment and are refused here."""

    name: Literal["auto", "openai", "manual", "replay", "tuner"] = "auto"
    """``auto``: openai when a key or a base URL is there, else tuner."""
    model: str | None = None
    """The model's name as the API knows it."""
    base_url: str | None = None
    """Of an OpenAI-compatible API."""
    temperature: float | None = Field(default=None, ge=0)
    """None: the API's own."""
    max_completion_tokens: int | None = Field(default=None, ge=1)
    """Length at which a reply is cut off; None: the API's own."""
    usd_per_million: tuple[float, float] | None = None
    """Price of a million prompt and completion tokens; ``max_usd`` needs it."""
    replay_from: str | None = None
    """Folder or store that the replay provider answers from."""
    replay_campaign: str | None = None
    """The one campaign of that store, or of the campaign's own, whose path is gone again."""


class BudgetConfig(_Section):
    """``[budget]``: what a campaign may use up over all its resumes; None: no limit."""

    max_tokens: int | None = Field(default=None, ge=1)
    max_usd: float | None = Field(default=None, gt=0)
    max_minutes: float | None = Field(default=None, gt=0)


class Config(_Section):
    """The whole configuration."""

    campaign: CampaignConfig = Field(default_factory=CampaignConfig)
    provider: ProviderConfig = Field(default_factory=ProviderConfig)
    budget: BudgetConfig = Field(default_factory=BudgetConfig)


def keys() -> list[str]:
    """Every key that can be set: ``campaign.target``, ``budget.max_tokens``, …"""
    sections = {name: field.default_factory for name, field in Config.model_fields.items()}
    return [f"{section}.{key}" for section, model in sections.items() for key in model.model_fields]  # type: ignore[union-attr]


def load(file: Path | None, assignments: Iterable[str], flags: Mapping[str, Any]) -> Config:
    """File, then ``key.path=value`` assignments, then flags that are not None; raises `ConfigError`."""
    values = _read(file) if file else {}
    for assignment in assignments:
        key, value = _parse(assignment)
        _put(values, key, value)
    for key, value in flags.items():
        if value is not None:
            _put(values, key, value)
    try:
        return Config.model_validate(values)
    except ValidationError as problem:
        raise ConfigError(_sentence(problem, file)) from None


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ConfigError(f"configuration '{file}' cannot be read: {problem.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError(f"configuration '{file}' is not TOML: {problem}") from None


def _parse(assignment: str) -> tuple[str, Any]:
    key, sign, text = assignment.partition("=")
    if not sign or not key.strip():
        raise ConfigError(
            f"--set wants key.path=value and got '{assignment}', for example budget.max_minutes=30"
        )
    try:
        return key.strip(), tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), text.strip()  # a bare word is a string


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    section, _, name = key.partition(".")
    if not name:
        raise ConfigError(_unknown(key))
    inner = values.setdefault(section, {})
    if not isinstance(inner, dict):
        raise ConfigError(f"configuration key '{section}' is a section: write [{section}] above its keys")
    inner[name] = value


def _unknown(key: str) -> str:
    known = keys()
    ends = {name.rpartition(".")[2]: name for name in known}
    near = difflib.get_close_matches(key, known, 1, 0.6) or [
        ends[name] for name in difflib.get_close_matches(key.rpartition(".")[2], list(ends), 1, 0.6)
    ]
    hint = f"did you mean '{near[0]}'?" if near else f"choose from {', '.join(known)}"
    return f"unknown configuration key '{key}': {hint}"


def _sentence(problem: ValidationError, file: Path | None) -> str:
    first = problem.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    got = first.get("input")
    if first["type"] == "extra_forbidden":
        if isinstance(got, dict) and got:
            key = f"{key}.{next(iter(got))}"  # an unknown section: its first key says what was meant
        if key in SECRETS or key.endswith(".api_key"):
            return (
                f"configuration key '{key}' is refused: keys belong in the environment, export OPENAI_API_KEY"
            )
        return _unknown(key)
    shown = "" if isinstance(got, dict | list) else f" and got {got!r}"
    return f"configuration key '{key}' is wrong: {first['msg'][:1].lower()}{first['msg'][1:]}{shown}"
