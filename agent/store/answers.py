"""`Answers`: what other models said to the prompts of a store's attempts."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime

from kernelwright.evaluator.phases import sha256_of

from ..answer import Answer
from ..record import Attempt, Reply
from . import mapping
from .errors import StoreError
from .hold import held
from .store import Store, put

_SAVE = """
    INSERT INTO answers (id, attempt, number, prompt_sha, reply_sha, kernel_sha, data)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET kernel_sha = excluded.kernel_sha, data = excluded.data
"""


class Answers:
    """The answers of one store. Whatever a method stored is on the disk when it returns."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def hold(self, attempt_id: str) -> AbstractContextManager[None]:
        """Be the only process that asks about this attempt; raises `CampaignHeld` with who does already."""
        return held(self._store.path, f"{attempt_id}.answers", f"attempt {attempt_id}")

    def new(self, attempt: Attempt, provider: str, model: str, reply: Reply) -> Answer:
        """Store what a model said to an attempt's prompt, under the attempt's next number."""
        if attempt.prompt_sha is None:
            raise ValueError(f"attempt {attempt.id} has no prompt that could be answered")
        with self._store._writing() as connection:
            highest = "SELECT coalesce(max(number), 0) FROM answers WHERE attempt = ?"
            number = connection.execute(highest, (attempt.id,)).fetchone()[0] + 1
            answer = Answer(
                id=f"{attempt.id}@{number}",
                attempt=attempt.id,
                number=number,
                created=datetime.now(UTC),
                provider=provider,
                model=model,
                prompt_sha=attempt.prompt_sha,
                reply=reply,
            )
            put(connection, reply.text)
            connection.execute(_SAVE, _row(answer))
        return answer

    def save(self, answer: Answer) -> None:
        """Store an answer as it is now, with its reply's text, in one transaction."""
        with self._store._writing() as connection:
            put(connection, answer.reply.text)
            connection.execute(_SAVE, _row(answer))

    def of(self, attempt_id: str) -> list[Answer]:
        """What other models said to an attempt's prompt, oldest first."""
        rows = self._store._rows(
            "SELECT a.data, t.bytes FROM answers a LEFT JOIN texts t ON t.sha = a.reply_sha "
            "WHERE a.attempt = ? ORDER BY a.number",
            attempt_id,
        )
        return [mapping.replied_from_json(Answer, data, reply) for data, reply in rows]

    def get(self, name: str) -> Answer:
        """The answer of an id such as ``abcd.3@1`` or ``ab.3@1``; raises `StoreError`."""
        prefix, _, number = name.partition("@")
        attempt = self._store.attempt_id(prefix)
        for answer in self.of(attempt):
            if answer.id == f"{attempt}@{number}":
                return answer
        raise StoreError(f"there is no answer '{name}': `kernelwright ask {attempt}` shows what there is")


def _row(answer: Answer) -> tuple[str | int | None, ...]:
    reply_sha = sha256_of(answer.reply.text)
    names = (answer.id, answer.attempt, answer.number, answer.prompt_sha, reply_sha, answer.kernel_sha)
    return *names, mapping.replied_to_json(answer)
