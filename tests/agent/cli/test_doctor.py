"""`doctor`: what it finds, what it says to do, and its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from kernelwright.agent import doctor
from kernelwright.evaluator.ncu import NcuFacts

Command = Callable[..., tuple[int, str, str]]


def test_this_machine(command: Command) -> None:
    code, out, err = command("doctor")
    assert (code, err) == (0, "")
    for part in ("Python", "torch", "triton", "GPU", "Nsight Compute", "sandbox", "C compiler", "model"):
        assert part in out
    assert "`kernelwright run` would choose" in out and "device: " in out and "provider: " in out


def test_json(command: Command) -> None:
    data = json.loads(command("doctor", "--json")[1])
    assert data["works"] is True
    assert all(check["ok"] or check["mend"] for check in data["checks"])


def test_a_key_is_named_and_never_shown(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://user:hidden@127.0.0.1:1/v1")
    for line in ("doctor", "doctor --json"):
        code, out, err = command(*line.split())
        assert code == 0 and "OPENAI_API_KEY is set" in out
        assert "secret" not in out + err and "hidden" not in out + err


def test_without_torch_nothing_works(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor.package_check
    monkeypatch.setattr(doctor, "package_check", lambda name, least: real(f"no-such-{name}", least))
    code, out, _ = command("doctor")
    assert code == 3 and "pip install 'no-such-torch>=2.11'" in out and "Nothing can run yet" in out


@pytest.mark.parametrize(("found", "ok"), [((3, 10), False), ((3, 11), True), ((3, 12), True)])
def test_python(found: tuple[int, int], ok: bool) -> None:
    check = doctor.python_check(found)
    assert check.ok is ok and (check.mend is None) is ok


@pytest.mark.parametrize(("permission", "ok"), [("yes", True), ("unknown", True), ("no", False)])
def test_ncu_permission(permission: str, ok: bool) -> None:
    remedy = None if ok else "NVreg_RestrictProfilingToAdminUsers=0"
    check = doctor.ncu_check(
        NcuFacts(path="/usr/bin/ncu", version="2025.3", permission=permission, remedy=remedy)
    )
    assert (check.ok, check.mend) == (ok, remedy)


def test_an_old_package_is_named() -> None:
    assert doctor.package_check("rich", "1.0").ok
    check = doctor.package_check("rich", "9999.0")
    assert not check.ok and check.mend == "pip install 'rich>=9999.0'"
