"""Profiling when ncu is missing, forbidden, slow, or prints a real table (a stand-in executable prints it)."""

import time
from pathlib import Path

import pytest
import torch
from kernelwright.evaluator.measured import profile as profiling
from kernelwright.evaluator.measured.profile import Profiler, ProfileUnavailable
from kernelwright.evaluator.ncu import find_ncu
from kernelwright.evaluator.places import Places

REAL = Path(__file__).parents[1] / "data" / "ncu-2025.3.1-h200-two-stage-layer-norm.csv"


def run_with(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch, wait: float = 0.0):
    """Profile with an ``ncu`` that does what the script says."""
    tools = folder / "tools"
    tools.mkdir()
    ncu = tools / "ncu"
    ncu.write_text(f"#!/bin/sh\n{script}\n")
    ncu.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    return profile(folder, wait)


def profile(folder: Path, wait: float = 0.0):
    places = Places(folder)
    with Profiler(places, places.source("x = 1"), places.cache("x = 1")) as profiler:
        time.sleep(wait)
        return profiler.profile([(4,)], [torch.zeros(2, 3), 7])


def test_a_real_table_becomes_rows(tmp_path, monkeypatch):
    given = tmp_path / "given"
    given.mkdir()
    (given / "table.csv").write_text(REAL.read_text())
    rows = run_with(f"cat {given}/table.csv", tmp_path, monkeypatch)
    assert rows[-1].kernel == "layer_norm_forward_final_kernel"


def test_ncu_is_told_to_leave_the_clocks_alone_and_to_wait_for_the_start(tmp_path, monkeypatch):
    with pytest.raises(ProfileUnavailable):
        run_with(f'echo "$@" > {tmp_path}/private/arguments', tmp_path, monkeypatch)
    told = (tmp_path / "private" / "arguments").read_text()
    assert "--clock-control none" in told
    assert "--profile-from-start off" in told
    assert "--replay-mode kernel" in told


def test_the_order_comes_when_the_profiled_program_is_waiting_for_it(tmp_path, monkeypatch):
    """The last argument is the order's path, which does not exist when ncu is started."""
    script = (
        '[ "$1" = --version ] && exit; for order; do :; done\n'
        '[ -e "$order" ] && echo early > "$HOME/seen" || echo late > "$HOME/seen"\n'
        'until [ -e "$order" ]; do sleep 0.05; done; cat "$order" >> "$HOME/seen"'
    )
    monkeypatch.setattr(profiling, "_SECONDS", 30)
    with pytest.raises(ProfileUnavailable):
        run_with(script, tmp_path, monkeypatch, wait=1.0)
    seen = (tmp_path / "private" / "seen").read_text()
    assert seen.startswith("late\n{")
    assert '"plain": 7' in seen


def test_no_permission_says_what_to_do(tmp_path, monkeypatch):
    script = 'echo "==ERROR== ERR_NVGPUCTRPERM - The user does not have permission"'
    with pytest.raises(ProfileUnavailable, match="NVreg_RestrictProfilingToAdminUsers=0"):
        run_with(script, tmp_path, monkeypatch)


def test_an_error_of_the_tool_is_repeated(tmp_path, monkeypatch):
    with pytest.raises(ProfileUnavailable, match="LibraryNotLoaded"):
        run_with('echo "==ERROR== Failed to initialize: LibraryNotLoaded"', tmp_path, monkeypatch)


def test_a_profiler_that_hangs_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(profiling, "_SECONDS", 0.5)
    with pytest.raises(ProfileUnavailable, match="still running"):
        run_with('[ "$1" = --version ] || sleep 60', tmp_path, monkeypatch)


def test_without_ncu_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    if find_ncu().path is not None:
        pytest.skip("ncu is installed outside the PATH here")
    with pytest.raises(ProfileUnavailable, match="install Nsight Compute"):
        profile(tmp_path)


@pytest.mark.parametrize(
    "printed", ['"hello"', '"ID","x"\n"0","k"'], ids=["a quoted line of the kernel's own", "other columns"]
)
def test_a_table_that_makes_no_sense_is_no_verdict(printed, tmp_path, monkeypatch):
    given = tmp_path / "given"
    given.mkdir()
    (given / "table.csv").write_text(f"{REAL.read_text()}\n{printed}\n")
    with pytest.raises(ProfileUnavailable, match="cannot be read"):
        run_with(f"cat {given}/table.csv", tmp_path, monkeypatch)
