"""Streams, events and device contexts that order nothing: without a card the host's order is the only one."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import torch


class Context:
    """A context manager that takes any arguments and changes nothing."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        del args, kwargs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        return None


class DeviceContext(Context):
    """``torch.cuda.device`` on a machine whose only card is number 0."""

    def __init__(self, device: object = None) -> None:
        self.idx = 0
        self.prev_idx = 0


class Event:
    """``torch.cuda.Event``: everything before it has already happened."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        self.cuda_event = 0
        self.device = torch.device("cuda", 0)

    def record(self, stream: object = None) -> None:
        """Nothing to mark."""

    def wait(self, stream: object = None) -> None:
        """Nothing to wait for."""

    def synchronize(self) -> None:
        """Nothing to wait for."""

    def query(self) -> bool:
        """Always done."""
        return True

    def elapsed_time(self, end_event: object) -> float:
        """Milliseconds: a constant that no division fails on, since no time passes on a card."""
        return 1.0


class Stream(Context):
    """``torch.cuda.Stream``: host order is the only order."""

    def __init__(self, device: object = None, priority: int = 0, **kwargs: object) -> None:
        self.cuda_stream = 0
        self.stream_id = 0
        self.device_index = 0
        self.device = torch.device("cuda", 0)
        self.priority = priority

    def wait_stream(self, stream: object) -> None:
        """Nothing to wait for."""

    def wait_event(self, event: object) -> None:
        """Nothing to wait for."""

    def record_event(self, event: Event | None = None) -> Event:
        """An event that has already happened."""
        return event or Event()

    def synchronize(self) -> None:
        """Nothing to wait for."""

    def query(self) -> bool:
        """Always idle."""
        return True


class StreamContext(Context):
    """``torch.cuda.stream(s)``."""

    def __init__(self, stream: object = None) -> None:
        self.stream = stream
