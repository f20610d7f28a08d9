"""``ask``: an attempt's prompt to another model, and both outcomes side by side."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import UsageProblem
from .opening import reading, store_option, writing
from .options import AsJson, BaseUrl, Device, Model, StoreFile
from .output import show, show_json, show_text, stderr

if TYPE_CHECKING:
    from kernelwright.evaluator.protocol import Evaluator, Session

    from ..answer import Answer
    from ..answering import Answering
    from ..record import Attempt, Record, Settings
    from ..store import Store
    from .planning import DeviceKind
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
    if model is None and provider is None:
        _only_with_a_model(base_url, device, no_evaluate, config, assignments)
        _read(attempt, code, reply, store, as_json)
        return
    if code or reply or "@" in attempt:
        raise UsageProblem("--code, --reply and an answer's id read what is stored: leave out --model")
    flags = {"provider.name": provider, "provider.model": model, "provider.base_url": base_url}
    with writing(store, create=False) as opened:
        record, found = _asked(opened, attempt)
        settings = _settings(record, config, assignments or [], flags)
        place = None if no_evaluate else _place(record, device)
        _pursue(opened, record, found, settings, place, as_json, store_option(store))


def _only_with_a_model(*options: object) -> None:
    if any(options):
        raise UsageProblem("nobody is named who could answer: add --model NAME, or --provider manual")


def _asked(store: Store, prefix: str) -> tuple[Record, Attempt]:
    """The attempt that a prefix means, which must have asked something, in its record."""
    record, attempt = _found(store, prefix)
    if attempt.prompt_sha is None or attempt.stage is None:
        raise UsageProblem(
            f"attempt {attempt.id} asked nothing ({attempt.kind.value}): name one that has a prompt, "
            f"`kernelwright tree {record.campaign.id}` shows them"
        )
    return record, attempt


def _found(store: Store, prefix: str) -> tuple[Record, Attempt]:
    name = store.attempt_id(prefix)
    record = store.record(name.partition(".")[0])
    return record, record.attempt(name)


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


def _pursue(
    store: Store,
    record: Record,
    attempt: Attempt,
    settings: Settings,
    device: DeviceKind | None,
    as_json: bool,
    option: str,
) -> None:
    """Ask, judge and compare; whatever stops it says how to go on."""
    from .steps import Steps
    from .stopping import stops_named

    def hint() -> str:
        return f"`{_going_on(attempt, settings, device, option)}` goes on"

    with stops_named(hint, lambda: None), store.hold_answers(attempt.id), Steps(stderr()) as steps:
        answers = _answers(store, record, attempt, settings, device, steps)
    _compare(store, record, attempt, answers, as_json, option)


def _going_on(attempt: Attempt, settings: Settings, device: DeviceKind | None, option: str) -> str:
    words = ["kernelwright", "ask", attempt.id]
    words += ["--provider", settings.provider] if settings.provider != "openai" else []
    words += ["--model", settings.model] if settings.model else []
    words += ["--base-url", settings.base_url] if settings.base_url else []
    words += ["--set", f"provider.replay_from={settings.replay_from}"] if settings.replay_from else []
    words += ["--device", device] if device else ["--no-evaluate"]
    return shlex.join(words) + option


def _answers(
    store: Store,
    record: Record,
    attempt: Attempt,
    settings: Settings,
    device: DeviceKind | None,
    steps: Steps,
) -> list[Answer]:
    """What a stop left unfinished of this model, else a new answer; each as far as it can come."""
    from ..answering import Answering
    from .opening import provider_for

    asking = Answering(store, record, attempt)
    provider = provider_for(settings, record.campaign.id, store.path)
    model = settings.model or provider.model
    answers = asking.unfinished(provider.name, model, judge=device is not None)
    if not answers:
        steps.step(f"waiting for {provider.name}/{model} to answer {attempt.id}")
        answers = [asking.ask(provider, model)]
    answers = [asking.extracted(answer) for answer in answers]
    for answer in answers:
        steps.say(f"{answer.id}: {_came(answer)}")
    if device is None or not any(answer.open for answer in answers):
        return answers
    steps.step("starting the evaluator")
    with _evaluator(record, device) as (evaluator, session):
        return [_judged(asking, answer, evaluator, session, steps) for answer in answers]


def _came(answer: Answer) -> str:
    if answer.failure:
        return f"no kernel ({answer.failure.kind.value}): {answer.failure.reason}"
    return f"kernel {(answer.kernel_sha or '')[:10]} in a reply of {len(answer.reply.text):,} characters"


def _judged(
    asking: Answering, answer: Answer, evaluator: Evaluator, session: Session, steps: Steps
) -> Answer:
    if answer.kernel_sha:
        steps.step(f"judging {answer.id}")
    return asking.judged(answer, evaluator, session, steps.phase)


@contextmanager
def _evaluator(record: Record, device: DeviceKind) -> Iterator[tuple[Evaluator, Session]]:
    """An evaluator that is open for the campaign's task and target."""
    from kernelwright.evaluator.client import open_evaluator

    evaluator: Evaluator = open_evaluator(device)
    try:
        yield evaluator, evaluator.open(record.campaign.settings.task, record.campaign.settings.target)
    finally:
        with suppress(OSError):  # the pipe to an evaluator that died must not hide that it died
            evaluator.close()


