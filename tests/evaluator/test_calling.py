"""What a runner says of a call is believed only if it can be."""

import pytest
from kernelwright.evaluator.calling import _milliseconds
from kernelwright.evaluator.evaluation import Status
from kernelwright.evaluator.runners import Failure

NONSENSE = ["fast", [], 0.0, -1.0, float("nan"), float("inf"), 10**400, True, None]


@pytest.mark.parametrize("told", NONSENSE, ids=lambda told: str(told)[:12])
def test_a_time_that_is_no_time_is_rejected(told):
    with pytest.raises(Failure) as caught:
        _milliseconds(told)
    assert caught.value.status is Status.REJECTED
