"""A sandbox for every kernel, so that none can touch another's files, processes or compiled code."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from .phases import sha256_of
from .places import Places, remove
from .runners import Kind, WarmParent


class Cell:
    """What the processes of one kernel share, and no other kernel's: a warm parent, a source file, a cache."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        self.parent = WarmParent(folder, kind)
        self.parent.start()
        self._text = ""

    def take(self, text: str) -> None:
        """From now on it belongs to this kernel."""
        self._text = text

    @property
    def places(self) -> Places:
        """Its folders."""
        return self.parent.places

    @property
    def source(self) -> Path:
        """The kernel's file, which its runners can only read."""
        return self.places.source(self._text)

    @property
    def cache(self) -> Path:
        """The kernel's Triton cache, kept for as long as the cell."""
        return self.places.cache(self._text)

    def close(self) -> None:
        """End its processes, remove its files."""
        self.parent.close()
        remove(self.parent.folder)


class Cells:
    """The cells of the kernels at hand, and a spare one whose imports are done before a kernel needs them.

    ``keep`` is how many kernels may have one at a time; the least recently used goes first.
    """

    def __init__(self, folder: Path, kind: Kind = "running", keep: int = 4) -> None:
        self._folder = folder
        self._kind: Kind = kind
        self._keep = max(1, keep)
        self._numbers = count()
        self._cells: dict[str, Cell] = {}
        self._spare: Cell | None = self._new()

    def of(self, source: str) -> Cell:
        """The kernel's cell: the one it has, or the spare one."""
        key = sha256_of(source)
        cell = self._cells.pop(key, None)
        if cell is None:
            cell = self.spare()
            cell.take(source)
            self._spare = None
        self._cells[key] = cell  # the last one is the latest used
        while len(self._cells) > self._keep:
            self._cells.pop(next(iter(self._cells))).close()
        self.spare()
        return cell

    def spare(self) -> Cell:
        """The cell that no kernel has yet: for questions to a process that no candidate has come near."""
        if self._spare is None:
            self._spare = self._new()
        return self._spare

    def forget(self, source: str) -> None:
        """Close the kernel's cell, if it has one."""
        cell = self._cells.pop(sha256_of(source), None)
        if cell is not None:
            cell.close()

    def close(self) -> None:
        """End all processes, remove all files."""
        for cell in (*self._cells.values(), *([self._spare] if self._spare else [])):
            cell.close()
        self._cells.clear()
        self._spare = None

    def _new(self) -> Cell:
        return Cell(self._folder / str(next(self._numbers)), self._kind)
