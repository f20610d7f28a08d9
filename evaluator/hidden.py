"""What a sandboxed process does not see of the file system, and what of it must be shown again.

Homes hold keys, sockets of services lie below /run and /tmp, other kernels' files where temporary files go:
all are covered by empty folders. The interpreter, its packages and the compiler's tools may lie there too and
come back read-only.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

_HIDDEN = ("/tmp", "/var/tmp", "/run", "/var/run", "/root", "/home")
_TOOLS = ("gcc", "cc", "clang", "ncu", "nvcc", "ptxas")


def hidden_places() -> list[Path]:
    """The folders to cover, symlinks resolved; none lies in another that stays covered around it."""
    return [place for place, shown in mounts(_to_hide()) if not shown]


def words() -> list[str]:
    """bubblewrap's arguments: empty folders, and what stays visible below them."""
    return [
        word
        for place, shown in mounts(_to_hide())
        for word in (("--ro-bind", str(place), str(place)) if shown else ("--tmpfs", str(place)))
    ]


def mounts(covered: Iterable[Path]) -> list[tuple[Path, bool]]:
    """Each place with whether it is shown or covered, outer ones first: a home may lie in a shown folder again."""
    hide = set(covered)
    need = {form for place in _needed() for form in (place, place.resolve()) if form.exists()} - hide
    made: dict[Path, bool] = {}
    for place in sorted(hide | need, key=lambda place: (len(place.parts), place)):
        around = next((made[above] for above in place.parents if above in made), True)
        if around != (place in need):
            made[place] = place in need
    return list(made.items())


def _to_hide() -> set[Path]:
    named = (*_HIDDEN, os.path.expanduser("~"), tempfile.gettempdir())  # noqa: PTH111
    real = {Path(place).resolve() for place in named if Path(place).is_absolute() and Path(place).is_dir()}
    return real - {Path("/")}


def _needed() -> Iterable[Path]:
    yield Path(__file__).resolve().parents[1]
    for place in (sys.prefix, sys.base_prefix, *sys.path):
        if Path(place).is_absolute():
            yield Path(os.path.normpath(place))
    yield from _links(Path(sys.executable))
    for name in ("CUDA_HOME", "CUDA_PATH", "LD_LIBRARY_PATH"):
        yield from (Path(place) for place in os.environ.get(name, "").split(":") if Path(place).is_absolute())
    for tool in (os.environ.get("CC", ""), *_TOOLS):
        where = shutil.which(tool) if tool else None
        if where is not None:
            yield from _links(Path(where).absolute())
            yield _installation(Path(where).resolve())


def _links(path: Path) -> Iterable[Path]:
    """A file and every symlink on the way to it."""
    for _ in range(40):
        yield path
        if not path.is_symlink():
            return
        path = Path(os.path.normpath(path.parent / path.readlink()))


def _installation(tool: Path) -> Path:
    """The folder that a tool was installed into: what holds its bin, but never somebody's whole home."""
    folder = tool.parent
    above = folder.parent
    homes = {Path(place) for place in _HIDDEN} | {Path.home()}
    if folder.name != "bin" or above.name == ".local" or above in homes or above.parent == Path("/home"):
        return folder if folder not in homes else tool
    return above
