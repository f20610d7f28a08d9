"""Contenders made ready: a source file, a Triton cache and shared buffers for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bench import Bench
from ..exchange import create_cuda_arena
from ..oracle import Oracle
from ..places import Places
from ..protocol import Contender, Job
from ..runner import Load

_SETS = 3
"""Input sets that rotate while timing, so that neither contents nor addresses repeat from call to call."""


@dataclass
class Side:
    """One contender: a source with its own Triton cache and its own buffers."""

    name: str
    source: Path
    cache: Path
    bench: Bench
    entry: str = "ModelNew"
    compiled: bool = False

    def load(self, init_inputs: list[Any]) -> Load:
        """The order that makes a runner hold this side's model."""
        return Load(str(self.source), self.entry, init_inputs, self.bench.arena.address, self.compiled)


class Sides:
    """Makes sides in a warm parent's folder; keeps their buffers for the next candidate."""

    def __init__(self, oracle: Oracle, folder: Path) -> None:
        self._oracle = oracle
        self._places = Places(folder)
        self._benches: list[Bench] = []

    def of_source(self, name: str, source: str, number: int) -> Side:
        """A kernel as side ``number`` of a contest; sides of other numbers have other buffers."""
        while len(self._benches) <= number:
            self._benches.append(Bench(self._oracle.facts, create_cuda_arena, _SETS))
        self._benches[number].write_parameters(self._oracle.parameters)
        return Side(name, self.file(source), self.cache(source), self._benches[number])

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

    def file(self, source: str) -> Path:
        """The real file that @triton.jit reads the source from."""
        return self._places.source(source)

    def cache(self, source: str) -> Path:
        """The Triton cache of one kernel, shared by its own runs and by nobody else."""
        return self._places.cache(source)

    def close(self) -> None:
        """Give the card's memory back."""
        for bench in self._benches:
            bench.close()
        self._benches.clear()
