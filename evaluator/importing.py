"""A candidate's file as a module. Only processes that run candidates do this."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

MODULE = "candidate"


def import_source(path: Path) -> Any:
    """Import a file as the module ``candidate``; triton.jit reads the source from there."""
    spec = importlib.util.spec_from_file_location(MODULE, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    spec.loader.exec_module(module)
    return module
