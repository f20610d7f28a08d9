"""The exact text of every template, with and without its optional sections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kernelwright.agent.brief import Brief, Distance, Mend
from kernelwright.prompts import render, templates
from syrupy.assertion import SnapshotAssertion

TEMPLATES = ["first_kernel", "optimise", "repair"]


def test_these_are_all_templates() -> None:
    assert templates() == TEMPLATES


@pytest.mark.parametrize("template", TEMPLATES)
def test_with_everything(template: str, full: Callable[[str], Brief], snapshot: SnapshotAssertion) -> None:
    assert render(template, full(template).data()).text == snapshot


@pytest.mark.parametrize("template", TEMPLATES)
def test_bare(template: str, bare: Callable[[str], Brief], snapshot: SnapshotAssertion) -> None:
    assert render(template, bare(template).data()).text == snapshot


def test_repair_of_a_first_kernel(
    make: Callable[..., Brief], optional: dict[str, Any], snapshot: SnapshotAssertion
) -> None:
    mend = Mend(
        code=None,
        status="syntax_error",
        reason="line 2 does not parse",
        reply="Here it is: ```python\nx = \n```",
    )
    brief = make("repair", "first_kernel", code=None, workload=optional["workload"], mend=mend)
    assert render("repair", brief.data()).text == snapshot


def test_estimates_are_called_estimates(
    make: Callable[..., Brief], optional: dict[str, Any], snapshot: SnapshotAssertion
) -> None:
    offline = {"device": "offline", "provenance": "estimated", "on_target": True, "card": None}
    profile = optional["profile"].model_copy(update=offline)
    distance = Distance(ms=0.1308, provenance="estimated", floor_ms=0.1118, floor_of="RTX 4090")
    text = render("optimise", make("optimise", profile=profile, distance=distance).data()).text
    assert "These figures are ESTIMATES" in text
    assert "0.1308 ms (estimated)" in text
    assert text == snapshot


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_gap_of_two_empty_lines_and_one_newline_at_the_end(
    template: str, full: Callable[[str], Brief], bare: Callable[[str], Brief]
) -> None:
    for brief in (full(template), bare(template)):
        text = render(template, brief.data()).text
        shown = [code for code in (brief.code, brief.mend and brief.mend.code) if code]
        for code in shown:
            text = text.replace(code, "")
        reference = brief.workload.reference if brief.workload else ""
        assert "\n\n\n" not in text.replace(reference, "", 1 if reference else 0)
        assert text.endswith("```\n") and not text.endswith("\n\n")
