"""What stays behind: paths, hosts, users, servers, keys; and that everything still fits together without them."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from files import NOWHERE, exported, taken_in
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.agent.loop import run_campaign
from kernelwright.agent.portable import PortableError
from kernelwright.agent.portable.exporting import export_campaign
from kernelwright.agent.portable.format import rewritten, strings
from kernelwright.agent.portable.keys import FORMS, key_in, keys_of
from kernelwright.agent.portable.paths import Machine, Replacing, neutral, paths_in, this_machine
from kernelwright.agent.portable.settings import STOPPED, can_go_on, task_name
from kernelwright.agent.record import CampaignStatus, Record
from kernelwright.agent.store import Store
from kernelwright.evaluator.evaluation import Evaluation
from kernelwright.evaluator.protocol import Job, Progress
from kernelwright.prompts import render
from kernelwright.reference_kernels import TaskError, load_task
from loop_world import Judge, Quiet, Script, begin, fence, sha, source
from sample_campaigns import fill, offline_record

HOME = "/home/ada/projects/kernel work"
TRACE = f'RuntimeError: File "{HOME}/run/kernel.py", line 3, in /data/ada/cache/k.cubin: illegal access'
MACHINE = Machine(("/home/ada", "/tmp"), "gpu-box-7", "ada")


class Tracing(Judge):
    """Says where it ran when a kernel fails."""

    def evaluate(self, job: Job, progress: Progress) -> Evaluation:
        found = super().evaluate(job, progress)
        return found.model_copy(update={"reason": TRACE}) if found.reason else found


def answer(request: Any) -> str:
    """Kernels that fail, and that quote what they were told."""
    number = int(request.attempt.partition(".")[2])
    quoted = "/data/ada/cache/k.cubin" if "/data/ada/cache" in request.prompt else "nothing"
    return fence(source(4.0 - number / 4, "runtime_error" if number % 2 else "passed", tag=quoted))


@pytest.fixture
def ran(tmp_path: Path) -> tuple[Store, str]:
    """A campaign whose failures speak of paths, in reasons, prompts, replies and kernels."""
    store = Store.open(tmp_path / "old.db")
    campaign = begin(store, base_url="http://10.1.2.3:8000/v1", replay_from="/home/ada/replies").id
    run_campaign(store, campaign, Tracing(), Script(answer), Quiet())
    return store, campaign


def test_no_path_of_the_machine_is_left_anywhere(ran: tuple[Store, str]) -> None:
    found = export_campaign(*ran, MACHINE, {})
    text = found.data.decode()
    assert "illegal access" in text and f"{neutral('/x/k.cubin')[1:]}" in text
    for word in ("/home", "ada/", "/data", "10.1.2.3", "replies"):
        assert word not in text, word
    assert found.replaced[f"{HOME}/run/kernel.py", "…/kernel.py"] > 1
    assert "tag=…/k.cubin" in "".join(
        json.loads(text)["texts"][sha_][0] for sha_ in json.loads(text)["texts"]
    )


def test_brief_prompt_reply_kernel_and_verdict_still_belong_together(
    ran: tuple[Store, str], tmp_path: Path
) -> None:
    before = ran[0].record(ran[1])
    taken_in(tmp_path / "new.db", export_campaign(*ran, MACHINE, {}).data)
    with Store.open(tmp_path / "new.db") as store:
        record = store.record(ran[1])
        for attempt in record.attempts:
            if attempt.brief and attempt.prompt_sha:
                assert render(attempt.brief.template, attempt.brief.data()).text == store.text(
                    attempt.prompt_sha
                )
            if attempt.evaluation and attempt.kernel_sha:
                assert attempt.evaluation.kernel == attempt.kernel_sha
                assert store.text(attempt.kernel_sha) in (
                    attempt.reply.text if attempt.reply else source(8.0)
                )
    assert any(a.prompt_sha != b.prompt_sha for a, b in zip(before.attempts, record.attempts, strict=True))
    assert any(a.kernel_sha != b.kernel_sha for a, b in zip(before.attempts, record.attempts, strict=True))


def test_what_names_no_machine_is_not_touched(tmp_path: Path) -> None:
    with Store.open(tmp_path / "old.db") as store:
        fill(store, offline_record())
        here = export_campaign(store, "offl", this_machine(store.path), {})
        assert (here.data, here.replaced) == (exported(store, "offl"), {})


@pytest.mark.parametrize(
    ("sentence", "paths"),
    [
        ('File "/a b/c.py", line 3', {"/a b/c.py"}),
        ("cannot read '/data/x': no such file", {"/data/x"}),
        ("see /opt/acme/run.py:12, then go on", {"/opt/acme/run.py"}),
        ("gcc -I/opt/acme/include failed", {"/opt/acme/include"}),
        ("file:///opt/acme/x", {"/opt/acme/x"}),
        ("path=/opt/acme/x/", {"/opt/acme/x"}),
        ("(/opt/acme/x)", {"/opt/acme/x"}),
        ("12 ms/s and 3/4/5, a/b/c, n //= 2, x / y / z", set()),
        ("https://docs.example.org/a/b", set()),
        ("it opened /proc/self/maps and /dev/shm/x", set()),
        ("…/runner.py", set()),
    ],
    ids=range(11),
)
def test_absolute_paths_are_found_in_sentences(sentence: str, paths: set[str]) -> None:
    assert paths_in(sentence) == paths


def replaced(text: str, machine: Machine, sentences: str = "") -> str:
    from kernelwright.agent.portable.format import Bundle, as_data
    from kernelwright.agent.portable.paths import replacing

    record = offline_record()
    record.campaign.pause_reason = sentences
    swap: Replacing = replacing(as_data(Bundle(record, {sha(text): text})), machine)
    return swap(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from /home/ada/x/y.py:3", "from …/y.py:3"),
        ("/home/ada", "…/~"),
        ("a/home/ada", "a/home/ada"),
        ("n /tmp", "n /tmp"),
        ("at /tmp/kw-1/x.py", "at …/x.py"),
        ("/home/adam/x", "/home/adam/x"),
        ("ran on gpu-box-7 today", "ran on [host] today"),
        ("gpu-box-77", "gpu-box-77"),
        ("user ada", "user ada"),  # in a text it may be a word
    ],
    ids=range(9),
)
def test_what_this_machine_is_known_for_is_replaced_as_a_whole(text: str, expected: str) -> None:
    assert replaced(text, MACHINE) == expected


def test_an_ordinary_word_that_is_also_a_host_or_user_stays_in_programs() -> None:
    assert replaced("import triton", Machine((), "triton", "root")) == "import triton"


@pytest.mark.parametrize("word", ["campaign", "algorithm", "rtx-4090", "openai", "reason", "root"])
def test_a_host_or_user_may_be_called_like_anything_of_a_campaign(tmp_path: Path, word: str) -> None:
    with Store.open(tmp_path / "old.db") as store:
        fill(store, offline_record())
        found = export_campaign(store, "offl", Machine((), word, word), {})
    taken_in(tmp_path / "new.db", found.data)


def test_a_user_whose_name_is_in_no_text_goes_from_sentences(tmp_path: Path) -> None:
    record = offline_record()
    record.campaign.finish_reason = "ended by grace"
    with Store.open(tmp_path / "old.db") as store:
        fill(store, record)
        assert b"ended by [user]" in export_campaign(store, "offl", Machine((), "", "grace"), {}).data


@given(
    name=st.from_regex(r"[a-z]{1,8}\.py", fullmatch=True),
    folders=st.lists(st.from_regex(r"[a-z]{2,9}", fullmatch=True), min_size=2, max_size=5),
)
def test_whatever_path_a_sentence_names_goes_from_every_text(name: str, folders: list[str]) -> None:
    path = "/".join(["/mnt", *folders, name])
    text = f"# from {path}\nx = '{path}'\n"
    assert replaced(text, NOWHERE, f"it failed in {path}: no") == f"# from …/{name}\nx = '…/{name}'\n"


@pytest.mark.parametrize(
    "key",
    [
        "sk-" + "proj-" + "aB3" * 8,
        "Authorization: Bearer " + "a1" * 12,
        "hf_" + "aB3" * 8,
        "ftp://ada:pw@host/v1",
        "nvapi-" + "aB3" * 8,
        "https://api.example/v1?api_key=" + "a1" * 8,
        "eyJ" + "a1" * 8 + ".eyJ" + "b2" * 8 + ".c3",
        "value-of-it",
    ],
    ids=["sk", "bearer", "hf", "url", "nvapi", "query", "web token", "environment"],
)
@pytest.mark.parametrize("place", ["reply", "reason", "pause"])
def test_a_campaign_with_a_key_is_refused_and_says_where(tmp_path: Path, key: str, place: str) -> None:
    record = offline_record()
    if place == "reply":
        assert record.attempts[2].reply is not None
        record.attempts[2].reply.text = f"use {key} please"
    elif place == "reason":
        assert record.attempts[2].decision is not None
        record.attempts[2].decision.reason = f"the API said {key}"
    else:
        record.campaign.pause_reason = f"refused: {key}"
    with Store.open(tmp_path / "old.db") as store:
        fill(store, record)
        with pytest.raises(PortableError) as refusal:
            export_campaign(store, "offl", NOWHERE, {"SOME_API_KEY": "value-of-it", "HOME": "again"})
    assert ("campaign itself" if place == "pause" else "attempt offl.2") in str(refusal.value)
    assert key not in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "sk_offset = pk_base - hf_row",
        "task-specific-things-are-here",
        "the bearer of bad news",
        "risk-averse-and-long-enough",
        "x = sk - block_size",
        "sk-learn-style-normalisation",
        "a bearer authentication-scheme",
    ],
)
def test_programs_hold_no_keys(text: str) -> None:
    assert key_in(text, keys_of({"SHORT_KEY": "x", "KEY_PATH": "task", "MY_KEY": "/task"})) is None


@pytest.mark.parametrize("part, form", FORMS, ids=[part for part, _ in FORMS])
@given(data=st.data())
def test_what_is_looked_for_first_is_part_of_every_key_of_its_form(
    part: str, form: str, data: st.DataObject
) -> None:
    assert re.search(part, data.draw(st.from_regex(form)))


@given(
    st.lists(
        st.dictionaries(st.text(max_size=3), st.text(max_size=3) | st.none() | st.lists(st.text(max_size=3)))
    )
)
def test_every_string_of_some_data_is_swapped_and_counted(values: list[dict[str, Any]]) -> None:
    told: Counter[str] = Counter()

    def swap(text: str, often: int) -> str:
        told[text] += often
        return f"{text}."

    def by_hand(value: Any) -> Any:
        if isinstance(value, dict):
            return {f"{key}.": by_hand(each) for key, each in value.items()}
        if isinstance(value, list):
            return [by_hand(each) for each in value]
        return f"{value}." if isinstance(value, str) else value

    assert rewritten(values, swap) == by_hand(values)
    lists = [each for value in values for each in value.values()]
    nested = [text for each in lists if isinstance(each, list) for text in each]
    assert told == Counter(
        [*(key for value in values for key in value), *(e for e in lists if isinstance(e, str)), *nested]
    )
    assert set(told) == set(strings(values))


@pytest.mark.parametrize("name", ["API_KEY", "OPENAI_API_KEY_2", "PGPASSWORD", "hf_token", "AWS_CREDENTIALS"])
def test_a_variable_is_known_for_a_secret_by_its_name(name: str) -> None:
    assert keys_of({name: "value-of-it", "MONKEY": "banana-split", "KEYBOARD": "german-layout"}) == {
        "value-of-it"
    }


def test_a_host_is_the_same_in_capitals(tmp_path: Path) -> None:
    record = offline_record()
    assert record.attempts[2].decision is not None
    record.attempts[2].decision.reason = "NODE17.Cluster.corp ran out of memory"
    with Store.open(tmp_path / "old.db") as store:
        fill(store, record)
        data = export_campaign(store, "offl", Machine(host="node17.cluster.corp"), {}).data
    assert b'"[host] ran out of memory"' in data


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("layer_norm", "layer_norm"),
        ("/home/ada/my task", "my_task (not bundled)"),
        ("/home/ada/problem_3.py", "problem_3 (not bundled)"),
        ("../../x", "x (not bundled)"),
        ("my_task (not bundled)", "my_task (not bundled)"),
        ("newer_task", "newer_task (not bundled)"),
        ("", "task (not bundled)"),
        ("a\x1b[2J", "a_2J (not bundled)"),
    ],
    ids=range(8),
)
def test_only_a_bundled_task_keeps_its_name(task: str, name: str) -> None:
    assert task_name(task) == name == task_name(name)


def test_a_task_that_was_left_behind_is_not_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where somebody prepared a folder of that very name."""
    monkeypatch.chdir(tmp_path)
    trap = tmp_path / "evil (not bundled)"
    trap.mkdir()
    (trap / "task.toml").write_text('name = "evil"\ntitle = "t"\ndtype = "float32"\n')
    (trap / "reference.py").write_text("raise SystemExit('loaded')\n")
    with pytest.raises(TaskError, match="stayed where its campaign was exported"):
        load_task("evil (not bundled)")