def _compare(
    store: Store, record: Record, attempt: Attempt, answers: list[Answer], as_json: bool, option: str
) -> None:
    from ..views.answers import side_by_side
    from ..views.sides import answer_side, answers_json, attempt_side

    own = attempt_side(record, attempt, store.text, option)
    sides = [answer_side(record, attempt, answer, store.text, option) for answer in answers]
    if as_json:
        show_json(answers_json(own, sides))
    else:
        show(side_by_side(own, sides, record))


def _read(name: str, code: bool, reply: bool, store: Path | None, as_json: bool) -> None:
    with reading(store) as opened:
        if "@" in name:
            _read_one(opened, opened.answer(name), code, reply, as_json, store_option(store))
        elif code or reply:
            raise UsageProblem(f"name one answer, such as {name}@1: `kernelwright ask {name}` shows all")
        else:
            _list(opened, name, as_json, store_option(store))


def _read_one(store: Store, answer: Answer, code: bool, reply: bool, as_json: bool, option: str) -> None:
    if code + reply + as_json > 1:
        raise UsageProblem("choose one of --code, --reply and --json")
    if code:
        show_text(kernel_of(store, answer), "python")
    elif reply:
        show_text(answer.reply.text)
    elif as_json:
        show_json(answer.model_dump(mode="json", by_alias=True))
    else:
        _compare(store, *_found(store, answer.attempt), [answer], as_json, option)


def kernel_of(store: Store, answer: Answer) -> str:
    """The source that an answer holds; raises `UsageProblem` with why there is none."""
    if answer.kernel_sha is None:
        why = f"{answer.failure.kind.value}: {answer.failure.reason}" if answer.failure else "not read yet"
        raise UsageProblem(f"answer {answer.id} has no kernel ({why}): --reply prints what it says")
    return store.text(answer.kernel_sha)


def _list(store: Store, name: str, as_json: bool, option: str) -> None:
    from ..views.answers import listing
    from ..views.sides import answer_side, answers_json, attempt_side

    record, attempt = _asked(store, name)
    own = attempt_side(record, attempt, store.text, option)
    found = store.answers(attempt.id)
    sides = [answer_side(record, attempt, answer, store.text, option) for answer in found]
    if as_json:
        show_json(answers_json(own, sides))
    elif sides:
        show(listing(own, sides, record))
    else:
        show(f"no other model was asked yet: `kernelwright ask {attempt.id} --model NAME{option}` asks one")
