from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kernelwright.agent.providers.base import ProviderMisconfigured, ReplayMiss, Request
from kernelwright.agent.providers.replay import (
    FolderReplayProvider,
    ReplayProvider,
    nearest_prompt,
    prompt_diff,
)
from kernelwright.agent.record import Reply

Make = Callable[..., Request]


def by_prompt(stored: dict[str, list[str]]) -> ReplayProvider:
    def replies(prompt: str, sample: int) -> Reply | None:
        texts = stored.get(prompt, [])
        return Reply(text=texts[sample], provider="openai", model="m") if sample < len(texts) else None

    return ReplayProvider(replies, lambda: list(stored))


def test_a_stored_prompt_gets_its_reply_unchanged(request_for: Make) -> None:
    reply = by_prompt({"a": ["one"], "b": ["two"]}).ask(request_for("b"))
    assert reply == Reply(text="two", provider="openai", model="m")


def test_samples_keep_their_order_however_often_they_are_asked(request_for: Make) -> None:
    provider = by_prompt({"a": ["first", "second"]})
    texts = [provider.ask(request_for("a", sample=sample)).text for sample in (1, 0, 1)]
    assert texts == ["second", "first", "second"]


def test_a_miss_shows_the_diff_to_the_nearest_prompt(request_for: Make) -> None:
    near = "role\nBLOCK is 1024\ntask\nrules"
    provider = by_prompt({"something else\nentirely": ["x"], near: ["y"]})
    with pytest.raises(ReplayMiss) as caught:
        provider.ask(request_for("role\nBLOCK is 2048\ntask\nrules"))
    assert "-BLOCK is 1024\n+BLOCK is 2048" in str(caught.value)
    assert "entirely" not in str(caught.value)


def test_a_missing_sample_says_so(request_for: Make) -> None:
    with pytest.raises(ReplayMiss, match="fewer than 3"):
        by_prompt({"a": ["one", "two"]}).ask(request_for("a", sample=2))


def test_an_empty_record_says_so(request_for: Make) -> None:
    with pytest.raises(ReplayMiss, match="no prompt at all"):
        by_prompt({}).ask(request_for("a"))


def test_a_diff_is_capped_in_lines_and_width() -> None:
    diff = prompt_diff("a\n" * 10, "\n".join(f"{number} " + "x" * 10_000 for number in range(1000)))
    assert len(diff.split("\n")) <= 61
    assert len(diff) < 61 * 202
    assert "more lines" in diff


def test_the_nearest_of_many_large_prompts_is_found_fast() -> None:
    stored = ["\n".join(f"line {line * (number + 2)}" for line in range(600)) for number in range(300)]
    started = time.process_time()
    assert nearest_prompt(stored[250] + "\nmore", stored) == stored[250]
    assert time.process_time() - started < 10


def test_a_folder_answers_in_the_order_of_names_with_numbers_as_numbers(
    tmp_path: Path, request_for: Make
) -> None:
    for number in (10, 9, 1):
        (tmp_path / f"abcd.{number}.reply.md").write_text(f"reply {number}")
        (tmp_path / f"abcd.{number}.prompt.md").write_text("prompt")
    (tmp_path / "notes.md").write_text("mine")
    (tmp_path / ".hidden").write_text("mine")
    texts = [FolderReplayProvider(tmp_path).ask(request_for(answered=n)).text for n in range(3)]
    assert texts == ["reply 1", "reply 9", "reply 10"]


def test_a_folder_of_plain_files_will_do(tmp_path: Path, request_for: Make) -> None:
    (tmp_path / "2.py").write_text("second")
    (tmp_path / "1.txt").write_text("first")
    reply = FolderReplayProvider(tmp_path).ask(request_for(answered=1))
    assert (reply.text, reply.provider, reply.parameters) == ("second", "replay", {"file": "2.py"})


def test_the_end_of_a_folder_is_a_miss(tmp_path: Path, request_for: Make) -> None:
    (tmp_path / "1.md").write_text("first")
    with pytest.raises(ReplayMiss, match="holds 1 replies"):
        FolderReplayProvider(tmp_path).ask(request_for(answered=1))


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProviderMisconfigured, match="nowhere"):
        FolderReplayProvider(tmp_path / "nowhere")


def test_a_file_that_is_no_text_is_named(tmp_path: Path, request_for: Make) -> None:
    (tmp_path / "1.md").write_bytes(b"\xff\xfe")
    with pytest.raises(ProviderMisconfigured, match=r"1\.md"):
        FolderReplayProvider(tmp_path).ask(request_for())
