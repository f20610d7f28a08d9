"""Contenders made ready: a cell and shared buffers for each."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from .. import defences
from ..bench import Bench
from ..cells import Cell, Cells
from ..exchange import create_cuda_arena
from ..orders import Load
from ..protocol import Contender, Job
from ..reference.oracle import Oracle
from ..runners import Runner

_SETS = 3
"""Input sets that are used in turns, so that addresses change from call to call."""


@dataclass
class Side:
    """One contender: a source in a cell of its own, with its own buffers."""

    name: str
    cell: Cell
    bench: Bench
    entry: str = "ModelNew"
    compiled: bool = False

    def begin(self, init_inputs: list[Any], stack: ExitStack, *first: str) -> Runner:
        """A fresh runner that starts CUDA, does what ``first`` names and builds the model.

        Nothing is waited for: an answer is to come for each of these.
        """
        runner = stack.enter_context(self.cell.parent.fork())
        off = [defence.value for defence in defences.switched_off()]
        runner.order("enter", folder=str(runner.folder), cache=str(self.cell.cache), gpu=None, without=off)
        for order in first:
            runner.order(order)
        address = self.bench.arena.address
        load = Load(str(self.cell.source), self.entry, init_inputs, address, self.compiled)
        runner.order("load", load=load)
        return runner


class Sides:
    """Puts sources into cells; keeps buffers for the next candidate."""

    def __init__(self, oracle: Oracle, cells: Cells, flush_bytes: int) -> None:
        self._oracle = oracle
        self._cells = cells
        self._flush_bytes = flush_bytes
        self._benches: list[Bench] = []

    def of_source(self, name: str, source: str, number: int) -> Side:
        """A kernel as side ``number`` of a contest; sides of other numbers have other buffers."""
        while len(self._benches) <= number:
            self._benches.append(Bench(self._oracle.facts, create_cuda_arena, _SETS, self._flush_bytes))
        self._benches[number].write_parameters(self._oracle.parameters)
        return Side(name, self._cells.of(source), self._benches[number])

    def of_contender(self, contender: Contender, number: int) -> Side:
        """A kernel, or PyTorch's own reference as it is or through torch.compile."""
        if contender.source is not None:
            return self.of_source(contender.name, contender.source, number)
        reference = self._oracle.task.reference.read_text(encoding="utf-8")
        side = self.of_source(contender.name, reference, number)
        side.entry, side.compiled = "Model", contender.name == "compile"
        return side

    def baseline(self, job: Job, number: int) -> Side:
        """What a job's kernel is timed against."""
        if job.against is None:
            return self.of_contender(Contender(name="eager"), number)
        return self.of_source("the kernel compared with", job.against, number)

    def close(self) -> None:
        """Give the card's memory back."""
        for bench in self._benches:
            bench.close()
        self._benches.clear()


def flush_bytes(l2_bytes: int, bandwidth_gb_s: float) -> int:
    """What has to be written before a timed call: all of L2 twice, and at least 0.2 ms of the card's time.

    So long does Python have for launching before its own slowness would be counted.
    """
    return max(2 * l2_bytes, int(0.2e-3 * bandwidth_gb_s * 1e9))
