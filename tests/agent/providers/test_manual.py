from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from kernelwright.agent.providers.base import ProviderMisconfigured, Request, WaitingForReply
from kernelwright.agent.providers.manual import MAX_REPLY_BYTES, ManualProvider

Make = Callable[..., Request]


def test_the_prompt_is_written_and_both_files_are_named(tmp_path: Path, request_for: Make) -> None:
    folder = tmp_path / "new" / "manual"
    with pytest.raises(WaitingForReply) as caught:
        ManualProvider(folder).ask(request_for("Faster, é.\n"))
    prompt = folder / "abcd.3.prompt.md"
    assert prompt.read_bytes() == "Faster, é.\n".encode()
    assert str(prompt) in str(caught.value)
    assert str(folder / "abcd.3.reply.md") in str(caught.value)
    assert [path.name for path in folder.iterdir()] == ["abcd.3.prompt.md"]


def test_the_prompt_file_has_the_permissions_of_any_other(tmp_path: Path, request_for: Make) -> None:
    with pytest.raises(WaitingForReply):
        ManualProvider(tmp_path).ask(request_for())
    other = tmp_path / "other"
    other.touch()
    assert (tmp_path / "abcd.3.prompt.md").stat().st_mode == other.stat().st_mode


def test_the_reply_is_returned_as_it_lies_there(tmp_path: Path, request_for: Make) -> None:
    (tmp_path / "abcd.3.reply.md").write_bytes("\ufeffHere,\r\n```python\n```\n".encode())
    reply = ManualProvider(tmp_path, model="a chat window").ask(request_for())
    assert reply.text == "Here,\r\n```python\n```\n"
    assert (reply.provider, reply.model) == ("manual", "a chat window")


def test_a_prompt_that_lies_there_is_left_alone(tmp_path: Path, request_for: Make) -> None:
    prompt = tmp_path / "abcd.3.prompt.md"
    prompt.write_text("Make it faster.")
    os.utime(prompt, (1, 1))
    with pytest.raises(WaitingForReply):
        ManualProvider(tmp_path).ask(request_for("Make it faster."))
    assert prompt.stat().st_mtime == 1


def write(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (write(b" \n"), "empty"),
        (write("Hallo".encode("utf-16")), "UTF-8"),
        (write(b"x" * (MAX_REPLY_BYTES + 1)), "larger"),
        (Path.mkdir, "plain file"),
        (os.mkfifo, "plain file"),
    ],
    ids=["empty", "utf-16", "large", "folder", "pipe"],
)
def test_an_unusable_reply_waits_on_and_says_why(
    tmp_path: Path, request_for: Make, spoil: Callable[[Path], object], why: str
) -> None:
    spoil(tmp_path / "abcd.3.reply.md")
    with pytest.raises(WaitingForReply, match=why):
        ManualProvider(tmp_path).ask(request_for())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, request_for: Make) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProviderMisconfigured, match="file"):
        ManualProvider(tmp_path / "file").ask(request_for())


def test_an_odd_attempt_id_stays_in_the_folder(tmp_path: Path, request_for: Make) -> None:
    with pytest.raises(WaitingForReply):
        ManualProvider(tmp_path / "in").ask(request_for(attempt="../up"))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert stat.S_ISREG(next((tmp_path / "in").iterdir()).stat().st_mode)
