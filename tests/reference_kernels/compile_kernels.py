"""Compiles every Triton kernel of a file for compute capability 8.9, in a process without the interpreter.

Prints JSON on stdout: kernel name → its PTX, or the name of the error.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

SCALARS = {"eps": "fp32", "n_elements": "i32", "n_samples": "i32", "n_blocks": "i32"}
POINTERS = {"flag_ptr": "*i32"}


def compile_one(kernel: Any, block: int) -> str:
    signature = {}
    for parameter in kernel.params:
        name = parameter.name
        kind = SCALARS.get(name) or POINTERS.get(name, "*fp32")
        signature[name] = "constexpr" if parameter.is_constexpr else kind
    source = ASTSource(kernel, signature, {"BLOCK_SIZE": block})
    return str(triton.compile(source, target=GPUTarget("cuda", 89, 32)).asm["ptx"])


def main(path: str, block: int) -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("kernel", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, str] = {}
    for name, value in vars(module).items():
        if isinstance(value, triton.JITFunction):
            try:
                found[name] = compile_one(value, block)
            except Exception as problem:
                found[name] = type(problem).__name__
    return found


if __name__ == "__main__":
    json.dump(main(sys.argv[1], int(sys.argv[2])), sys.stdout)
