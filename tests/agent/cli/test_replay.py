"""``replay`` and ``run --from`` as a person types them, on the stored campaigns of a card and on new ones."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kernelwright.agent.asking import Asking
from kernelwright.agent.replaying.past import terms_of, under
from kernelwright.agent.store import Store
from kernelwright.evaluator.gpus import gpu
from kernelwright.reference_kernels import load_task

sys.path.insert(0, str(Path(__file__).parents[1]))

from loop_world import Judge, fence, source

Command = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[3]
ROOMS = ("agent", "evaluator", "prompts", "reference_kernels", "stages")


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """The campaigns that a card measured, in a store of their own."""
    return Path(shutil.copy(ROOT / "benchmarks" / "h200" / "layer_norm.db", tmp_path / "card.db"))


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[Judge]:
    """Every evaluator that was opened; there is no card."""
    opened: list[Judge] = []

    def open_evaluator(device: str) -> Judge:
        opened.append(Judge(device))
        return opened[-1]

    monkeypatch.setattr("kernelwright.evaluator.client.open_evaluator", open_evaluator)
    monkeypatch.setattr("kernelwright.evaluator.devices.detect_card", lambda: None)
    return opened


@pytest.fixture
def campaign(command: Command, judged: list[Judge], tmp_path: Path) -> str:
    """A finished offline campaign of the default store: a seed and two replies, one with a repair."""
    (tmp_path / "seed.py").write_text(source(8.0))
    folder = tmp_path / "replies"
    folder.mkdir()
    for number, text in enumerate([fence(source(4.0)), "no code at all", fence(source(3.0))]):
        (folder / f"{number}.reply.md").write_text(text)
    line = ("--stages", "block_tiling", "--rounds", "2", "--seed", "seed.py", "--device", "offline")
    provider = ("--provider", "replay", "--set", f"provider.replay_from={folder}")
    code, out, err = command("run", "layer_norm", *line, *provider)
    assert code == 0, err
    shutil.rmtree(folder)
    (tmp_path / "seed.py").unlink()
    found = re.search(r"kernelwright tree ([a-z0-9]+)", out)
    assert found
    judged.clear()
    return found.group(1)


@pytest.mark.parametrize(("name", "replies", "decisions"), [("jwgu", 6, 7), ("am7r", 6, 11)])
def test_what_a_card_decided_is_decided_again(
    command: Command, card: Path, name: str, replies: int, decisions: int
) -> None:
    code, out, err = command("replay", name, "--replies", "--decisions", "--store", card)
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    assert first == f"{replies} replies, same kernels and failures"
    assert second.startswith(f"{decisions} decisions, same, and all ")


def test_a_rule_for_skipping_that_has_changed_since_is_shown(command: Command, card: Path) -> None:
    """block_tiling was skipped on its occupancy alone then; today DRAM has to be busy as well."""
    code, out, err = command("replay", "ctc4", "--decisions", "--store", card)
    assert (code, err) == (1, "")
    assert (
        "decisions: 1 difference in 7 decisions" in out and "ctc4.4: after ctc4.4 today's rules take" in out
    )
    skipped = "stage block_tiling skipped: weighted by time, sm__warps_active.avg.pct_of_peak_sustained_active is 66.7"
    assert f"\n-{skipped} (>= 60)\n" in out
    assert (
        f"\n+{skipped} (>= 60) and dram__throughput.avg.pct_of_peak_sustained_elapsed is 82.6 (>= 80)" in out
    )


def test_prompts_of_an_older_template_are_shown_with_their_first_difference(
    command: Command, card: Path
) -> None:
    code, out, err = command("replay", "ctc4", "--store", card)
    assert (code, err) == (1, "")
    assert "prompts: 6 of 6 differ: ctc4.1, ctc4.2, ctc4.3, ctc4.4, ctc4.5, ctc4.6" in out
    assert "ctc4.1: template 'optimise' has changed since (2c956cf7f0 then, " in out
    assert "\n-`ModelNew` takes the same constructor arguments" in out
    assert "5 more differences" in out and f"--store {card}" in out and "\x1b" not in out


def test_data_holds_every_difference(command: Command, card: Path) -> None:
    code, out, _ = command("replay", "ctc4", "--prompts", "--json", "--store", card)
    data = json.loads(out)
    assert code == 1 and data["same"] is False and list(data["kinds"]) == ["prompts"]
    assert [each["attempt"] for each in data["kinds"]["prompts"]["differences"]] == [
        f"ctc4.{number}" for number in range(1, 7)
    ]


def test_a_new_campaign_replays_to_the_same(command: Command, campaign: str) -> None:
    code, out, err = command("replay", campaign[:3])
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "3 prompts, same bytes",
        "3 replies, same kernels and failures",
        "4 decisions, same, and all 5 steps in the same order",
    ]
    assert json.loads(command("replay", campaign, "--json")[1])["same"] is True


def test_what_takes_long_says_how_far_it_is(
    command: Command, campaign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = command("replay", campaign)
    monkeypatch.setattr("kernelwright.agent.cli.replay.PATIENCE_S", 0.0)
    code, out, err = command("replay", campaign)
    assert (code, out) == quiet[:2] and err.splitlines()[-1] == "replayed 12 of 12"


def test_an_unknown_campaign_is_a_usage_error(command: Command, campaign: str) -> None:
    code, out, err = command("replay", "zzzz")
    assert (code, out) == (2, "") and campaign in err


@pytest.mark.usefixtures("store")
def test_records_that_no_rule_made_differ_without_harm(command: Command) -> None:
    for name in ("offl", "meas"):
        code, out, err = command("replay", name)
        assert code == 1 and err == "" and "no brief" in out
        assert "\x1b" not in out and "\u202e" not in out and "Traceback" not in out


def test_it_needs_no_torch_and_no_network(card: Path) -> None:
    program = (
        "import sys, socket\n"
        "socket.socket.connect = None\n"
        "from kernelwright.agent.cli.main import main\n"
        f"code = main(['replay', 'am7r', '--store', {str(card)!r}])\n"
        "assert code == 1 and not {'torch', 'triton', 'openai', 'numpy', 'libcst'} & set(sys.modules), sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_a_changed_copy_of_the_package_tells_what_it_changed(campaign: str, tmp_path: Path) -> None:
    """The whole of kernelwright elsewhere, with one line more in a template: another process, another installation."""
    home = tmp_path / "elsewhere" / "kernelwright"
    for room in ROOMS:
        shutil.copytree(ROOT / room, home / room, ignore=shutil.ignore_patterns("__pycache__"))
    part = home / "prompts" / "_output.j2"
    part.write_text(part.read_text() + "Think of the memory bus.\n")
    rules = home / "agent" / "rules" / "deciding.py"
    rules.write_text(rules.read_text().replace("and is the first to do so", "and is the first"))
    argv = [sys.executable, "-m", "kernelwright.agent", "replay", campaign]
    env = {**os.environ, "PYTHONPATH": str(home.parent)}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert "prompts: 3 of 3 differ" in done.stdout and "\n+Think of the memory bus.\n" in done.stdout
    assert "-reason: passed, and is the first to do so\n+reason: passed, and is the first\n" in done.stdout
    assert "3 replies, same kernels and failures" in done.stdout


def test_a_recorded_campaign_runs_again_without_judging(
    command: Command, campaign: str, judged: list[Judge]
) -> None:
    code, out, err = command("run", "layer_norm", "--from", campaign)
    assert code == 0 and judged == []
    lines = err.splitlines()
    assert lines[0] == f"device: recorded, verdicts are those of {campaign}, estimated for the RTX 4090"
    assert lines[1].startswith(f"provider: replay. Replies are those of {campaign}, found by their prompts;")
    assert out.splitlines()[-1] == f"same path as {campaign}: 4 attempts, same kernels, same decisions"
    data = json.loads(command("run", "layer_norm", "--provider", "replay", "--from", campaign, "--json")[1])
    assert data["path"].startswith("same path") and data["settings"]["rounds"] == 2


def test_a_recorded_verdict_says_whose_it_is_wherever_it_is_shown(
    command: Command, campaign: str, judged: list[Judge]
) -> None:
    name = json.loads(command("run", "layer_norm", "--from", campaign, "--json")[1])["campaign"]
    assert judged == []
    row = next(line for line in command("list")[1].splitlines() if line.startswith(name))
    heading = command("tree", name)[1].splitlines()[0]
    for shown in (row, heading, command("show", f"{name}.0")[1], command("best", name)[1]):
        assert campaign in shown


def test_a_recorded_campaign_that_went_another_way_to_its_end_fails(
    command: Command, campaign: str, judged: list[Judge]
) -> None:
    with Store.open(Path(".kernelwright") / "campaigns.db") as store:
        last = store.record(campaign).attempts[-1]
        other = last.decision and last.decision.model_copy(update={"reason": "for another reason"})
        store.save_attempt(last.model_copy(update={"decision": other}))
    code, out, err = command("run", "layer_norm", "--from", campaign)
    assert code == 1 and judged == []
    assert f"\nparted from {campaign} at attempt {last.number}: the decision is another" in out
    assert err.splitlines()[-1].endswith(f"did not go the way of {campaign}")


@pytest.mark.parametrize(("name", "value"), [("threshold", -5.0), ("rounds", -1), ("samples", 0)])
def test_settings_that_no_campaign_can_have_are_not_taken_over(
    command: Command, campaign: str, name: str, value: float
) -> None:
    with Store.open(Path(".kernelwright") / "campaigns.db") as store:
        recorded = store.campaign(campaign)
        settings = recorded.settings.model_copy(update={name: value})
        store.save_campaign(recorded.model_copy(update={"settings": settings}))
    code, _, err = command("run", "layer_norm", "--from", campaign)
    assert code == 2 and f"'{name}' that no campaign can have" in err


def test_a_recorded_campaign_without_its_record_says_which_one_it_needs(
    command: Command, campaign: str, judged: list[Judge]
) -> None:
    line = ("run", "layer_norm", "--from", campaign, "--json", "--max-minutes", "0.0000001")
    name = json.loads(command(*line)[1])["campaign"]
    assert judged == []
    command("export", name, "-o", "again.json")
    assert command("import", "again.json", "--store", "elsewhere.db")[0] == 0
    code, _, err = command("resume", name, "--store", "elsewhere.db", "--max-minutes", "9")
    assert code == 2 and f"its replies are those of campaign '{campaign}'" in err


def test_from_another_store_and_gone_on_with_after_a_stop(
    command: Command, campaign: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ("--from", campaign, "--from-store", ".kernelwright/campaigns.db", "--store", "new.db")
    code, _, err = command("run", "layer_norm", *line, "--max-minutes", "0.0000001")
    found = re.search(r"kernelwright resume ([a-z0-9]+)", err)
    assert code == 5 and found
    away = tmp_path / "away"
    away.mkdir()
    monkeypatch.chdir(away)
    code, out, err = command("resume", found.group(1), "--store", tmp_path / "new.db", "--max-minutes", "9")
    assert code == 0 and "same path as" in out
    assert err.startswith(f"device: recorded, verdicts are those of {campaign}")
    code, _, err = command("resume", found.group(1), "--store", tmp_path / "new.db", "--device", "offline")
    assert code == 2 and "--from" in err


def test_a_named_device_judges_the_replies_anew(command: Command, campaign: str, judged: list[Judge]) -> None:
    code, out, err = command("run", "layer_norm", "--from", campaign, "--device", "offline")
    assert code == 0 and len(judged) == 1 and len(judged[0].jobs) == 3
    assert err.startswith("device: offline, as asked") and "by their place" in err
    assert out.splitlines()[-1] == f"same path as {campaign}: 4 attempts, same kernels, same decisions"


def test_a_card_s_campaign_forks_where_its_template_was_another(command: Command, card: Path) -> None:
    code, out, err = command(
        "run", "layer_norm", "--provider", "replay", "--from", "ctc4", "--from-store", card
    )
    assert (code, out) == (1, "")
    assert err.startswith("device: recorded, verdicts are those of ctc4 on NVIDIA H200\n")
    assert "the path forks at attempt 1 (algorithm 1), after attempt 0" in err
    assert "--- ctc4.1 as it was asked\n+++ attempt 1 as asked today\n" in err
    assert "kept: passed, and is the first to do so" in err


@pytest.mark.parametrize(("name", "attempts"), [("jwgu", 9), ("am7r", 9)])
def test_a_card_s_campaign_goes_the_same_way_once_its_prompts_are_todays(
    command: Command, card: Path, judged: list[Judge], name: str, attempts: int
) -> None:
    """The tuner's replies and its ends of stages, every verdict, and the head-to-head of the card."""
    with Store.open(card) as store:
        _ask_as_today(store, name)
        standings = store.record(name).campaign.standings
    code, out, err = command("run", "layer_norm", "--from", name, "--store", card, "--json")
    assert code == 0 and judged == [], err
    data = json.loads(out)
    assert data["path"] == f"same path as {name}: {attempts} attempts, same kernels, same decisions"
    moved = name == "am7r"
    assert data["standings"] == ([] if moved else [each.model_dump(mode="json") for each in standings])
    assert moved == ("note: am7r was carried to a card after am7r.8" in err)


