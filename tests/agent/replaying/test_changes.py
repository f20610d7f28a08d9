"""A changed template, extractor or rule, and whatever is damaged, is a difference with a sentence."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kernelwright import prompts
from kernelwright.agent.record import Failure, Record
from kernelwright.agent.replaying import again, replies
from kernelwright.agent.replaying.again import KINDS, compare
from kernelwright.agent.replaying.decisions import compare_decisions
from kernelwright.agent.replaying.difference import Comparison, Kind
from kernelwright.agent.replaying.prompts import compare_prompts
from kernelwright.agent.replaying.replies import compare_replies
from kernelwright.agent.replaying.salvage import salvage
from kernelwright.agent.replaying.steps import compare_steps
from kernelwright.agent.store import Store
from kernelwright.prompts import rendering
from kernelwright.stages import stages

sys.path.insert(0, str(Path(__file__).parent))

from worlds import Life, live

LIFE = Life(seed=0, device="cuda", samples=2, repairs=1)


@pytest.fixture
def record(store: Store) -> Record:
    """A campaign on a card with gains, failures, twins and skipped stages."""
    return live(store, LIFE)


def replayed(store: Store, record: Record) -> dict[Kind, Comparison]:
    found = compare(store, salvage(store, record.campaign.id), KINDS, lambda: None)
    return {each.kind: each for each in found}


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Today's template files, which a test may change."""
    changed = dict(rendering._sources())
    cached = (rendering._environment, rendering._template_sha, rendering._needed)
    monkeypatch.setattr(rendering, "_sources", lambda: changed)
    for each in cached:
        each.cache_clear()
    yield changed
    for each in cached:
        each.cache_clear()


def test_a_changed_template_is_named_and_shown(store: Store, record: Record, sources: dict[str, str]) -> None:
    assert replayed(store, record)["prompts"].same
    sources["_output"] = sources["_output"] + "Answer in verse. \n"
    rendering._environment.cache_clear()
    rendering._template_sha.cache_clear()
    found = replayed(store, record)
    asked = [a for a in record.attempts if a.prompt_sha]
    assert [each.attempt for each in found["prompts"].differences] == [a.id for a in asked]
    first = found["prompts"].differences[0]
    assert first.diff.endswith("+Answer in verse.·\n")
    assert f"'{asked[0].template}' has changed since ({(asked[0].template_sha or '')[:10]} then" in first.what
    assert found["replies"].same and found["decisions"].same


