"""`ask` against a real HTTP server; in all tests but one the judge believes what a kernel says of itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "providers"))
from judges import CARD, Judges
from kernelwright.agent.answer import Answer
from kernelwright.agent.record import Reply
from kernelwright.agent.store import Answers, Store
from kernelwright.evaluator.client import JudgeClient
from kernelwright.evaluator.protocol import EnvironmentLacks, GpuUnhealthy, Job
from loop_world import fence, source
from model_server import Api, completion, error, serving
from sample_campaigns import HOSTILE

Command = Callable[..., tuple[int, str, str]]
Process = Callable[..., subprocess.CompletedProcess[bytes]]
KEY = "sk-test-0123456789abcdefghijkl"
STORE = Path(".kernelwright") / "campaigns.db"
REAL = Path(__file__).parents[3] / "benchmarks" / "h200" / "layer_norm.db"


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch, judges: Judges) -> None:
    monkeypatch.setattr("kernelwright.evaluator.devices.detect_card", lambda: CARD)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving() as served:
        monkeypatch.setenv("OPENAI_BASE_URL", served.url)
        served.answers.append(completion(fence(source(2.0))))
        yield served


def campaign(command: Command, tmp_path: Path, device: str, *, first: str = source(4.0)) -> str:
    """A seed of 8 ms and an attempt that answered with that kernel; its id."""
    (tmp_path / "seed.py").write_text(source(8.0))
    folder = tmp_path / "replies"
    folder.mkdir()
    (folder / "1.reply.md").write_text(fence(first))
    line = ("run", "layer_norm", "--device", device, "--stages", "block_tiling", "--rounds", "1")
    replay = ("--repairs", "0", "--provider", "replay", "--set", f"provider.replay_from={folder}")
    code, out, err = command(*line, "--seed", "seed.py", *replay)
    found = re.search(r"kernelwright tree (\w+)", out)
    assert code == 0 and found, err
    return f"{found.group(1)}.1"


@pytest.fixture
def attempt(command: Command, judges: Judges, tmp_path: Path) -> str:
    name = campaign(command, tmp_path, "offline")
    judges.opened.clear()
    return name


@pytest.fixture
def measured(command: Command, judges: Judges, card: None, tmp_path: Path) -> str:
    name = campaign(command, tmp_path, "cuda")
    judges.opened.clear()
    return name


def answers(attempt: str) -> list[Answer]:
    with Store.open(STORE, read_only=True) as store:
        return Answers(store).of(attempt)


def interrupt(job: Job) -> None:
    raise KeyboardInterrupt


def test_the_stored_prompt_goes_out_byte_for_byte_and_both_stand_side_by_side(
    command: Command, judges: Judges, attempt: str, api: Api
) -> None:
    code, out, err = command("ask", attempt, "--model", "small", "--set", "provider.temperature=0.5")
    assert code == 0
    (seen,) = api.seen
    assert seen["messages"] == [{"role": "user", "content": command("show", attempt, "--prompt")[1]}]
    assert (seen["model"], seen["temperature"]) == ("small", 0.5)
    assert judges.judged == [source(2.0)]
    rows = {line[:20].strip(): line[20:] for line in out.splitlines() if line}
    assert "openai/small-model-2, asked as openai/small" in rows["model"]
    for title, cell in {
        "parameters": "temperature 0.5", "finish reason": "stop", "tokens": "11 + 7", "verdict": "passed",
        "time": "2.00 ms est. (1.40–2.80)", "against the parent": "+1 −1 lines", "gain": "not measured",
    }.items():  # fmt: skip
        assert cell in rows[title], out
    assert "4.00 ms est." in rows["time"] and f"kernelwright ask {attempt}@1 --code" in out
    assert f"judging {attempt}@1" in err
    assert command("ask", f"{attempt}@1", "--code")[1] == source(2.0)
    assert command("ask", f"{attempt}@1", "--reply")[1] == fence(source(2.0))


def test_the_campaign_stays_as_it_was_run(command: Command, judges: Judges, attempt: str, api: Api) -> None:
    before = [command(*line, "--json")[1] for line in (("list",), ("tree", attempt[:4]), ("show", attempt))]
    command("ask", attempt, "--model", "small")
    after = [command(*line, "--json")[1] for line in (("list",), ("tree", attempt[:4]), ("show", attempt))]
    assert after == before


def test_the_key_is_nowhere(command: Command, judges: Judges, attempt: str, api: Api) -> None:
    api.answers[0] = completion(f"The key is {KEY}.\n{fence(source(2.0))}")
    said = "".join(map(str, command("ask", attempt, "--model", "small")))
    said += "".join(map(str, command("ask", f"{attempt}@1", "--json")))
    assert api.seen[0]["auth"] == f"Bearer {KEY}"
    kept = b"".join(path.read_bytes() for path in STORE.parent.rglob("*") if path.is_file())
    assert KEY not in said and KEY.encode() not in kept


def test_the_key_does_not_go_to_an_address_that_a_store_names(
    command: Command, judges: Judges, attempt: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.delenv("OPENAI_API_KEY")
    with sqlite3.connect(STORE) as raw:
        raw.execute(
            "UPDATE campaigns SET data = json_set(data, '$.settings.base_url', ?, '$.settings.provider', 'openai')",
            (api.url,),
        )
    code, _, err = command("ask", attempt, "--model", "small")
    assert (code, api.seen) == (3, []) and "OPENAI_API_KEY is not set" in err


def test_asking_again_adds_an_answer_and_reading_shows_all(
    command: Command, judges: Judges, attempt: str, api: Api
) -> None:
    code, out, _ = command("ask", attempt)
    assert code == 0 and f"kernelwright ask {attempt} --model NAME" in out
    api.answers.insert(0, completion(fence(source(3.0))))
    for _ in range(2):
        command("ask", attempt, "--model", "small")
    command("ask", attempt, "--model", "other")
    out = command("ask", attempt)[1]
    lines = out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [attempt, *(f"{attempt}@{n}" for n in (1, 2, 3))]
    assert "3.00 ms est." in lines[2] and "2.00 ms est." in lines[3]
    data = json.loads(command("ask", attempt, "--json")[1])
    assert [answer["verdict"]["estimate"]["ms"] for answer in data["answers"]] == [3.0, 2.0, 2.0]
    assert [answer["asked"] for answer in data["answers"]] == ["openai/small", "openai/small", "openai/other"]
    assert data["attempt"]["id"] == attempt and len(api.seen) == 3


def test_json_is_the_whole_of_stdout(command: Command, judges: Judges, attempt: str, api: Api) -> None:
    data = json.loads(command("ask", attempt, "--model", "small", "--json")[1])
    assert data["answers"][0]["reply"]["usage"] == {"prompt_tokens": 11, "completion_tokens": 7}
    whole = json.loads(command("ask", f"{attempt}@1", "--json")[1])
    assert whole["reply"]["text"] == fence(source(2.0)) and whole["evaluation"]["schema"] == 1


def test_a_truncated_reply_is_a_result_and_needs_no_judge(
    command: Command, judges: Judges, attempt: str, api: Api
) -> None:
    api.answers[0] = completion("```python\nimport triton", finish="length")
    code, out, err = command("ask", attempt, "--model", "small")
    assert (code, judges.opened) == (0, []) and "none: truncated" in out and "cut off" in out + err
    assert f"kernelwright ask {attempt}@1 --reply" in out
    code, _, err = command("ask", f"{attempt}@1", "--code")
    assert code == 2 and "truncated" in err
    command("ask", attempt, "--model", "small")
    assert len(answers(attempt)) == 2  # nothing was left to do about the first


def test_a_wrong_kernel_is_a_result(command: Command, judges: Judges, attempt: str, api: Api) -> None:
    api.answers[0] = completion(fence(source(1.0, "incorrect")))
    code, out, _ = command("ask", attempt, "--model", "small")
    assert code == 0 and "incorrect" in out and "told to be incorrect" in out


def test_a_hostile_reply_reaches_no_terminal(
    command: Command, judges: Judges, attempt: str, api: Api, process: Process
) -> None:
    text = HOSTILE + fence(source(2.0, tag="x")) + HOSTILE
    api.answers[0] = completion(text, finish=HOSTILE, model=HOSTILE)
    said = "".join(map(str, command("ask", attempt, "--model", HOSTILE)))
    said += "".join(command("ask", attempt)[1:]) + "".join(command("ask", f"{attempt}@1")[1:])
    assert "\x1b" not in said and "\u202e" not in said and "\\x1b[2J" in said
    done = process("ask", f"{attempt}@1", "--reply")
    assert (done.returncode, done.stdout) == (0, text.encode())


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (KeyboardInterrupt(), 130),
        (GpuUnhealthy("the card hangs: run nvidia-smi"), 5),
        (EnvironmentLacks("no compiler: apt-get install gcc"), 3),
    ],
    ids=["ctrl_c", "gpu", "compiler"],
)
def test_a_reply_that_was_paid_for_is_judged_at_the_next_call(
    command: Command, judges: Judges, attempt: str, api: Api, problem: BaseException, expected: int
) -> None:
    def stop(job: Job) -> None:
        raise problem

    judges.before = stop
    code, out, err = command("ask", attempt, "--model", "small")
    assert (code, out) == (expected, "") and "Traceback" not in err
    assert err.splitlines()[-1].endswith(
        f"`kernelwright ask {attempt} --model small --device offline` goes on"
    )
    assert all(judge.closed for judge in judges.opened)
    judges.before = lambda job: None
    assert command("ask", attempt, "--model", "small")[0] == 0
    assert len(api.seen) == 1 and len(answers(attempt)) == 1
    command("ask", attempt, "--model", "small")
    assert len(api.seen) == 2


def test_a_reply_whose_kernel_was_not_taken_out_yet_is_taken_up(
    command: Command, judges: Judges, attempt: str, api: Api
) -> None:
    """What a kill leaves that came right after the reply."""
    with Store.open(STORE) as store:
        asked = store.record(attempt[:4]).attempt(attempt)
        reply = Reply(text=fence(source(1.5)), provider="openai", model="m")
        Answers(store).new(asked, "openai", "small", reply)
    assert command("ask", attempt, "--model", "small", "--no-evaluate")[0] == 0
    assert api.seen == [] and answers(attempt)[0].kernel_sha is not None
    code, out, _ = command("ask", attempt, "--model", "small")
    assert code == 0 and api.seen == [] and "1.50 ms est." in out


def test_without_evaluation_every_call_asks_and_a_later_one_judges_all(
    command: Command, judges: Judges, attempt: str, api: Api
) -> None:
    api.answers.insert(0, completion(fence(source(3.0))))
    for _ in range(2):
        code, out, _ = command("ask", attempt, "--model", "small", "--no-evaluate")
        assert code == 0 and "not judged" in out
    assert judges.opened == [] and len(api.seen) == 2
    command("ask", attempt, "--model", "small")
    assert judges.judged == [source(3.0), source(2.0)] and len(api.seen) == 2


@pytest.mark.parametrize(("status", "words"), [(401, "refuses the key"), (404, "does not know the model")])
def test_an_api_that_refuses_pauses_and_stores_nothing(
    command: Command, judges: Judges, attempt: str, api: Api, status: int, words: str
) -> None:
    api.answers[0] = error(status)
    code, out, err = command("ask", attempt, "--model", "small")
    assert (code, out, judges.opened, answers(attempt)) == (5, "", [], [])
    assert words in err and f"`kernelwright ask {attempt} --model small" in err and KEY not in err


def test_a_person_answers(command: Command, judges: Judges, attempt: str, tmp_path: Path) -> None:
    line = ("ask", attempt, "--provider", "manual", "--model", "some/model")
    code, out, err = command(*line)
    folder = tmp_path / ".kernelwright" / "manual" / attempt[:4]
    prompt = folder / f"{attempt}.some_model.1.prompt.md"
    assert (code, out) == (4, "") and str(prompt) in err and "--provider manual --model some/model" in err
    assert prompt.read_bytes() == command("show", attempt, "--prompt")[1].encode()
    command("ask", attempt, "--provider", "manual", "--model", "another")
    prompt.with_name(prompt.name.replace("prompt", "reply")).write_text(fence(source(3.0)))
    code, out, _ = command(*line)
    assert code == 0 and "manual/some/model" in out and "3.00 ms est." in out
    assert command(*line)[0] == 4  # a second answer has files of its own
    assert command("ask", attempt, "--provider", "manual", "--model", "another")[0] == 4


def test_stored_replies_answer(command: Command, judges: Judges, attempt: str, tmp_path: Path) -> None:
    """The prompt is the stored one, so its own reply answers; there is one only."""
    line = ("ask", attempt, "--provider", "replay", "--set", f"provider.replay_from={STORE}")
    code, out, _ = command(*line)
    assert code == 0 and f"the same as {attempt}" in out
    assert command(*line)[0] == 1
    code, out, _ = command(*line[:-1], f"provider.replay_from={tmp_path / 'replies'}", "--model", "folder")
    assert code == 0 and answers(attempt)[-1].model == "folder"


def test_a_measured_attempt_is_not_compared_with_an_estimate(
    command: Command,
    judges: Judges,
    measured: str,
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kernelwright.evaluator.devices.detect_card", lambda: None)
    code, out, _ = command("ask", measured, "--model", "small")
    sentence = (
        f"not comparable: the verdict on {measured} was measured on NVIDIA H200 and not estimated offline"
    )
    assert code == 0 and sentence in out and "its kernel was judged again here" in out
    assert judges.judged == [source(2.0), source(4.0)] and f"{measured} judged again" in out
    data = json.loads(command("ask", measured, "--json")[1])
    (answer,) = data["answers"]
    assert answer["attempt_again"]["estimate"]["ms"] == 4.0 and answer["verdict"]["estimate"]["ms"] == 2.0
    assert data["attempt"]["verdict"]["timing"]["median_ms"] == 4.0
    api.answers[0] = completion(fence(source(3.0)))
    command("ask", measured, "--model", "small")
    assert judges.judged[2:] == [source(3.0)]  # the attempt's own estimate is there already
    assert [a.again is not None for a in answers(measured)] == [True, True]


def test_a_stop_between_the_two_verdicts_costs_neither_again(
    command: Command, judges: Judges, measured: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernelwright.evaluator.devices.detect_card", lambda: None)

    def at_the_second(job: Job) -> None:
        if job.source == source(4.0):
            raise KeyboardInterrupt

    judges.before = at_the_second
    assert command("ask", measured, "--model", "small")[0] == 130
    assert "has yet to be judged here" in command("ask", measured)[1]
    judges.before = lambda job: None
    assert command("ask", measured, "--model", "small")[0] == 0
    assert judges.judged == [source(2.0), source(4.0)] and len(api.seen) == 1


def test_an_attempt_judged_again_on_other_ground_is_judged_again_here(
    command: Command, judges: Judges, measured: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernelwright.evaluator.devices.detect_card", lambda: None)
    command("ask", measured, "--model", "small")
    (first,) = answers(measured)
    with Store.open(STORE) as store:
        elsewhere = store.attempt(measured).evaluation
        Answers(store).save(first.model_copy(update={"again": elsewhere}))
    api.answers[0] = completion(fence(source(3.0)))
    command("ask", measured, "--model", "small")
    assert judges.judged[2:] == [source(3.0), source(4.0)]
    second = answers(measured)[1]
    assert second.again is not None and second.again.provenance == "estimated"


def test_an_answer_that_was_half_judged_elsewhere_is_judged_anew(
    command: Command, judges: Judges, measured: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without_card:
        without_card.setattr("kernelwright.evaluator.devices.detect_card", lambda: None)
        judges.before = lambda job: interrupt(job) if job.source == source(4.0) else None
        assert command("ask", measured, "--model", "small")[0] == 130
    assert command("ask", measured, "--model", "small")[0] == 0
    (answer,) = answers(measured)
    assert answer.evaluation is not None and answer.evaluation.provenance == "measured"
    assert (answer.differences, answer.again, len(api.seen)) == ([], None, 1)


def test_on_a_card_both_are_timed_against_the_same_kernel(
    command: Command, judges: Judges, measured: str, api: Api
) -> None:
    code, out, _ = command("ask", measured, "--model", "small")
    (judge,) = judges.opened
    (job,) = judge.jobs  # the stored verdict is of this card, so it stands
    assert code == 0 and (job.source, job.against) == (source(2.0), source(8.0))
    seed = f"{measured[:4]}.0"
    assert f"4.00× [3.98, 4.02] over {seed}" in out and f"2.00× [1.99, 2.01] over {seed}" in out
    assert "not comparable" not in out


def test_an_attempt_that_failed_is_compared_with_and_not_judged_again(
    command: Command, judges: Judges, card: None, tmp_path: Path, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = campaign(command, tmp_path, "cuda", first="def broken(:\n")
    judges.opened.clear()
    monkeypatch.setattr("kernelwright.evaluator.devices.detect_card", lambda: None)
    code, out, _ = command("ask", name, "--model", "small")
    assert code == 0 and judges.judged == [source(2.0)]
    assert re.search(r"verdict +none: \w+ +passed", out) and "not comparable" not in out


def test_nothing_is_asked_that_could_not_be_judged(
    command: Command, judges: Judges, attempt: str, api: Api
) -> None:
    assert command("ask", attempt, "--model", "small", "--device", "cuda")[0] == 3
    with sqlite3.connect(STORE) as raw:
        raw.execute("UPDATE campaigns SET data = json_set(data, '$.settings.task', '/nowhere/task')")
    assert command("ask", attempt, "--model", "small")[0] == 2
    assert api.seen == []
    assert command("ask", attempt, "--model", "small", "--no-evaluate")[0] == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{0} --device offline", "--model NAME"),
        ("{0} --provider tuner", "openai, manual, replay"),
        ("{0} --provider oracle", "provider.name"),
        ("{0} --model m --base-url http://me:secret@localhost/v1", "'@'"),
        ("{0} --model m --base-url nowhere", "no address"),
        ("{0} --model m --set provider.api_key=x", "environment"),
        ("{0} --model m --device tpu", "unknown device"),
        ("{0} --model m --code", "leave out --model"),
        ("{0}@1 --model m", "leave out --model"),
        ("{0}@7", "there is no answer"),
        ("{0} --code", "name one answer"),
        ("{0}@1 --code --reply", "choose one"),
        ("{1}.0 --model m", "asked nothing (seed)"),
        ("zzzz.1 --model m", "no campaign"),
        ("{0} --provider replay", "replay_from"),
    ],
)
def test_bad_input_is_one_sentence(
    command: Command, judges: Judges, attempt: str, api: Api, line: str, words: str
) -> None:
    command("ask", attempt, "--model", "small", "--no-evaluate")
    code, out, err = command("ask", *line.format(attempt, attempt[:4]).split())
    assert (code, out) == (2, "") and words in err.splitlines()[-1] and "Traceback" not in err
    assert len(answers(attempt)) == 1


def test_two_do_not_ask_at_once(command: Command, judges: Judges, attempt: str, api: Api) -> None:
    with Store.open(STORE) as store, Answers(store).hold(attempt):
        code, _, err = command("ask", attempt, "--model", "small")
    assert code == 5 and f"attempt {attempt} is held by process {os.getpid()}" in err and api.seen == []
    with Store.open(STORE) as store, store.hold(attempt[:4]):  # the campaign may run on meanwhile
        assert command("ask", attempt, "--model", "small")[0] == 0


def test_the_real_judge_on_a_store_of_an_earlier_format(
    command: Command, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A measured attempt of a campaign on an H200, with another attempt's kernel as the answer, judged offline."""
    monkeypatch.setattr("kernelwright.evaluator.devices.detect_card", lambda: None)
    monkeypatch.setattr("kernelwright.evaluator.client.open_evaluator", JudgeClient)
    old = tmp_path / "old.db"
    shutil.copyfile(REAL, old)
    api.answers[0] = completion(command("show", "ctc4.4", "--reply", "--store", old)[1])
    code, out, err = command("ask", "ctc4.1", "--model", "small", "--store", old, "--json")
    assert code == 0, err
    data = json.loads(out)
    (answer,) = data["answers"]
    assert answer["verdict"]["status"] == answer["attempt_again"]["status"] == "passed"
    assert answer["verdict"]["estimate"] and answer["attempt_again"]["estimate"]
    assert answer["differences"][0] == "measured on NVIDIA H200 and not estimated offline"
    assert data["attempt"]["verdict"]["timing"]["median_ms"] == pytest.approx(0.2153, abs=1e-3)
