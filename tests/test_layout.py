"""The repository's shape: what is packaged, who may import whom, and what starts without torch."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SETUPTOOLS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "setuptools"
]

MAY_IMPORT: dict[str, set[str]] = {
    "agent": {"evaluator", "prompts", "reference_kernels", "stages"},
    "evaluator": {"reference_kernels"},
    "prompts": set(),
    "reference_kernels": set(),
    "stages": set(),
}
ROOMS = sorted(MAY_IMPORT)

# What the commands that read, and those that only describe kernels, are made of.
LIGHT = [
    "kernelwright.evaluator.devices",
    "kernelwright.evaluator.evaluation",
    "kernelwright.evaluator.gpus",
    "kernelwright.evaluator.launches",
    "kernelwright.evaluator.metrics",
    "kernelwright.evaluator.ncu",
    "kernelwright.evaluator.protocol",
    "kernelwright.evaluator.source",
    "kernelwright.prompts",
    "kernelwright.reference_kernels",
    "kernelwright.stages",
]


def python_files(room: str) -> list[Path]:
    return sorted(path for path in (ROOT / room).rglob("*.py") if "__pycache__" not in path.parts)


def own_files(room: str) -> list[Path]:
    """Without kernels that are judged: they are material, import what they like, and some reach for us."""
    judged = {"wrong", "hostile", "honest"}
    return [path for path in python_files(room) if path.parent.name not in judged]


def dotted(path: Path) -> str:
    return ".".join(["kernelwright", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """Absolute names of everything that a file imports, wherever in the file."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            assert node.level <= len(package), f"{path.relative_to(ROOT)} imports relatively out of its room"
            base = package[: len(package) - node.level + 1]
            yield ".".join(["kernelwright", *base, *([node.module] if node.module else [])])
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_package_on_disk_is_listed_and_every_listed_one_is_on_disk() -> None:
    on_disk = {dotted(path.parent) for room in ROOMS for path in python_files(room)}
    assert sorted(SETUPTOOLS["packages"]) == sorted(on_disk)


def test_every_room_has_its_folder_at_the_top() -> None:
    assert SETUPTOOLS["package-dir"] == {f"kernelwright.{room}": room for room in ROOMS}


@pytest.mark.parametrize("room", ROOMS)
def test_every_package_has_an_init_and_every_room_is_typed(room: str) -> None:
    assert all((path.parent / "__init__.py").is_file() for path in python_files(room))
    assert (ROOT / room / "py.typed").is_file()


@pytest.mark.parametrize("room", ROOMS)
def test_every_data_file_is_packaged(room: str) -> None:
    patterns = SETUPTOOLS["package-data"]["*"]
    files = [path for path in (ROOT / room).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    left_out = [
        str(path.relative_to(ROOT))
        for path in files
        if path.suffix != ".py" and not any(fnmatch(path.name, pattern) for pattern in patterns)
    ]
    assert not left_out


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    broken = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in own_files(room)
        for name in imported(path)
        if name.startswith("kernelwright.") and name.split(".")[1] not in MAY_IMPORT[room] | {room}
    ]
    assert not broken


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_calls_itself_by_relative_names(room: str) -> None:
    """So that absolute imports show at a glance what comes from another room."""
    broken = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in own_files(room)
        for name in absolute(path)
        if name == f"kernelwright.{room}" or name.startswith(f"kernelwright.{room}.")
    ]
    assert not broken


def absolute(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


PROBE = """
import importlib, json, sys
heavy = {}
for name in json.load(sys.stdin):
    importlib.import_module(name)
    found = sorted({"torch", "triton"} & set(sys.modules))
    if found:
        heavy[name] = found
        break
json.dump(heavy, sys.stdout)
"""


def test_nothing_that_only_reads_imports_torch_or_triton() -> None:
    agent = [dotted(path) for path in python_files("agent") if path.name != "__main__.py"]
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        input=json.dumps([*LIGHT, *agent]),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {}
