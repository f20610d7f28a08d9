"""What a candidate raised, in one sentence that may stand in a prompt."""

from __future__ import annotations

import pytest
from kernelwright.evaluator.classify import classify
from kernelwright.evaluator.evaluation import Status


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("in /tmp/kernelwright-hd0o/given/8f80/kernel.py (line 61)", "in …/kernel.py (line 61)"),
        ('loc("/var/lib/x y/kernel.py":12:4)', 'loc("…/x y/kernel.py":12:4)'),
        ("no module at /usr/lib/python3/dist-packages/torch/__init__.py", "no module at …/__init__.py"),
        ("shapes 16/64/256 and a/b do not fit", "shapes 16/64/256 and a/b do not fit"),
        ("https://example.org/a/b is no path", "https://example.org/a/b is no path"),
        ("/one stays", "/one stays"),
    ],
)
def test_files_are_named_without_their_folders(message: str, told: str) -> None:
    assert classify(ValueError(message)) == (Status.RUNTIME_ERROR, f"ValueError: {told}")


def test_a_long_message_is_cut_after_its_paths_are() -> None:
    status, reason = classify(ValueError("/a/very/long/folder" * 40 + "/end"))
    assert (status, reason) == (Status.RUNTIME_ERROR, "ValueError: …/end")


class Hostile(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def test_an_exception_that_cannot_be_shown_is_named() -> None:
    assert classify(Hostile()) == (Status.RUNTIME_ERROR, "Hostile: no message")
