"""What a compiled kernel takes, read from its cubin with the cuobjdump that comes with Triton."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass

import triton

from ..protocol import EnvironmentLacks

_USAGE = re.compile(r"Function (?P<name>\S+):\s+(?P<usage>REG:.*)")
_ITEM = re.compile(r"(REG|STACK|SHARED|LOCAL):(\d+)")


@dataclass(frozen=True)
class Resources:
    """Per thread: registers, and local memory in bytes; per program: static shared memory in bytes."""

    registers: int
    spill_bytes: int
    static_shared_bytes: int


def resources(kernel: str, cubin: bytes) -> Resources:
    """Usage of one kernel. Local memory is the stack frame, which is where ptxas spills registers to.

    Raises `EnvironmentLacks` when cuobjdump is missing or says something else.
    """
    report = _cuobjdump(cubin)
    for found in _USAGE.finditer(report):
        if found["name"] == kernel:
            usage = {name: int(value) for name, value in _ITEM.findall(found["usage"])}
            return Resources(usage["REG"], usage["STACK"] + usage["LOCAL"], usage["SHARED"])
    raise EnvironmentLacks(f"cuobjdump reports no usage for kernel '{kernel}': reinstall triton")


def _cuobjdump(cubin: bytes) -> str:
    tool = triton.knobs.nvidia.cuobjdump.path
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        try:
            command = [tool, "-res-usage", file.name]
            return subprocess.run(command, check=True, capture_output=True, text=True).stdout
        except (OSError, subprocess.CalledProcessError) as problem:
            raise EnvironmentLacks(f"cuobjdump does not run ({problem}): reinstall triton") from None
