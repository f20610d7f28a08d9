"""Compiles every Triton kernel of some files for compute capability 8.9, in a process without the interpreter.

Reads orders as JSON on stdin: a file, values for what is constant at compile time, and options such as num_stages.
Answers on stdout, in order, with kernel name → its PTX and its bytes of shared memory, or the name of the error.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

KINDS = {"eps": "fp32", "flag_ptr": "*i32", "indices_ptr": "*i64", "targets_ptr": "*i64"}


def kind_of(parameter: Any) -> str:
    if parameter.is_constexpr:
        return "constexpr"
    return KINDS.get(parameter.name, "*fp32" if parameter.name.endswith("_ptr") else "i32")


def compile_one(kernel: Any, constants: dict[str, int], options: dict[str, int]) -> dict[str, Any]:
    signature = {parameter.name: kind_of(parameter) for parameter in kernel.params}
    source = ASTSource(kernel, signature, constants)
    try:
        compiled = triton.compile(source, target=GPUTarget("cuda", 89, 32), options=options)
    except Exception as problem:
        return {"error": type(problem).__name__}
    return {"ptx": compiled.asm["ptx"], "shared": compiled.metadata.shared}


def compile_file(path: str, constants: dict[str, int], options: dict[str, int]) -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location("kernel", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {
        name: compile_one(value, constants, options)
        for name, value in vars(module).items()
        if isinstance(value, triton.JITFunction)
    }


if __name__ == "__main__":
    json.dump([compile_file(*order) for order in json.load(sys.stdin)], sys.stdout)
