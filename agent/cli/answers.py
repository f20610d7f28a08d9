"""Answers that there are: beside their attempt, in a list, or one artefact of one of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UsageProblem
from .opening import reading, store_option
from .output import show, show_json, show_text

if TYPE_CHECKING:
    from ..answer import Answer
    from ..record import Attempt, Record
    from ..store import Store
    from ..views.sides import Side


def read(name: str, code: bool, reply: bool, store: Path | None, as_json: bool) -> None:
    """Show all answers to an attempt, or one answer when the name is one's; raises `UsageProblem`."""
    from ..store import Answers

    option = store_option(store)
    with reading(store) as opened:
        if "@" in name:
            read_one(opened, Answers(opened).get(name), code, reply, as_json, option)
        elif code or reply:
            raise UsageProblem(f"name one answer, such as {name}@1: `kernelwright ask {name}` shows all")
        else:
            _list(opened, name, as_json, option)


def read_one(store: Store, answer: Answer, code: bool, reply: bool, as_json: bool, option: str) -> None:
    """Show one answer beside its attempt, or one artefact of it, or with JSON the whole of it."""
    if code + reply + as_json > 1:
        raise UsageProblem("choose one of --code, --reply and --json")
    if code:
        show_text(_kernel(store, answer), "python")
    elif reply:
        show_text(answer.reply.text)
    elif as_json:
        show_json(answer.model_dump(mode="json", by_alias=True))
    else:
        compare(store, *_found(store, answer.attempt), [answer], False, option)


def compare(
    store: Store, record: Record, attempt: Attempt, answers: list[Answer], as_json: bool, option: str
) -> None:
    """Show the attempt and these answers side by side."""
    from ..views.answers import side_by_side
    from ..views.sides import answers_json

    own, sides = _sides(store, record, attempt, answers, option)
    if as_json:
        show_json(answers_json(own, sides))
    else:
        show(side_by_side(own, sides, record))


def asked(store: Store, prefix: str) -> tuple[Record, Attempt]:
    """The attempt that a prefix means, with its record in outline; raises `UsageProblem` for one that asked nothing."""
    record, attempt = _found(store, prefix)
    if attempt.prompt_sha is None or attempt.stage is None:
        raise UsageProblem(
            f"attempt {attempt.id} asked nothing ({attempt.kind.value}): name one that has a prompt, "
            f"`kernelwright tree {record.campaign.id}` shows them"
        )
    return record, attempt


def _found(store: Store, prefix: str) -> tuple[Record, Attempt]:
    name = store.attempt_id(prefix)
    return store.outline(name.partition(".")[0]), store.attempt(name)


def _list(store: Store, name: str, as_json: bool, option: str) -> None:
    from ..store import Answers
    from ..views.answers import listing
    from ..views.sides import answers_json

    record, attempt = asked(store, name)
    own, sides = _sides(store, record, attempt, Answers(store).of(attempt.id), option)
    if as_json:
        show_json(answers_json(own, sides))
    elif sides:
        show(listing(own, sides, record))
    else:
        show(f"no other model was asked yet: `kernelwright ask {attempt.id} --model NAME{option}` asks one")


def _sides(
    store: Store, record: Record, attempt: Attempt, answers: list[Answer], option: str
) -> tuple[Side, list[Side]]:
    from ..views.sides import answer_side, attempt_side

    own = attempt_side(record, attempt, store.text, option)
    return own, [answer_side(record, attempt, answer, store.text, option) for answer in answers]


def _kernel(store: Store, answer: Answer) -> str:
    """The source that an answer holds; raises `UsageProblem` with why there is none."""
    if answer.kernel_sha is None:
        why = f"{answer.failure.kind.value}: {answer.failure.reason}" if answer.failure else "not read yet"
        raise UsageProblem(f"answer {answer.id} has no kernel ({why}): --reply prints what it says")
    return store.text(answer.kernel_sha)
