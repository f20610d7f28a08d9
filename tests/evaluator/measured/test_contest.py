"""What a contest's pairs come to."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.evaluator.measured.contest import summarise

ms = st.floats(0.01, 100)


@given(st.lists(st.tuples(ms, ms), min_size=2, max_size=12))
def test_a_summary_agrees_with_its_samples(pairs):
    timing = summarise(pairs, "eager", 1)
    mean = math.fsum(math.log(base / mine) for mine, base in pairs) / len(pairs)
    assert math.log(timing.speedup) == pytest.approx(mean, abs=1e-9)
    assert timing.pairs == len(pairs) == len(timing.samples)
    assert min(mine for mine, _ in pairs) <= timing.median_ms <= max(mine for mine, _ in pairs)