def changed(**changes: object) -> Record:
    record = offline_record()
    record.campaign = record.campaign.model_copy(update=changes)
    return record


def test_a_running_campaign_is_exported_as_paused(tmp_path: Path) -> None:
    with Store.open(tmp_path / "old.db") as store:
        fill(store, changed(status=CampaignStatus.RUNNING, finish_reason=None))
        content = exported(store, "offl")
    taken_in(tmp_path / "new.db", content)
    with Store.open(tmp_path / "new.db") as store:
        campaign = store.record("offl").campaign
    assert (campaign.status, campaign.pause_reason) == (CampaignStatus.PAUSED, STOPPED)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"task": "gone (not bundled)"}, "TaskError"),
        ({"target": "rtx-9999"}, "UnknownGpu"),
        ({"stages": ["algorithm", "levitation"]}, "UnknownStage"),
    ],
    ids=["task", "target", "stage"],
)
def test_what_a_resume_would_need_and_is_not_here_is_said(changes: dict[str, object], kind: str) -> None:
    record = offline_record()
    record.campaign.settings = record.campaign.settings.model_copy(update=changes)
    with pytest.raises(ValueError) as refusal:
        can_go_on(record)
    assert type(refusal.value).__name__ == kind


def test_a_moving_campaign_is_exported_as_it_was_at_one_moment(tmp_path: Path) -> None:
    """Whatever another process stores in the middle is not seen."""
    record = offline_record()
    path = tmp_path / "old.db"
    with Store.open(path) as store, Store.open(path) as other:
        fill(store, record)
        with store.one_moment():
            assert len(store.record("offl").attempts) == 5
            more = record.attempts[4].model_copy(update={"id": "offl.5", "number": 5})
            other.save_attempt(more)
            assert len(store.record("offl").attempts) == 5
        assert len(store.record("offl").attempts) == 6
