"""Keeps what autotuning chose from process to process, so that all runs of one kernel are runs of one configuration.

Triton keeps the timings of configurations in its cache, but not where one of them has a pre_hook, as configurations
with tensor descriptors do. There the choice is kept here, beside it, as a number. The cache is the kernel's own: what
a candidate writes into it concerns nobody else.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any


def keep_choices(cache: Path) -> None:
    """Have every autotuner of this process look for its choice in that folder, and leave it there."""
    from triton.runtime.autotuner import Autotuner

    triton_does = Autotuner.check_disk_cache

    def check(self: Any, tuning_key: Any, configs: list[Any], benchmark: Callable[[], object]) -> bool:
        if not any(config.pre_hook for config in configs):
            return bool(triton_does(self, tuning_key, configs, benchmark))
        file = cache / f"choice-{_name(self, tuning_key, configs)}.json"
        known = _read(file, len(configs))
        if known is not None:
            self.cache[tuning_key] = configs[known]
            return True
        benchmark()
        _write(file, configs.index(self.cache[tuning_key]))
        return False

    Autotuner.check_disk_cache = check


def _name(tuner: Any, tuning_key: Any, configs: list[Any]) -> str:
    said = "\n".join([tuner.base_fn.__name__, str(tuning_key), *map(str, configs)])
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def _read(file: Path, count: int) -> int | None:
    with suppress(OSError, ValueError):
        number = json.loads(file.read_text(encoding="utf-8"))
        if type(number) is int and 0 <= number < count:
            return number
    return None


def _write(file: Path, number: int) -> None:
    part = file.with_suffix(f".{os.getpid()}")
    with suppress(OSError):  # without a cache there is a choice in every process, as before
        part.write_text(json.dumps(number), encoding="utf-8")
        part.replace(file)
