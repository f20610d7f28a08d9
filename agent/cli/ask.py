"""``ask``: an attempt's prompt to another model, and both outcomes side by side."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import UsageProblem
from .opening import store_option, writing
from .options import AsJson, BaseUrl, Device, Model, StoreFile
from .output import stderr

if TYPE_CHECKING:
    from kernelwright.evaluator.protocol import DeviceKind, Evaluator, Session

    from ..answer import Answer
    from ..record import Attempt, Record, Settings
    from ..store import Store
    from .steps import Steps

PROVIDERS = ("openai", "manual", "replay")


def ask(
    attempt: Annotated[
        str,
        typer.Argument(
            metavar="ATTEMPT",
            help="An attempt's id, such as abcd.3, or to read one answer its own: abcd.3@1.",
        ),
    ],
    model: Model = None,
    provider: Annotated[
        str | None,
        typer.Option("--provider", metavar="openai|manual|replay", help="Who answers.  [default: openai]"),
    ] = None,
    base_url: BaseUrl = None,
    device: Device = None,
    no_evaluate: Annotated[
        bool, typer.Option("--no-evaluate", help="Store the reply and its kernel; judge it at a later call.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE.toml", help="Defaults for the provider; flags win."),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY.PATH=VALUE", help="One configuration key; may be repeated."),
    ] = None,
    code: Annotated[bool, typer.Option("--code", help="Print one answer's kernel.")] = False,
    reply: Annotated[bool, typer.Option("--reply", help="Print one answer as it came.")] = False,
    store: StoreFile = None,
    as_json: AsJson = False,
) -> None:
    """Put an attempt's prompt, byte for byte, to another model, and set both outcomes side by side.

    The answer is stored beside the attempt and judged as the attempt was. It does not become part of the
    campaign. Without --model the answers that there are are shown. An answer that was not judged yet is judged
    at the next call, before anything is asked again.

    \b
    Examples:
      kernelwright ask abcd.3 --model MODEL
      kernelwright ask abcd.3 --model qwen --base-url http://localhost:8000/v1
      kernelwright ask abcd.3 --provider manual --model NAME
      kernelwright ask abcd.3
      kernelwright ask abcd.3@1 --code > kernel.py
    """
    from . import answers

    if model is None and provider is None:
        _only_with_a_model(base_url, device, no_evaluate, config, assignments)
        answers.read(attempt, code, reply, store, as_json)
        return
    if code or reply or "@" in attempt:
        raise UsageProblem("--code, --reply and an answer's id read what is stored: leave out --model")
    flags = {"provider.name": provider, "provider.model": model, "provider.base_url": base_url}
    option = store_option(store)
    with writing(store, create=False) as opened:
        record, found = answers.asked(opened, attempt)
        settings = _settings(record, config, assignments or [], flags)
        place = None if no_evaluate else _place(record, device)
        given = _pursue(Question(opened, record, found, settings, place), option)
        answers.compare(opened, record, found, given, as_json, option)


@dataclass(frozen=True)
class Question:
    """What is asked, of whom, and where the answer is judged."""

    store: Store
    record: Record
    attempt: Attempt
    settings: Settings
    """The campaign's, with who is to answer."""
    device: DeviceKind | None
    """None: the answer is not judged."""


def _only_with_a_model(*options: object) -> None:
    if any(options):
        raise UsageProblem("nobody is named who could answer: add --model NAME, or --provider manual")


def _settings(
    record: Record, config: Path | None, assignments: list[str], flags: dict[str, str | None]
) -> Settings:
    """The campaign's, with who is to answer; raises `UsageProblem` or `ConfigError`.

    The campaign's own address is not taken over: a store may be somebody else's, and the key would go there.
    """
    from ..config import load
    from .planning import check_base_url

    settings, wanted = record.campaign.settings, load(config, assignments, flags).provider
    name = "openai" if wanted.name == "auto" else wanted.name
    if name not in PROVIDERS:
        raise UsageProblem(f"the provider {name} answers no prompts: choose {', '.join(PROVIDERS)}")
    check_base_url(wanted.base_url)
    own = {"temperature": settings.temperature, "max_completion_tokens": settings.max_completion_tokens}
    given = {key: value for key in own if (value := getattr(wanted, key)) is not None}
    changes = {"model": wanted.model, "base_url": wanted.base_url, "replay_from": wanted.replay_from}
    return settings.model_copy(update={"provider": name, **changes, **given})