def test_a_changed_stage_is_named_and_shown(
    store: Store, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = stages()["block_tiling"].model_copy(update={"guidelines": ["Write it in verse."]})
    monkeypatch.setattr(again, "stages", lambda: {**stages(), "block_tiling": changed})
    found = replayed(store, record)["prompts"]
    told = [a.id for a in record.attempts if a.stage == "block_tiling" and a.prompt_sha]
    assert told and [each.attempt for each in found.differences] == told
    assert found.differences[0].what == "stage 'block_tiling' has changed since"
    assert "\n+- Write it in verse.\n" in found.differences[0].diff


def test_a_stage_that_was_changed_in_a_stored_brief_is_a_difference(store: Store, record: Record) -> None:
    name = asked(record)[0]
    store._connection.execute(
        "UPDATE attempts SET data = json_set(data, '$.brief.stage.guidelines', json('[]')) WHERE id = ?",
        (name,),
    )
    found = replayed(store, record)["prompts"]
    assert [each.attempt for each in found.differences] == [name]
    assert "what fills it in has changed" in found.differences[0].what


def test_a_brief_that_no_longer_fits_the_template_is_a_difference(
    store: Store, record: Record, sources: dict[str, str]
) -> None:
    sources["_output"] = sources["_output"] + "{{ weather.today }}\n"
    for each in (rendering._environment, rendering._template_sha, rendering._needed):
        each.cache_clear()
    first = replayed(store, record)["prompts"].differences[0]
    assert "gives no prompt today" in first.what and "weather" in first.what


def test_the_same_template_filled_otherwise_says_so(
    store: Store, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    def otherwise(template: str, data: dict[str, object]) -> prompts.Rendered:
        made = prompts.render(template, data)
        return dataclasses.replace(made, text=made.text.replace("\n", "\r\n", 1))

    monkeypatch.setattr("kernelwright.agent.replaying.prompts.render", otherwise)
    first = replayed(store, record)["prompts"].differences[0]
    assert "is the one that was used, and gives another prompt" in first.what
    assert "\r\n" in first.diff


def test_a_changed_extractor_is_named_and_shown(
    store: Store, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = replies.extract

    def changed(text: str, finish_reason: str | None) -> str | Failure:
        found = real(text, finish_reason)
        return found if isinstance(found, Failure) else found.replace("import triton\n", "import  triton\n")

    monkeypatch.setattr(replies, "extract", changed)
    found = replayed(store, record)
    kernels = [a.id for a in record.attempts if a.reply and a.kernel_sha]
    assert [each.attempt for each in found["replies"].differences] == kernels
    assert "-import triton\n+import  triton\n" in found["replies"].differences[0].diff
    assert found["prompts"].same and found["decisions"].same


def test_an_extractor_that_finds_nothing_any_more(
    store: Store, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Failure.model_validate({"kind": "no_code", "reason": "I do not look"})
    monkeypatch.setattr(replies, "extract", lambda text, finish_reason: nothing)
    found = {each.attempt: each for each in replayed(store, record)["replies"].differences}
    for attempt in record.attempts:
        if attempt.reply and attempt.kernel_sha:
            assert "no kernel is found in its reply any more (no_code)" in found[attempt.id].what
        elif attempt.failure:
            assert (
                "another reason" in found[attempt.id].what
                and attempt.failure.reason in found[attempt.id].diff
            )


def test_a_changed_rule_is_named_and_shown(
    store: Store, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    weaker = next(a for a in record.attempts if a.decision and "less robust" in a.decision.reason)
    monkeypatch.setattr("kernelwright.agent.rules.deciding._less_robust", lambda best, child: [])
    found = replayed(store, record)["decisions"]
    first = next(each for each in found.differences if each.attempt == weaker.id)
    assert weaker.decision is not None and f"-reason: {weaker.decision.reason}" in first.diff
    assert replayed(store, record)["prompts"].same


def test_a_twin_that_would_be_judged_today(
    store: Store, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = next(a for a in record.attempts if a.decision and "same kernel as" in a.decision.reason)
    monkeypatch.setattr("kernelwright.agent.rules.is_twin_of", lambda record, attempt: None)
    found = replayed(store, record)["decisions"]
    assert "have its kernel judged" in next(e.what for e in found.differences if e.attempt == twin.id)


def test_a_judged_kernel_that_would_be_deferred_today(
    store: Store, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernelwright.agent.rules.awaits_card", lambda record, attempt: True)
    first = replayed(store, record)["decisions"].differences[0]
    assert first.attempt == record.attempts[0].id and "measured in its turn" in first.diff


def test_another_number_of_rounds_is_a_fork_in_the_path(
    store: Store, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernelwright.agent.rules.steps.rounds_allowed", lambda record, stage, tried: 1)
    found = replayed(store, record)["decisions"]
    assert len(found.differences) == 1 and "another step" in found.differences[0].what
    assert "+stage algorithm finished: its round is done\n" in found.differences[0].diff


def test_a_stage_that_is_skipped_today(store: Store, record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernelwright.agent.rules.steps.skip_reason", lambda stage, best: "it is Sunday")
    diff = replayed(store, record)["decisions"].differences[0].diff
    assert "-begin: optimise" in diff and "+stage algorithm skipped: it is Sunday\n" in diff


def test_a_stage_that_no_longer_exists(store: Store, record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    left = {name: stage for name, stage in stages().items() if name != "algorithm"}
    monkeypatch.setattr(again, "stages", lambda: left)
    found = replayed(store, record)["decisions"]
    assert {each.what.partition(",")[0] for each in found.differences} == {
        "its stage 'algorithm' no longer exists"
    }


def asked(record: Record) -> list[str]:
    return [a.id for a in record.attempts if a.prompt_sha]


@pytest.mark.parametrize("damage", ["missing", "changed", "no text", "other type"])
def test_a_damaged_text_is_a_difference(store: Store, record: Record, damage: str) -> None:
    attempt = next(a for a in record.attempts if a.reply and a.kernel_sha and a.prompt_sha)
    for column in ("prompt_sha", "reply_sha", "kernel_sha"):
        _damage(store, attempt.id, column, damage)
    found = replayed(store, record)
    for kind, what in (("prompts", "its prompt cannot be read"), ("replies", "its reply cannot be read")):
        said = {each.attempt: each.what for each in found[kind].differences}  # type: ignore[index]
        assert what in said[attempt.id]
    assert found["decisions"].same


def test_a_lost_kernel_is_a_difference(store: Store, record: Record) -> None:
    attempt = next(a for a in record.attempts if a.reply and a.kernel_sha)
    _damage(store, attempt.id, "kernel_sha", "missing")
    said = {each.attempt: each.what for each in replayed(store, record)["replies"].differences}
    assert "its kernel cannot be read" in said[attempt.id] and (attempt.kernel_sha or "") in said[attempt.id]


def _damage(store: Store, attempt: str, column: str, damage: str) -> None:
    connection = store._connection
    connection.execute("PRAGMA foreign_keys = OFF")
    which = f"sha = (SELECT {column} FROM attempts WHERE id = ?)"
    values = {"changed": b"something else", "no text": b"\xff\xfe\x00", "other type": "not bytes"}
    if damage == "missing":
        connection.execute(f"DELETE FROM texts WHERE {which}", (attempt,))
    else:
        connection.execute(f"UPDATE texts SET bytes = ? WHERE {which}", (values[damage], attempt))


def test_a_brief_of_another_version_is_a_difference(store: Store, record: Record) -> None:
    name = asked(record)[0]
    store._connection.execute(
        "UPDATE attempts SET data = json_set(data, '$.brief.mood', 'sunny') WHERE id = ?", (name,)
    )
    found = replayed(store, record)
    assert [each.attempt for each in found["prompts"].differences] == [name]
    assert "brief does not fit" in found["prompts"].differences[0].what
    assert found["replies"].same and found["decisions"].same


def changed(record: Record, at: int, **changes: object) -> Record:
    attempts = list(record.attempts)
    attempts[at] = attempts[at].model_copy(update=changes)
    return record.model_copy(update={"attempts": attempts})


def test_an_attempt_without_a_decision_hides_nothing_behind_it(record: Record) -> None:
    for attempt in record.attempts:
        found = compare_steps(changed(record, attempt.number, decision=None), stages())
        assert found is not None, attempt.id
    assert (
        found.what
        == "it was never decided on, and the record goes on behind it; what follows was not compared"
    )


def test_an_attempt_under_a_strange_name_or_number_is_a_difference(record: Record) -> None:
    for number, attempt in enumerate(record.attempts):
        for changes in ({"id": f"{attempt.id}1"}, {"number": number + 1}):
            assert compare_steps(changed(record, number, **changes), stages()) is not None, changes


def test_what_a_decision_rests_on_cannot_go_missing(store: Store, record: Record) -> None:
    lost = next(a for a in record.attempts if a.reply and a.evaluation)
    bare = changed(record, lost.number, kernel_sha=None, prompt_sha=None)
    kinds = (
        compare_prompts(bare, store.text),
        compare_replies(bare, store.text),
        compare_decisions(bare, stages()),
    )
    for found in kinds:
        assert lost.id in [each.attempt for each in found.differences], found.kind


def test_nothing_is_kept_where_nothing_was_proposed(record: Record) -> None:
    empty = next(a for a in record.attempts if a.decision and not a.reply and a.prompt_sha)
    assert empty.decision is not None
    kept = empty.decision.model_copy(update={"accepted": True})
    found = compare_decisions(changed(record, empty.number, decision=kept), stages())
    assert [each.attempt for each in found.differences] == [empty.id]


def test_a_verdict_on_another_kernel_decides_nothing(record: Record) -> None:
    judged = next(a for a in record.attempts if a.evaluation)
    assert judged.evaluation is not None
    other = judged.evaluation.model_copy(update={"kernel": "0" * 64})
    found = compare_decisions(changed(record, judged.number, evaluation=other), stages())
    assert judged.id in [each.attempt for each in found.differences]


def test_an_end_that_the_rules_do_not_reach_is_a_difference(record: Record) -> None:
    campaign = record.campaign.model_copy(update={"finish_reason": "it was enough"})
    found = compare_steps(record.model_copy(update={"campaign": campaign}), stages())
    assert found is not None and "-finished: it was enough\n+finished: every stage is over\n" in found.diff
    ends = record.campaign.stage_ends[:-1]
    early = record.campaign.model_copy(update={"stage_ends": ends})
    found = compare_steps(record.model_copy(update={"campaign": early}), stages())
    assert found is not None and "-finished: every stage is over\n+stage " in found.diff


def test_another_reason_or_promise_is_a_difference_though_the_outcome_is_the_same(record: Record) -> None:
    judged = next(a for a in record.attempts if a.evaluation and a.decision)
    assert judged.decision is not None
    for changes in ({"reason": "because"}, {"broken_promises": ["the grid"]}, {"provisional": True}):
        decision = judged.decision.model_copy(update=changes)
        found = compare_decisions(changed(record, judged.number, decision=decision), stages())
        assert judged.id in [each.attempt for each in found.differences], changes