def _ask_as_today(store: Store, name: str) -> None:
    """Give every attempt the brief and the prompt that today's code makes for it."""
    record = store.record(name)
    task, target = load_task("layer_norm"), gpu(record.campaign.settings.target)
    assert record.campaign.session is not None
    for attempt in list(record.attempts):
        if attempt.prompt_sha is not None:
            then = record.model_copy(update={"attempts": record.attempts[: attempt.number]})
            if record.campaign.settings.remeasure is not None:
                then = under(then, terms_of(record, attempt))
            asking = Asking(store, then, record.campaign.session, task, target)
            asked = attempt.model_copy(update={"brief": asking.brief(attempt)})
            asked = asked.model_copy(update=asking.prompt(asked))
            store.save_attempt(asked)
            record.attempts[attempt.number] = asked


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("--from", "zzzz"), "there is no campaign 'zzzz'"),
        (("--from", "CAMPAIGN", "--provider", "tuner"), "name one of them"),
        (("--from", "CAMPAIGN", "--from-store", "nowhere.db"), "there is no store"),
        (("--provider", "replay"), "--from CAMPAIGN"),
        (("--from-store", ".kernelwright/campaigns.db"), "--from CAMPAIGN"),
    ],
    ids=["unknown", "two providers", "no store", "no source", "a store alone"],
)
def test_what_is_wrong_is_said_before_a_campaign_begins(
    command: Command, campaign: str, line: tuple[str, ...], said: str
) -> None:
    named = [campaign if word == "CAMPAIGN" else word for word in line]
    code, out, err = command("run", "layer_norm", *named)
    assert (code, out) == (2, "") and said in err
    assert len(json.loads(command("list", "--json")[1])) == 1


