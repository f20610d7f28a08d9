"""Rendering is strict, pure and safe against hostile text."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernelwright import prompts
from kernelwright.agent.brief import Brief, BriefKernel, Mend, Profile
from kernelwright.prompts import PromptError, render, templates
from kernelwright.prompts.filters import fence, inline, metrics_json, milliseconds, missing_lines, number

TICKS = st.text(alphabet="`~ \nabc#[]\\{}%\r\t", max_size=60)
TEXT = st.one_of(st.text(max_size=200), TICKS)
FOLDER = Path(str(prompts.__file__)).parent
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def fenced(prompt: str, heading: str) -> tuple[str, str]:
    """What a reader who follows CommonMark takes from the first fence after a heading, and what follows."""
    after = prompt.split(f"{heading}\n", 1)[1]
    opened = re.match(r"(`{3,})[a-z]*\n", after)
    assert opened is not None
    lines = after[opened.end() :].split("\n")
    for place, line in enumerate(lines):
        closing = re.fullmatch(r" {0,3}(`{3,})[ \t]*", line)
        if closing and len(closing[1]) >= len(opened[1]):
            return "".join(f"{kept}\n" for kept in lines[:place]), "\n".join(lines[place + 1 :])
    raise AssertionError("the fence is never closed")


def ended(code: str) -> str:
    return code if code.endswith("\n") else code + "\n"


@given(code=TEXT)
@SHARED
def test_any_code_can_be_taken_out_of_its_fence_again(code: str, make: Callable[..., Brief]) -> None:
    text = render("optimise", make("optimise", code=code).data()).text
    shown, rest = fenced(text, "[CURRENT CODE]")
    assert shown == ended(code)
    assert rest.startswith("\n**Task**: Analyze")


@given(reason=TEXT, reply=TEXT)
@SHARED
def test_a_failure_of_any_text_leaves_the_rest_of_the_prompt_alone(
    reason: str, reply: str, bare: Callable[[str], Brief]
) -> None:
    brief = bare("repair")
    assert brief.mend is not None
    brief.mend = brief.mend.model_copy(update={"reason": reason, "reply": reply})
    text = render("repair", brief.data()).text
    shown, rest = fenced(text, "Reason:")
    assert shown == ended(reason)
    rest = rest.split("Code that failed:\n", 1)[1]
    shown, rest = fenced(rest, "Reply that held no usable kernel:")
    assert shown == ended(reply)
    assert rest.startswith("\n**Task**: The failed attempt")


@given(text=TEXT)
def test_inline_text_stays_on_its_line(text: str) -> None:
    assert len(inline(text).splitlines()) <= 1


def test_a_fence_is_no_longer_than_it_must_be() -> None:
    assert fence("x\n", "python") == "```python\nx\n```"
    assert fence("a ```` b") == "`````\na ```` b\n`````"


@pytest.mark.parametrize("template", templates())
@pytest.mark.parametrize("name", ["target", "stage", "code", "profile", "workload", "tried", "mend"])
def test_a_name_that_the_data_lacks_is_an_error_that_names_it(
    template: str, name: str, full: Callable[[str], Brief]
) -> None:
    data = full(template).data()
    del data[name]
    with pytest.raises(PromptError, match=f"template '{template}' needs {name}, which"):
        render(template, data)


def test_an_unknown_template_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        PromptError, match="unknown template '_gpu': choose one of first_kernel, optimise, repair"
    ):
        render("_gpu", {})


@pytest.mark.parametrize(
    ("passed", "said", "unsaid"),
    [
        (True, "passed the check", "no check"),
        (False, "no check has found the current code correct", "passed the check"),
        (None, "generate the complete code again. Keep", "check"),
    ],
)
def test_a_repair_says_of_the_current_code_what_is_known(
    make: Callable[..., Brief], passed: bool | None, said: str, unsaid: str
) -> None:
    mend = Mend(code=None, status="timeout", reason="too slow")
    text = render("repair", make("repair", code_passed=passed, mend=mend).data()).text
    task = next(line for line in text.split("\n") if line.startswith("**Task**"))
    assert said in task and unsaid not in task


def test_a_first_kernel_needs_its_reference(make: Callable[..., Brief]) -> None:
    with pytest.raises(PromptError, match="first_kernel"):
        render("first_kernel", make("first_kernel", code=None).data())


def test_data_is_text_and_never_a_template(make: Callable[..., Brief]) -> None:
    code = "{{ target }} {% for x in y %} <&> \"'\n"
    text = render("optimise", make("optimise", code=code).data()).text
    assert fenced(text, "[CURRENT CODE]")[0] == code


def test_the_same_data_gives_the_same_bytes_in_another_process(full: Callable[[str], Brief]) -> None:
    script = (
        "import json, sys, hashlib\n"
        "from kernelwright.prompts import render\n"
        "done = render('repair', json.load(sys.stdin))\n"
        "print(done.template_sha, hashlib.sha256(done.text.encode()).hexdigest())\n"
        "assert 'torch' not in sys.modules and 'triton' not in sys.modules\n"
    )
    data = full("repair").data()
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C", "HOME": "/"}
    ran = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(data),
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    here = render("repair", data)
    assert ran.stdout.split() == [here.template_sha, hashlib.sha256(here.text.encode()).hexdigest()]


def included(name: str) -> set[str]:
    found = set(re.findall(r'{% include "(\w+)" %}', (FOLDER / f"{name}.j2").read_text(encoding="utf-8")))
    return {name}.union(*(included(child) for child in found))


@pytest.mark.parametrize("template", templates())
def test_the_hash_covers_the_template_and_all_that_it_includes(
    template: str, full: Callable[[str], Brief]
) -> None:
    digest = hashlib.sha256()
    for name in sorted(included(template)):
        source = (FOLDER / f"{name}.j2").read_bytes()
        digest.update(f"{name} {len(source)}\n".encode() + source)
    assert render(template, full(template).data()).template_sha == digest.hexdigest()


def test_every_part_is_used() -> None:
    used = set().union(*(included(name) for name in templates()))
    assert used == {path.stem for path in FOLDER.glob("*.j2")}


def kernel(name: str, metrics: dict[str, float], **fields: object) -> BriefKernel:
    return BriefKernel.model_validate(
        {"name": name, "duration_ms": None, "time_share": None, "metrics": metrics, **fields}
    )


NAMES = st.lists(st.one_of(st.text(max_size=8), st.sampled_from(["a", "a #2", "a #3"])), max_size=5)
VALUES = st.dictionaries(
    st.sampled_from(["launch__grid_size", "lts__t_sector_hit_rate.pct", "gpu__time_duration.sum"]),
    st.floats(allow_nan=False, allow_infinity=False, min_value=0, max_value=1e15),
)


@given(names=NAMES, values=VALUES)
@SHARED
def test_metrics_are_json_with_every_kernel_in_order(
    names: list[str], values: dict[str, float], make: Callable[..., Brief]
) -> None:
    rows = [kernel(name, values, missing={"x__y": "none"}) for name in names]
    profile = Profile(device="RTX 4090", provenance="measured", kernels=rows)
    text = render("optimise", make("optimise", profile=profile).data()).text
    shown, _ = json.JSONDecoder().raw_decode(text.split("[NCU PROFILING METRICS]\n", 1)[1])
    assert len(shown) == len(names)
    assert [label.startswith(name) for label, name in zip(shown, names, strict=True)] == [True] * len(names)
    for metrics in shown.values():
        assert list(metrics) == list(values)
        for name, value in values.items():
            assert abs(metrics[name] - value) <= 0.005 + math.ulp(value)


def test_how_values_are_written() -> None:
    row = kernel(
        "k",
        {
            "sm__throughput.avg.pct_of_peak_sustained_elapsed": 1.0,
            "launch__grid_size": 65536.0,
            "lts__t_sector_hit_rate.pct": 71.8449,
            "launch__waves_per_multiprocessor": 31.03,
        },
        time_share=0.98437,
        duration_ms=0.00312789,
    )
    assert metrics_json([row.model_dump()]) == (
        '{\n  "k": {\n    "time_share_pct": 98.44,\n    "duration_ms": 0.003128,\n'
        '    "sm__throughput.avg.pct_of_peak_sustained_elapsed": 1.0,\n    "launch__grid_size": 65536,\n'
        '    "lts__t_sector_hit_rate.pct": 71.84,\n    "launch__waves_per_multiprocessor": 31.03\n  }\n}'
    )
    assert [number(1008.0), number(82.6), number(989.5), number(0.0)] == ["1008", "82.6", "989.5", "0"]
    assert [milliseconds(3.79321), milliseconds(0.13189), milliseconds(12345.6)] == [
        "3.793",
        "0.1319",
        "12346",
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_json_cannot_hold_is_refused(value: float, make: Callable[..., Brief]) -> None:
    profile = Profile(
        device="RTX 4090", provenance="measured", kernels=[kernel("k", {"launch__grid_size": value})]
    )
    with pytest.raises(PromptError, match=r"launch__grid_size is (nan|inf)"):
        render("optimise", make("optimise", profile=profile).data())


def test_a_metric_that_several_kernels_lack_for_one_reason_is_named_once() -> None:
    rows = [kernel(name, {}, missing={"a__b": "no permission"}).model_dump() for name in ("p", "q")]
    assert missing_lines(rows) == ["a__b (p, q): no permission"]
