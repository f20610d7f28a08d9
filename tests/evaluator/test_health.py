"""Whether a card still answers, asked for real: on a machine without one, no card does."""

import pytest
from kernelwright.evaluator import health
from kernelwright.evaluator.devices import detect_card
from kernelwright.evaluator.runners import WarmParent


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    warm = WarmParent(tmp_path_factory.mktemp("health"))
    yield warm
    warm.close()


@pytest.mark.skipif(detect_card() is not None, reason="a card is there")
def test_a_card_that_is_not_there_does_not_answer(parent):
    said = health.check(parent)
    assert said is not None
    assert "CUDA" in said or "NVIDIA" in said
    assert "\n" not in said


@pytest.mark.gpu
@pytest.mark.skipif(detect_card() is None, reason="there is no card")
def test_a_card_that_adds_is_healthy(parent):
    assert health.check(parent) is None
