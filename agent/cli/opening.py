"""Opening what commands work on: store, campaign, task, files, provider. Nothing heavy is imported early."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UsageProblem

if TYPE_CHECKING:
    from kernelwright.evaluator.protocol import DeviceKind, Evaluator
    from kernelwright.reference_kernels import Task

    from ..providers.base import Provider
    from ..record import Record, Reply, Settings
    from ..replaying.source import Source
    from ..store import Store

DEFAULT_STORE = Path(".kernelwright") / "campaigns.db"


def store_path(given: Path | None) -> Path:
    """The store that ``--store`` or KERNELWRIGHT_STORE names, else the one of the working directory."""
    return given or DEFAULT_STORE


def store_option(store: Path | None) -> str:
    """What the commands that come next need in order to find the store."""
    if store is None or str(store) == os.environ.get("KERNELWRIGHT_STORE"):
        return ""
    return f" --store {shlex.quote(str(store))}"


@contextmanager
def reading(given: Path | None) -> Iterator[Store]:
    """The store, which must exist, for reading."""
    from ..store import Store

    store = Store.open(store_path(given), create=False, read_only=True)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def writing(given: Path | None, create: bool) -> Iterator[Store]:
    """The store, made if need be."""
    from ..store import Store

    store = Store.open(store_path(given), create=create)
    try:
        yield store
    finally:
        store.close()


def could_write(given: Path | None) -> None:
    """Raise what `writing` would raise, and make nothing where no store is."""
    from ..store import StoreError

    path = store_path(given).absolute()
    if path.exists():
        with writing(given, create=False):
            return
    folder = next(parent for parent in path.parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(f"store '{path}' cannot be made: '{folder}' is no folder that may be written")


def record_of(store: Store, prefix: str) -> Record:
    """The campaign that a prefix means, as views want it: without its briefs."""
    return store.outline(store.campaign_id(prefix))


def task_path(given: str, task: Task) -> str:
    """What names the task from any working directory: a bundled name, a folder's path or a file's."""
    from kernelwright.reference_kernels import bundled

    return given if given in bundled() else str((task.file or task.folder).absolute())


def read_text(path: Path, what: str) -> str:
    """A text file; raises `UsageProblem` with what it should have been."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageProblem(f"there is no {what} '{path}': check the path") from None
    except UnicodeDecodeError:
        raise UsageProblem(f"{what} '{path}' is not UTF-8 text") from None
    except OSError as problem:
        raise UsageProblem(f"{what} '{path}' cannot be read: {problem.strerror}") from None


def provider_for(settings: Settings, campaign_id: str, store: Path) -> Provider:
    """The provider that a campaign's settings name; raises a `ProviderError` when something is missing."""
    match settings.provider:
        case "openai":
            from ..providers.choose import model_for
            from ..providers.openai import OpenAIProvider

            return OpenAIProvider(
                settings.model or model_for(None, settings.base_url, os.environ),
                base_url=settings.base_url,
                temperature=settings.temperature,
                max_completion_tokens=settings.max_completion_tokens,
            )
        case "manual":
            from ..providers.manual import ManualProvider

            return ManualProvider(store.parent / "manual" / campaign_id, model=settings.model or "manual")
        case "tuner":
            from ..providers.tuner import TunerProvider

            return TunerProvider()
        case "replay":
            return _replay(settings, campaign_id, store)
    raise UsageProblem(f"unknown provider '{settings.provider}': choose openai, manual, replay or tuner")


def evaluator_for(settings: Settings, campaign_id: str, store: Path, device: DeviceKind) -> Evaluator:
    """What judges a campaign's kernels: the evaluator of that device, or the record that is gone through again."""
    source = source_of(settings, store) if settings.recorded else None
    if source is None:
        from kernelwright.evaluator.client import open_evaluator

        return open_evaluator(device)
    from ..replaying.recorded import RecordedEvaluator

    return RecordedEvaluator(source, lambda: stored_record(store, campaign_id))


def source_of(settings: Settings, store: Path) -> Source | None:
    """The record that a campaign goes through again; None when it goes its own way."""
    if settings.replay_campaign is None:
        return None
    from ..store import StoreError

    try:
        return source_at(
            Path(settings.replay_from) if settings.replay_from else store, settings.replay_campaign
        )
    except StoreError as problem:
        raise StoreError(
            f"its replies are those of campaign {settings.replay_campaign!a}: {problem}"
        ) from problem


def source_at(store: Path, campaign: str) -> Source:
    """A record to go through again; raises `StoreError` or `UsageProblem`."""
    from ..replaying.source import open_source

    try:
        return open_source(store, campaign)
    except ValueError as problem:
        raise UsageProblem(str(problem)) from None


def stored_record(store: Path, campaign_id: str) -> Record:
    """A campaign as it is stored now."""
    with reading(store) as opened:
        return opened.record(campaign_id)


def _replay(settings: Settings, campaign_id: str, store: Path) -> Provider:
    from ..providers.replay import FolderReplayProvider, PathReplayProvider, ReplayProvider

    source = source_of(settings, store)
    if source is not None:
        return PathReplayProvider(source, lambda: stored_record(store, campaign_id), not settings.recorded)
    if settings.replay_from is None:
        raise UsageProblem(
            "the provider replay needs replies: --from CAMPAIGN, or --set provider.replay_from=FOLDER or a"
            " store's file"
        )
    path = Path(settings.replay_from)
    if path.is_dir():
        return FolderReplayProvider(path)
    replies = _stored_replies(path)

    def reply(prompt: str, sample: int) -> Reply | None:
        """That sample's, else the so many-th that any campaign got."""
        got = replies.get(prompt, [])
        return next(
            (reply for number, reply in got if number == sample),
            dict(enumerate(r for _, r in got)).get(sample),
        )

    return ReplayProvider(reply, lambda: list(replies))


def _stored_replies(path: Path) -> dict[str, list[tuple[int, Reply]]]:
    """All replies of a store, oldest first, each with its sample, by their prompts without their campaign's name."""
    from ..replaying.path import neutral

    replies: dict[str, list[tuple[int, Reply]]] = {}
    with reading(path) as store:
        for campaign in reversed(store.campaigns()):
            for attempt in store.record(campaign.id).attempts:
                if attempt.prompt_sha and attempt.reply:
                    prompt = neutral(store.text(attempt.prompt_sha), campaign.id)
                    replies.setdefault(prompt, []).append((attempt.sample, attempt.reply))
    return replies
