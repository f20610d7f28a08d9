"""Keeps what a forward call sends to the card, and only that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..launches import Launch
from .cuda_graphs import GraphListener
from .recorded import TorchOperation, Tuning

Event = Launch | TorchOperation


class Recorder(GraphListener):
    """Sorts events: a trial is forgotten, captured work waits for its replay, the rest counts."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.tunings: list[Tuning] = []
        self.compile_failures: list[tuple[BaseException, str]] = []
        """What the compiler raised, and for which kernel."""
        self.compile_seconds = 0.0
        self._graphs: dict[object, list[Event]] = {}
        self._trials: list[list[Event]] = []

    def add(self, event: Event) -> None:
        """Something reached the card."""
        if self._trials:
            self._trials[-1].append(event)
        elif self.capturing is not None:
            self._graphs[self.capturing].append(event)
        else:
            self.events.append(event)

    @contextmanager
    def trial(self) -> Iterator[list[Event]]:
        """What happens in here is handed to the caller and not recorded."""
        self._trials.append([])
        try:
            yield self._trials[-1]
        finally:
            self._trials.pop()

    def start_over(self) -> list[Event]:
        """Forget the events so far and return them."""
        before, self.events = self.events, []
        return before

    def begin(self, graph: object) -> None:
        """See `GraphListener.begin`."""
        super().begin(graph)
        self._graphs[graph] = []

    def replay(self, graph: object) -> None:
        """Everything captured in ``graph`` is launched once more."""
        for event in self._graphs.get(graph, []):
            self.add(event)
