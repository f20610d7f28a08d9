"""`run` and `resume` on a real store; the judge is one that believes what a kernel says of itself."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kernelwright.agent.store import Store
from kernelwright.evaluator.client import JudgeClient
from kernelwright.evaluator.protocol import EnvironmentLacks, GpuUnhealthy, Job
from kernelwright.reference_kernels import load_task

sys.path.insert(0, str(Path(__file__).parents[1]))

from judges import CARD, Judges
from loop_world import fence, source

Command = Callable[..., tuple[int, str, str]]
OFFLINE = ("run", "layer_norm", "--device", "offline", "--stages", "block_tiling", "--rounds", "2")


@pytest.fixture
def replies(tmp_path: Path, judges: Judges) -> tuple[str, ...]:
    """A seed of 8 ms and two replies, 4 ms and 5 ms, as options of `run`."""
    (tmp_path / "seed.py").write_text(source(8.0))
    folder = tmp_path / "replies"
    folder.mkdir()
    (folder / "1.reply.md").write_text(fence(source(4.0)))
    (folder / "2.reply.md").write_text(fence(source(5.0)))
    return ("--seed", "seed.py", "--provider", "replay", "--set", f"provider.replay_from={folder}")


def campaign_of(text: str) -> str:
    found = re.search(r"kernelwright (?:resume|tree) ([a-z0-9]+)", text)
    assert found, text
    return found.group(1)


def stop(problem: BaseException) -> Callable[[Job], None]:
    def before(job: Job) -> None:
        raise problem

    return before


def test_a_whole_campaign(command: Command, replies: tuple[str, ...]) -> None:
    code, out, err = command(*OFFLINE, *replies)
    assert code == 0
    lines = err.splitlines()
    assert lines[0].startswith("device: offline, as asked") and lines[1].startswith("provider: replay")
    name = campaign_of(out)
    done = [line for line in lines if line.startswith(f"{name}.")]
    assert len(done) == 3 and "4.00 ms est." in done[1] and "not kept" in done[2]
    assert out.startswith(f"best kernel: {name}.1, 4.00 ms est.") and "provisional" in out
    for follower in ("best", "tree", "diff", "resume"):
        assert f"kernelwright {follower} {name}" in out
    assert command("best", name)[1].endswith(source(4.0))


def test_the_first_lines_say_what_was_chosen(command: Command, judges: Judges) -> None:
    _, out, err = command("run", "layer_norm", "--dry-run")
    assert err == ""
    assert "no GPU found: candidates are compiled for the RTX 4090 and their time is estimated" in out
    assert "provider: tuner" in out and "neither OPENAI_API_KEY nor a base URL" in out


def test_a_dry_run_does_nothing(command: Command, judges: Judges, tmp_path: Path) -> None:
    code, out, _ = command("run", "layer_norm", "--dry-run", "--json", "--max-tokens", "7", "--rounds", "3")
    data = json.loads(out)
    assert code == 0 and data["budget"]["max_tokens"] == 7 and data["first_prompt"]["characters"] > 5000
    assert judges.opened == [] and list(tmp_path.iterdir()) == []


def test_json_is_the_whole_of_stdout(command: Command, replies: tuple[str, ...]) -> None:
    code, out, err = command(*OFFLINE, *replies, "--json")
    data = json.loads(out)
    assert code == 0 and data["status"] == "finished" and data["best"]["verdict"]["estimate"]["ms"] == 4.0
    assert data["provisional"] is True and err


def test_flags_win_over_set_over_file(command: Command, judges: Judges, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[campaign]\nrounds = 5\nsamples = 5\nrepairs = 5\n")
    line = [
        "--config",
        "c.toml",
        "--set",
        "campaign.samples=4",
        "--set",
        "campaign.repairs=4",
        "--repairs",
        "3",
    ]
    data = json.loads(command("run", "layer_norm", "--dry-run", "--json", *line)[1])["settings"]
    assert (data["rounds"], data["samples"], data["repairs"]) == (5, 4, 3)


def test_a_reply_from_a_person(command: Command, judges: Judges, tmp_path: Path) -> None:
    (tmp_path / "seed.py").write_text(source(8.0))
    code, _, err = command(*OFFLINE, "--seed", "seed.py", "--provider", "manual", "--rounds", "1")
    name = campaign_of(err)
    prompt = tmp_path / ".kernelwright" / "manual" / name / f"{name}.1.prompt.md"
    assert code == 4 and str(prompt) in err and source(8.0) in prompt.read_text()
    assert command("resume", name)[0] == 4
    prompt.with_name(f"{name}.1.reply.md").write_text(fence(source(2.0)))
    code, out, _ = command("resume", name)
    assert code == 0 and "2.00 ms est." in out


def test_a_spent_budget_pauses_and_more_goes_on(command: Command, replies: tuple[str, ...]) -> None:
    code, _, err = command(*OFFLINE, *replies, "--max-minutes", "0.0000001")
    name = campaign_of(err)
    assert code == 5 and f"`kernelwright resume {name} --max-minutes N` goes on" in err.splitlines()[-1]
    assert command("resume", name)[0] == 5
    assert command("resume", name, "--max-minutes", "30")[0] == 0
    assert json.loads(command("list", "--json")[1])[0]["status"] == "finished"


def test_a_resume_changes_the_number_of_rounds(
    command: Command, judges: Judges, replies: tuple[str, ...]
) -> None:
    judged: list[Job] = []

    def stop_at_the_second(job: Job) -> None:
        judged.append(job)
        if len(judged) == 2:
            raise KeyboardInterrupt

    judges.before = stop_at_the_second
    name = campaign_of(command(*OFFLINE, *replies)[2])
    for wrong in ("0", "-1"):
        code, _, err = command("resume", name, "--rounds", wrong)
        assert code == 2 and "campaign.rounds" in err and "Traceback" not in err
    assert command("resume", name, "--rounds", "1")[0] == 0
    with Store.open(Path(".kernelwright/campaigns.db"), read_only=True) as store:
        record = store.record(name)
    assert record.campaign.settings.rounds == 1 and record.campaign.status.value == "finished"
    assert [(a.round, a.done) for a in record.attempts] == [(0, True), (1, True)]
    code, _, err = command("resume", name, "--rounds", "3")
    assert code == 0 and f"campaign {name} is finished already: nothing is left to do" in err.splitlines()


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (KeyboardInterrupt(), 130),
        (GpuUnhealthy("the card hangs: run nvidia-smi"), 5),
        (EnvironmentLacks("no compiler: apt-get install gcc"), 3),
    ],
)
def test_what_stops_a_campaign_says_how_to_go_on(
    command: Command, judges: Judges, replies: tuple[str, ...], problem: BaseException, expected: int
) -> None:
    judges.before = stop(problem)
    code, out, err = command(*OFFLINE, *replies)
    name = campaign_of(err)
    assert (code, out) == (expected, "")
    assert err.splitlines()[-1].endswith(f"`kernelwright resume {name}` goes on") and "Traceback" not in err
    assert all(judge.closed for judge in judges.opened)
    judges.before = lambda job: None
    code, _, err = command("resume", name)
    assert code == 0 and err.startswith("device: offline, as before")


def test_an_evaluator_that_dies_offline_is_not_blamed_on_a_gpu(
    command: Command, replies: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernelwright.evaluator.client.open_evaluator", JudgeClient)
    monkeypatch.setattr("kernelwright.evaluator.judge_process.sys.executable", "/bin/false")
    code, _, err = command(*OFFLINE, *replies)
    name = campaign_of(err)
    with Store.open(Path(".kernelwright/campaigns.db"), read_only=True) as store:
        reason = store.record(name).campaign.pause_reason
    assert code == 5 and reason and "evaluator" in reason
    for said in (err.splitlines()[-1], reason):
        assert not re.search(r"gpu|cuda|\bcard\b", said, re.IGNORECASE)


def test_another_store_is_in_the_commands(command: Command, judges: Judges, replies: tuple[str, ...]) -> None:
    judges.before = stop(KeyboardInterrupt())
    _, _, err = command(*OFFLINE, *replies, "--store", "my store.db")
    name = campaign_of(err)
    assert f"`kernelwright resume {name} --store 'my store.db'` goes on" in err
    judges.before = lambda job: None
    assert (
        f"kernelwright tree {name} --store 'my store.db'"
        in command("resume", name, "--store", "my store.db")[1]
    )


def test_a_seed_that_fails(command: Command, judges: Judges, tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(source(8.0, "incorrect"))
    code, out, err = command(*OFFLINE, "--seed", "wrong.py", "--provider", "manual")
    assert code == 1 and "incorrect" in out + err and "Traceback" not in err


def test_an_offline_find_is_decided_on_a_card(
    command: Command, judges: Judges, replies: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = campaign_of(command(*OFFLINE, *replies)[1])
    monkeypatch.setattr("kernelwright.evaluator.devices.detect_card", lambda: CARD)
    code, out, err = command("resume", name, "--device", "cuda")
    assert code == 0 and [judge.kind for judge in judges.opened] == ["offline", "cuda"]
    assert "which is not the card here (NVIDIA H200)" in err
    data = json.loads(command("tree", name, "--json")[1])
    best = next(attempt for attempt in data["attempts"] if attempt["id"] == data["best"])
    assert best["verdict"]["provenance"] == "measured" and best["verdict"]["timing"]["median_ms"] == 4.0
    assert "provisional" not in out.splitlines()[0]
    code, _, err = command("resume", name, "--device", "offline")
    assert code == 2 and "--device cuda" in err


def test_the_target_is_the_card_that_is_there(
    command: Command, judges: Judges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernelwright.evaluator.devices.detect_card", lambda: CARD)
    data = json.loads(command("run", "layer_norm", "--dry-run", "--json")[1])
    assert (data["settings"]["device"], data["settings"]["target"]) == ("cuda", "h200")


def test_ctrl_c_on_the_real_command(tmp_path: Path) -> None:
    """The real evaluator is at work when SIGINT comes: 130, the campaign is stored, nothing is left running."""
    argv = [sys.executable, "-m", "kernelwright.agent", "run", "layer_norm", "--device", "offline"]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        seen = []
        for line in running.stderr:
            seen.append(line)
            if line.startswith("campaign "):
                break
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        _, rest = running.communicate(timeout=120)
    assert running.returncode == 130, "".join(seen) + rest
    name = campaign_of(rest)
    with Store.open(tmp_path / ".kernelwright" / "campaigns.db", read_only=True) as store:
        assert store.record(name).campaign.status.value == "paused"


def test_a_file_without_a_kernel_is_refused_at_once_and_as_the_real_judge_would(
    command: Command, judges: Judges
) -> None:
    Path("bad.py").write_text("x = 1\n")
    code, out, err = command("evaluate", "bad.py", "--task", "layer_norm", "--device", "offline", "--json")
    assert judges.opened == []
    assert code == 1 and err.splitlines()[-1] == "kernelwright: 'bad.py' failed: invalid_source"
    with JudgeClient("offline") as real_judge:
        job = Job(task="layer_norm", source="x = 1\n", target="rtx-4090")
        real_judge.open(job.task, job.target)
        real = json.loads(real_judge.evaluate(job, lambda phase: None).to_json())
    assert json.loads(out) == {**real, "seconds": {}, "floor_ms": None}


def test_a_file_without_a_kernel_is_refused_by_the_card_that_is_there(
    command: Command, judges: Judges, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("bad.py").write_text("")
    monkeypatch.setattr("kernelwright.evaluator.devices.detect_card", lambda: CARD)
    code, out, _ = command("evaluate", "bad.py", "--task", "layer_norm", "--json")
    verdict = json.loads(out)
    assert code == 1 and judges.opened == [] and "empty" in verdict["reason"]
    assert (verdict["device"], verdict["provenance"]) == (CARD.name, "measured")
    assert "invalid_source" in command("evaluate", "bad.py", "--task", "layer_norm")[1]


def test_a_kernelbench_file_is_its_own_task(
    command: Command, judges: Judges, replies: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "my_norm.py"
    file.write_text(load_task("layer_norm").reference_source())
    kernel = tmp_path / "seed.py"
    asked: list[Job] = []
    judges.before = asked.append
    assert command("evaluate", kernel, "--task", "my_norm.py", "--device", "offline")[0] == 0
    line = ("run", "my_norm.py", *OFFLINE[2:], *replies)
    assert command(*line)[0] == 0
    assert {job.task for job in asked} == {str(file)} and len(asked) == 4
    assert command("evaluate", kernel, "--task", load_task("layer_norm").folder)[0] == 0
    assert asked[-1].task == str(load_task("layer_norm").folder)


def test_two_estimates_are_compared_and_nothing_is_claimed(
    command: Command, judges: Judges, tmp_path: Path
) -> None:
    (tmp_path / "old.py").write_text(source(8.0))
    (tmp_path / "new.py").write_text(source(4.0))
    line = ("evaluate", "new.py", "--task", "layer_norm", "--against", "old.py", "--device", "offline")
    code, out, _ = command(*line, "--json")
    said = "estimated 4 ms against 8 ms of 'old.py', an estimated ratio of 2.00: an estimate proves no gain"
    assert code == 0 and json.loads(out)["warnings"] == [said]
    code, out, _ = command(*line, "--profile")
    assert said in out and "profiles need a card" in out


@pytest.mark.parametrize("text", ["x = 1\n", source(8.0, "incorrect")])
def test_a_broken_baseline_is_refused(command: Command, judges: Judges, tmp_path: Path, text: str) -> None:
    (tmp_path / "old.py").write_text(text)
    (tmp_path / "new.py").write_text(source(4.0))
    asked: list[Job] = []
    judges.before = asked.append
    code, out, err = command(
        "evaluate", "new.py", "--task", "layer_norm", "--against", "old.py", "--device", "offline"
    )
    assert (code, out) == (2, "") and "baseline kernel 'old.py'" in err.splitlines()[-1]
    assert source(4.0) not in [job.source for job in asked]


def test_an_unchecked_kernel_did_not_pass(command: Command, judges: Judges, tmp_path: Path) -> None:
    (tmp_path / "k.py").write_text(source(4.0, "unchecked"))
    code, _, err = command("evaluate", "k.py", "--task", "layer_norm", "--device", "offline")
    assert code == 1 and err.splitlines()[-1] == "kernelwright: 'k.py' is unchecked"


def test_a_model_that_nobody_can_ask_is_said_to_be_ignored(command: Command, judges: Judges) -> None:
    data = json.loads(command("run", "layer_norm", "--model", "gpt-x", "--dry-run", "--json")[1])
    assert "the model gpt-x is ignored" in "\n".join(data["chosen"]) and data["settings"]["model"] is None


def test_a_dry_run_lacks_what_a_run_lacks(command: Command, judges: Judges) -> None:
    line = ("run", "layer_norm", "--provider", "openai")
    code, out, err = command(*line, "--dry-run")
    assert (code, out) == (3, "") and err == command(*line)[2] and "OPENAI_API_KEY" in err


def test_a_wrong_address_is_corrected_at_the_resume(
    command: Command, judges: Judges, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "seed.py").write_text(source(8.0))
    judges.before = stop(KeyboardInterrupt())
    asked = ("--provider", "openai", "--base-url", "http://127.0.0.1:1/v1", "--model", "wrong")
    name = campaign_of(command(*OFFLINE, "--seed", "seed.py", *asked)[2])
    command("resume", name, "--base-url", "http://127.0.0.1:2/v1", "--model", "right")
    with Store.open(Path(".kernelwright/campaigns.db"), read_only=True) as store:
        settings = store.record(name).campaign.settings
    assert (settings.base_url, settings.model) == ("http://127.0.0.1:2/v1", "right")
