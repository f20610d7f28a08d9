"""CUDA graphs without a card: who captures and who replays is told to a listener."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any


class GraphListener:
    """Hears about graphs; this one does nothing. Override what matters."""

    capturing: object | None = None
    """The graph that is being captured."""

    def begin(self, graph: object) -> None:
        """Work from here on goes into ``graph``."""
        self.capturing = graph

    def end(self, graph: object) -> None:
        """Nothing more goes into ``graph``."""
        self.capturing = None

    def replay(self, graph: object) -> None:
        """The work in ``graph`` is launched again."""


def graph_classes(listener: GraphListener) -> dict[str, object]:
    """Stand-ins for ``torch.cuda``'s graph names that tell ``listener``."""

    class CUDAGraph:
        """``torch.cuda.CUDAGraph``."""

        def __init__(self, *args: object, **kwargs: object) -> None:
            del args, kwargs

        def capture_begin(self, *args: object, **kwargs: object) -> None:
            listener.begin(self)

        def capture_end(self) -> None:
            listener.end(self)

        def replay(self) -> None:
            listener.replay(self)

        def reset(self) -> None:
            """Nothing to free."""

        def pool(self) -> tuple[int, int]:
            return (0, 0)

    class graph:
        """``torch.cuda.graph``."""

        def __init__(self, cuda_graph: CUDAGraph, *args: object, **kwargs: object) -> None:
            self.cuda_graph = cuda_graph

        def __enter__(self) -> None:
            self.cuda_graph.capture_begin()

        def __exit__(
            self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
        ) -> None:
            self.cuda_graph.capture_end()

    def capturing(*args: object) -> bool:
        return listener.capturing is not None

    def pool_handle(*args: object) -> tuple[int, int]:
        return (0, 0)

    return {
        "CUDAGraph": CUDAGraph,
        "graph": graph,
        "graph_pool_handle": pool_handle,
        "is_current_stream_capturing": capturing,
        "make_graphed_callables": _as_they_are,
    }


def _as_they_are(callables: Callable[..., Any], *args: object, **kwargs: object) -> Callable[..., Any]:
    """``make_graphed_callables`` launches the same kernels, only sooner."""
    return callables