def test_a_kernelbench_file_that_lies_elsewhere_now(
    command: Command, judged: list[Judge], tmp_path: Path
) -> None:
    """The seed comes from the record, and the file is known by its name and by what the prompts hold of it."""
    for place in ("here", "away"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "my_norm.py").write_text(load_task("layer_norm").reference_source())
    (tmp_path / "seed.py").write_text(source(8.0))
    (tmp_path / "replies").mkdir()
    (tmp_path / "replies" / "1.md").write_text(fence(source(4.0)))
    line = ("--seed", "seed.py", "--provider", "replay", "--set", "provider.replay_from=replies")
    stages = ("--stages", "block_tiling", "--rounds", "1", "--device", "offline")
    code, out, err = command("run", "here/my_norm.py", *line, *stages)
    found = re.search(r"kernelwright tree ([a-z0-9]+)", out)
    assert code == 0 and found, err
    shutil.rmtree(tmp_path / "here")
    code, out, err = command("run", "away/my_norm.py", "--from", found.group(1))
    assert code == 0 and "2 attempts, same kernels" in out.splitlines()[-1], err


def test_a_whole_store_answers_by_prompt_and_sample(
    command: Command, judged: list[Judge], tmp_path: Path
) -> None:
    """Also the repair of a second sample, which is the only reply to its prompt."""
    (tmp_path / "seed.py").write_text(source(8.0))
    (tmp_path / "replies").mkdir()
    for number, text in enumerate([fence(source(4.0)), fence(source(3.0, "incorrect")), fence(source(2.0))]):
        (tmp_path / "replies" / f"{number}.md").write_text(text)
    line = (
        "run",
        "layer_norm",
        "--seed",
        "seed.py",
        "--stages",
        "block_tiling",
        "--rounds",
        "1",
        "--samples",
        "2",
    )
    asked = ("--repairs", "1", "--device", "offline", "--provider", "replay", "--set")
    first = command(*line, *asked, "provider.replay_from=replies", "--store", "first.db", "--json")
    again = command(*line, *asked, "provider.replay_from=first.db", "--store", "second.db", "--json")
    assert first[0] == again[0] == 0, again[2]
    best = [json.loads(out)["best"]["verdict"]["estimate"]["ms"] for _, out, _ in (first, again)]
    assert best == [2.0, 2.0]


def test_a_campaign_that_judged_nothing_says_so_where_its_kernel_is_given(
    command: Command, campaign: str
) -> None:
    out = command("run", "layer_norm", "--from", campaign)[1]
    found = re.search(r"kernelwright tree ([a-z0-9]+)", out)
    assert found and "--device cuda" not in out
    product = command("best", found.group(1))[1]
    assert f"# The verdict is that of campaign {campaign}, taken from its record." in product


def test_another_task_is_refused(command: Command, campaign: str) -> None:
    code, _, err = command("run", "softmax", "--from", campaign)
    assert code == 2 and "is about the task 'layer_norm'" in err
