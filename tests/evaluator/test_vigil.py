"""What one process writes on a page another reads, also when the first is dead."""

import os
import signal

from hypothesis import given
from hypothesis import strategies as st
from kernelwright.evaluator.vigil import Note, Page, blank

words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300)


def page():
    descriptor = blank()
    try:
        return Page(descriptor)
    finally:
        os.close(descriptor)


def test_before_the_first_note_it_is_empty():
    assert page().read() == Note("", "", 0.0)


@given(words, words, st.floats(min_value=1e-9, max_value=1e12), words)
def test_a_note_is_read_as_it_was_written_over_whatever_was_there(reference, doing, since, before):
    shared = page()
    shared.write(Note(before, before, 1.0))
    shared.write(Note(reference, doing, since))
    assert shared.read() == Note(reference, doing, since)
    shared.clear()
    assert shared.read() == Note(reference, doing, 0.0)


def test_a_file_with_an_endless_name_is_cut():
    shared = page()
    shared.write(Note("é" * 10_000, "its import", 1.0))
    assert shared.read().since == 1.0 and shared.read().reference.startswith("é" * 4000)


def test_the_dead_are_read():
    shared = page()
    child = os.fork()
    if not child:
        shared.write(Note("problem.py", "its forward", 2.5))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert shared.read() == Note("problem.py", "its forward", 2.5)