def _place(record: Record, device: str | None) -> DeviceKind:
    """Where to judge; raises what would keep the judge from it, before a reply is paid for."""
    from kernelwright.reference_kernels import load_task

    from .planning import choose_place

    load_task(record.campaign.settings.task)
    place = choose_place(device, record.campaign.settings.target)
    for line in place.lines:
        stderr().print(line, soft_wrap=True)
    return place.device


def _pursue(question: Question, option: str) -> list[Answer]:
    """Ask and judge; whatever stops it says how to go on."""
    from ..store import Answers
    from .steps import Steps
    from .stopping import stops_named

    def hint() -> str:
        return f"`{_going_on(question)}{option}` goes on"

    held = Answers(question.store).hold(question.attempt.id)
    with stops_named(hint, lambda: None), held, Steps(stderr()) as steps:
        return _judged(question, _answered(question, steps), steps)


def _going_on(question: Question) -> str:
    settings, words = question.settings, ["kernelwright", "ask", question.attempt.id]
    words += ["--provider", settings.provider] if settings.provider != "openai" else []
    words += ["--model", settings.model] if settings.model else []
    words += ["--base-url", settings.base_url] if settings.base_url else []
    words += ["--set", f"provider.replay_from={settings.replay_from}"] if settings.replay_from else []
    words += ["--device", question.device] if question.device else ["--no-evaluate"]
    return shlex.join(words)


def _answered(question: Question, steps: Steps) -> list[Answer]:
    """What a stop left unfinished of this model, else a new answer; each with its kernel or why it has none."""
    from ..answering import Answering
    from .opening import provider_for

    asking = Answering(question.store, question.record, question.attempt)
    provider = provider_for(question.settings, question.record.campaign.id, question.store.path)
    model = question.settings.model or provider.model
    answers = asking.unfinished(provider.name, model, judge=question.device is not None)
    if not answers:
        steps.step(f"waiting for {provider.name}/{model} to answer {question.attempt.id}")
        answers = [asking.ask(provider, model)]
    answers = [asking.extracted(answer) for answer in answers]
    for answer in answers:
        steps.say(f"{answer.id}: {_came(answer)}")
    return answers


def _came(answer: Answer) -> str:
    if answer.failure:
        return f"no kernel ({answer.failure.kind.value}): {answer.failure.reason}"
    return f"kernel {(answer.kernel_sha or '')[:10]} in a reply of {len(answer.reply.text):,} characters"


def _judged(question: Question, answers: list[Answer], steps: Steps) -> list[Answer]:
    from ..answering import Answering

    if question.device is None or not any(answer.open for answer in answers):
        return answers
    asking = Answering(question.store, question.record, question.attempt)
    steps.step("starting the evaluator")
    with _evaluator(question.record, question.device) as (evaluator, session):
        judged = []
        for answer in answers:
            steps.step(f"judging {answer.id}")
            judged.append(asking.judged(answer, evaluator, session, steps.phase))
        return judged


@contextmanager
def _evaluator(record: Record, device: DeviceKind) -> Iterator[tuple[Evaluator, Session]]:
    """An evaluator that is open for the campaign's task and target."""
    from kernelwright.evaluator.client import open_evaluator

    settings = record.campaign.settings
    evaluator: Evaluator = open_evaluator(device)
    try:
        yield evaluator, evaluator.open(settings.task, settings.target)
    finally:
        with suppress(OSError):  # the pipe to an evaluator that died must not hide that it died
            evaluator.close()
