"""``export`` and ``import`` as a person types them: what is written, what is said, and what is left alone."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "portable"))

from files import dump, sealed
from kernelwright.agent.store import Store
from sample_campaigns import fill, offline_record

Command = Callable[..., tuple[int, str, str]]
Process = Callable[..., subprocess.CompletedProcess[bytes]]
READING = [
    "tree offl --json",
    "tree offl",
    "show offl.3 --json",
    "show offl.1 --prompt",
    "diff offl.3 --json",
    "best offl",
]


@pytest.fixture
def file(command: Command, store: Path, tmp_path: Path) -> Path:
    path = tmp_path / "offl.json"
    code, out, err = command("export", "of", "-o", path)
    assert (code, err) == (0, "")
    assert out.startswith(f"{path}: campaign offl, 5 attempts, 9 texts, ")
    return path


def told_here(out: str) -> str:
    """What is printed of an imported campaign, without the words that say so."""
    lines = (line for line in out.splitlines(keepends=True) if "imported file" not in line)
    return "".join(lines).replace(", imported", "")


def test_what_is_looked_at_is_the_same_before_and_after(command: Command, file: Path, store: Path) -> None:
    other = store.with_name("other.db")
    before = [command(*line.split()) for line in READING]
    assert command("import", file, "--store", other)[0] == 0
    option = f" --store {other}"
    after = [command(*line.split(), "--store", other) for line in READING]
    assert before == [(code, told_here(out.replace(option, "")), err) for code, out, err in after]
    again = file.with_name("again.json")
    assert command("export", "offl", "-o", again, "--store", other)[0] == 0
    assert again.read_bytes() == file.read_bytes()


def test_the_first_import_makes_the_default_store_and_says_what_comes_next(
    command: Command, file: Path, store: Path
) -> None:
    store.unlink()
    code, out, err = command("import", file)
    assert (code, err) == (0, "") and store.is_file()
    assert out.splitlines()[0] == "campaign offl imported: 5 attempts"
    for next_command in ("tree offl", "report offl", "replay offl"):
        assert f"  kernelwright {next_command} " in out
    assert command("tree", "offl")[0] == 0


def test_importing_twice_changes_nothing(command: Command, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    command("import", file, "--store", other)
    before = dump(other)
    code, out, err = command("import", file, "--store", other)
    assert (code, err) == (0, "") and "is in the store already, nothing changed" in out
    assert f"kernelwright tree offl --store {other}" in out
    assert dump(other) == before
    data = json.loads(command("import", file, "--store", other, "--json")[1])
    assert data == {"campaign": "offl", "attempts": 5, "new": False}


def test_an_import_where_it_came_from_changes_nothing(command: Command, store: Path, tmp_path: Path) -> None:
    """Though the store has a base URL that the file has not."""
    record = offline_record()
    record.campaign.settings.base_url = "http://10.1.1.1/v1"
    with Store.open(store) as opened:
        opened.save_campaign(record.campaign)
    path = tmp_path / "f.json.gz"
    assert command("export", "offl", "-o", path)[0] == 0
    before = dump(store)
    assert command("import", path)[0] == 0
    assert dump(store) == before


def test_an_id_that_is_taken_is_refused(command: Command, file: Path, store: Path) -> None:
    data = json.loads(file.read_bytes())
    data["campaign"]["seconds"] = 96.0
    file.write_bytes(sealed(data))
    before = dump(store)
    code, out, err = command("import", file)
    assert (code, out) == (2, "")
    assert err.startswith("kernelwright: the store has another campaign offl, or one that has gone on since")
    assert dump(store) == before


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b"\x1f\x8b\x08", b"\xff\xfe", b'{"format": "kernelwright campaign"']
)
def test_what_is_no_export_is_refused_and_makes_no_store(
    command: Command, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "f").write_bytes(content)
    code, out, err = command("import", "f")
    assert (code, out, err.count("\n")) == (2, "", 1) and err.startswith("kernelwright: the file ")
    assert not (tmp_path / ".kernelwright").exists()


def test_a_pipe_that_nobody_writes_to_is_refused_at_once(process: Process, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = process("import", "pipe")
    assert done.returncode == 2 and b"is no plain file" in done.stderr


def test_nothing_is_overwritten_unasked(command: Command, file: Path, store: Path) -> None:
    before = file.read_bytes()
    file.write_bytes(b"precious")
    code, _, err = command("export", "offl", "-o", file)
    assert code == 2 and "add --force" in err and file.read_bytes() == b"precious"
    assert command("export", "offl", "-o", file, "--force")[0] == 0
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.iterdir()) == [".kernelwright", "offl.json"]


@pytest.mark.parametrize("kind", ["store", "link", "fifo", "directory", "device", "no folder"])
def test_what_must_not_be_written_over_is_not(
    command: Command, store: Path, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "x"
    match kind:
        case "store":
            path = store
        case "link":
            path.symlink_to(store)
        case "fifo":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
        case "device":
            path = Path("/dev/full")
        case "no folder":
            path = tmp_path / "nowhere" / "x"
    before = dump(store)
    code, out, err = command("export", "offl", "-o", path, "--force")
    assert (code, out) == (2, "") and str(path) in err
    assert dump(store) == before


def test_a_replaced_path_is_said(command: Command, store: Path, tmp_path: Path) -> None:
    record = offline_record()
    record.campaign.finish_reason = "stopped in /data/ada/run.py"
    with Store.open(store) as opened:
        fill(opened, record)
    code, _, err = command("export", "offl", "-o", "f.json")
    assert (code, err) == (0, "replaced /data/ada/run.py by …/run.py\n")
    assert b"/data" not in (tmp_path / "f.json").read_bytes()


def test_a_resume_of_a_task_that_stayed_behind_is_refused(
    command: Command, file: Path, tmp_path: Path
) -> None:
    data = json.loads(file.read_bytes())
    data["campaign"]["settings"]["task"] = "/srv/tasks/mine"
    (tmp_path / "f.json").write_bytes(sealed(data))
    command("import", "f.json", "--store", "new.db")
    code, _, err = command("resume", "offl", "--store", "new.db")
    assert code == 2 and "the task 'mine' stayed where its campaign was exported" in err
    assert "mine (not bundled)" in command("tree", "offl", "--store", "new.db")[1]


def test_a_full_disk_loses_nothing(file: Path, tmp_path: Path) -> None:
    """In a process that may write few bytes: the import is undone as a whole, the campaigns before it stay."""
    import resource

    new = tmp_path / "new.db"
    with Store.open(new) as opened:
        opened.put_text("x")
    before = dump(new)

    def narrow() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))

    argv = [sys.executable, "-m", "kernelwright.agent", "import", str(file), "--store", str(new)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, preexec_fn=narrow, check=False)
    assert done.returncode == 3 and "store" in done.stderr and "Traceback" not in done.stderr
    assert dump(new) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_store_that_may_not_be_written_says_so(command: Command, file: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    Store.open(new).close()
    new.chmod(0o444)
    code, _, err = command("import", file, "--store", new)
    assert code == 3 and "read-only" in err


def test_another_programs_database_is_left_alone(command: Command, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    assert command("import", file, "--store", other)[0] == 2


def test_neither_command_is_heavy(file: Path) -> None:
    program = (
        "import sys; from kernelwright.agent.cli.main import main\n"
        "codes = main(['export', 'offl', '-o', 'again.json']), main(['import', 'again.json'])\n"
        "print(codes, sorted({'torch', 'triton', 'numpy', 'openai', 'libcst', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.splitlines()[-1] == "(0, 0) []"
