"""The long texts: packed without loss, cut where they have no end, never in the way of a page."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from kernelwright.agent.record import Record
from kernelwright.agent.report import texts
from kernelwright.agent.report.texts import key_of, long_texts, pack, shown, unpack
from sample_campaigns import SEED, offline_record, sha

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(TEXT, max_size=20))
def test_every_packed_text_comes_back(found: list[str]) -> None:
    packed = pack((str(place), text) for place, text in enumerate(found))
    assert [unpack(packed, str(place)) for place in range(len(found))] == found


def test_many_texts_lie_in_blocks_that_are_opened_one_by_one() -> None:
    packed = pack((str(n), f"{n} {'x' * 100_000}") for n in range(20))
    assert len(packed.blocks) == 4
    assert unpack(packed, "13").startswith("13 x")


@given(st.text())
def test_a_shown_text_can_always_be_encoded_and_packed(text: str) -> None:
    packed = pack([("k", shown(text))])
    assert unpack(packed, "k") == shown(text)


def test_a_lone_surrogate_is_made_visible() -> None:
    assert shown("a\ud800b") == r"a\ud800b"


def test_a_text_without_an_end_is_cut_and_says_so() -> None:
    text = shown("y" * (texts.LONGEST + 5))
    assert len(text) < texts.LONGEST + 100 and text.endswith("cut here: 5 more characters are in the store")


def test_an_endless_kernel_does_not_keep_the_page_waiting() -> None:
    record = offline_record()
    endless = "\n".join(str(n % 7) for n in range(100_000))
    stored = {sha(SEED): endless}
    made = long_texts(record, lambda name: stored.get(name, "x = 1\n"))
    assert "too long to compare" in [make() for make in made.values()]


def test_equal_texts_are_kept_once() -> None:
    record = offline_record()
    twice = Record(campaign=record.campaign, attempts=[record.attempts[1], record.attempts[4]])
    prompts = [
        key for key in long_texts(twice, lambda name: "") if key == key_of("prompt", sha("the prompt\n"))
    ]
    assert len(prompts) == 1


@given(st.lists(st.text() | st.none(), max_size=4), st.lists(st.text() | st.none(), max_size=4))
def test_keys_name_what_they_were_made_from(one: list[str | None], other: list[str | None]) -> None:
    assert (key_of(*one) == key_of(*other)) == (one == other)
    assert key_of(*one).isalnum()
