"""What is made of what a process says of its calls."""

from kernelwright.evaluator.calling import Called
from kernelwright.evaluator.measured.timing import Process


def test_what_most_calls_launched_is_what_a_process_launches():
    called = [Called(0, 1.0, 2.0, launched, ()) for launched in (("a",), ("b",), ("b",))]
    assert Process(side=None, runner=None, called=called).launched == ("b",)  # type: ignore[arg-type]
