"""Tasks of one name are told apart wherever people read of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.agent.suite.naming import names


@pytest.mark.parametrize(
    ("tasks", "called"),
    [
        ({"softmax": "softmax", "/a/b/mine": "mine"}, ["softmax", "mine"]),
        ({"softmax": "softmax", "/a/b/softmax": "softmax"}, ["softmax (bundled)", "softmax (b/softmax)"]),
        ({"/a/x/mm": "mm", "/a/y/mm": "mm"}, ["mm (x/mm)", "mm (y/mm)"]),
        ({"/a/x/mm": "mm", "/a/mm.py": "mm"}, ["mm (x/mm)", "mm (a/mm.py)"]),
        ({"/a": "mm", "/x/a": "mm"}, ["mm (/a)", "mm (x/a)"]),
    ],
    ids=["different", "bundled and folder", "two folders", "folder and file", "one within the other"],
)
def test_only_what_shares_a_name_is_called_by_more(tasks: dict[str, str], called: list[str]) -> None:
    assert list(names(tasks).values()) == called


PATHS = st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))


@given(st.dictionaries(st.one_of(PATHS, st.just("a"), st.just("//a")), st.just("a")))
def test_no_two_are_called_the_same(tasks: dict[str, str]) -> None:
    assert len(set(names(tasks).values())) == len(tasks)
