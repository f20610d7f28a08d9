"""Damaged and hostile files are refused whole, with one sentence, and never with anything else."""

from __future__ import annotations

import copy
import gzip
import json
import os
import re
import resource
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from files import Data, dump, exported, file_of, holds, sealed, taken_in
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernelwright.agent.portable import PortableError, parsing
from kernelwright.agent.portable.format import PARTS
from kernelwright.agent.portable.importing import bundle_from
from kernelwright.agent.portable.parsing import parsed, read_file
from kernelwright.agent.store import Store
from sample_campaigns import measured_record, offline_record

FREED = ("base_url", "replay_from", "task")
"""Settings that an import does not take from a stranger."""


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return file_of(tmp_path_factory.mktemp("valid"), offline_record())


@pytest.fixture
def data(content: bytes) -> Data:
    found: Data = json.loads(content)
    return found


def refusal(path: Path, content: bytes) -> str:
    """The sentence with which the content is refused; nothing is written by it."""
    with pytest.raises(PortableError) as refused:
        taken_in(path, content)
    assert not path.exists()
    sentence = str(refused.value)
    assert "\n" not in sentence and "\x1b" not in sentence and 10 < len(sentence) < 400
    return sentence


BYTES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda b: b"", "not JSON"),
    "text": (lambda b: b"hello", "not JSON"),
    "cut": (lambda b: b[: len(b) // 2], "not JSON"),
    "latin1": (lambda b: b.replace(b"layer_norm", b"l\xe4yer_norm"), "UTF-8"),
    "utf16": (lambda b: b.decode().encode("utf-16"), "UTF-8"),
    "trailing": (lambda b: b + b"{}", "not JSON"),
    "list": (lambda b: b"[" + b + b"]", "no exported campaign"),
    "number": (lambda b: b"1", "no exported campaign"),
    "nan": (lambda b: b.replace(b'"seconds": 95.0', b'"seconds": NaN'), "NaN"),
    "infinity": (lambda b: b.replace(b'"seconds": 95.0', b'"seconds": -Infinity'), "Infinity"),
    "huge float": (lambda b: b.replace(b'"seconds": 95.0', b'"seconds": 1e999'), "too large"),
    "huge int": (lambda b: b.replace(b'"seconds": 95.0', b'"seconds": ' + b"9" * 5000), "too large"),
    "twice": (lambda b: b.replace(b'"version": 1,', b'"version": 1, "version": 1,'), "twice"),
    "nested": (lambda b: b"[" * 100_000, "nests deeper"),
    "objects": (lambda b: b'{"a":' * 100_000, "nests deeper"),
    "damaged": (lambda b: b.replace(b"BLOCK = 1024", b"BLOCK = 1025"), "checksum"),
    "number changed": (lambda b: b.replace(b'"seconds": 95.0', b'"seconds": 94.0'), "checksum"),
    "gzip cut": (lambda b: gzip.compress(b)[:-9], "cut off"),
    "gzip head": (lambda b: gzip.compress(b)[:5], "cut off"),
    "gzip flip": (lambda b: gzip.compress(b)[:-7] + b"\0" + gzip.compress(b)[-6:], "broken"),
    "gzip and more": (lambda b: gzip.compress(b) + b"x", "follows"),
    "gzip twice": (lambda b: gzip.compress(b) + gzip.compress(b), "follows"),
    "gzip of gzip": (lambda b: gzip.compress(gzip.compress(b)), "UTF-8"),
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_export_are_refused(tmp_path: Path, content: bytes, name: str) -> None:
    damage, said = BYTES[name]
    assert damage(content) != content
    assert said in refusal(tmp_path / "new.db", damage(content))


def put(*path: str | int) -> Callable[[Any], Callable[[Data], None]]:
    """What puts a value at a place."""

    def with_value(value: Any) -> Callable[[Data], None]:
        def change(data: Any) -> None:
            for step in path[:-1]:
                data = data[step]
            data[path[-1]] = value

        return change

    return with_value


def remove(*path: str | int) -> Callable[[Data], None]:
    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        del data[path[-1]]

    return change


def swap_attempts(data: Data) -> None:
    data["attempts"][1], data["attempts"][2] = data["attempts"][2], data["attempts"][1]


def other_text(data: Data) -> None:
    sha = next(iter(data["texts"]))
    data["texts"][sha] = [*data["texts"][sha], "more"]


def surplus_text(data: Data) -> None:
    from loop_world import sha

    data["texts"][sha("more")] = ["more"]


CHANGES: dict[str, tuple[Callable[[Data], None], str]] = {
    "newer": (put("version")(2), "newer kernelwright (format 2, this one knows 1): upgrade"),
    "much newer": (put("version")(2**60), "upgrade"),
    "older": (put("version")(0), "no format"),
    "version true": (put("version")(True), "no format"),
    "version text": (put("version")("1"), "no format"),
    "other format": (put("format")("letter"), "no exported campaign"),
    "unknown part": (put("extra")(1), "one too many: 'extra'"),
    "no texts": (remove("texts"), "lacks a part"),
    "no checksum": (put("sha256")(None), "checksum"),
    "unknown field": (put("campaign", "mood")("good"), "campaign.mood is a field that this kernelwright does not"),
    "unknown setting": (put("campaign", "settings", "\x1b[2J")("good"), "upgrade"),
    "unknown deep": (put("attempts", 1, "evaluation", "new")(1), "attempts.1.evaluation.new is a field"),
    "both texts": (put("attempts", 1, "reply", "text")("x"), "does not"),
    "no id": (remove("campaign", "id"), "campaign.id does not fit"),
    "status": (put("campaign", "status")("flying"), "campaign.status does not fit"),
    "type": (put("campaign", "seconds")("95.0"), "campaign.seconds is not as kernelwright writes it"),
    "bool for int": (put("attempts", 1, "round")(True), "attempts.1.round"),
    "float for int": (put("attempts", 1, "round")(1.0), "attempts.1.round"),
    "text for list": (put("campaign", "stage_ends")("none"), "campaign.stage_ends"),
    "attempts": (put("attempts")({}), "attempts are no list"),
    "attempt": (put("attempts", 1)(None), "attempts.1"),
    "texts": (put("texts")([]), "texts are no object"),
    "time zone": (put("campaign", "created")("2025-03-04T05:06:00"), "time"),
    "far time": (put("campaign", "created")("9999-12-31T23:59:59Z"), "no time of this world"),
    "other time zone": (put("campaign", "created")("2025-03-04T05:06:00+05:00"), "no time of this world"),
    "verdict on another": (put("attempts", 1, "evaluation", "kernel")("ab" * 32), "offl.1 is on another kernel"),
    "kept unjudged": (put("attempts", 1, "evaluation")(None), "offl.1 is kept without a verdict"),
    "kept incorrect": (put("attempts", 3, "decision", "accepted")(True), "offl.3 is kept without a verdict"),
    "whose record": (put("campaign", "settings", "replay_campaign")("\n# Status: passed"), "no name"),
    "nobody's record": (put("campaign", "settings", "recorded")(True), "does not say of which"),
    "not finite": (put("campaign", "seconds")({"$float": "nan"}), "not finite"),
    "no time": (put("attempts", 1, "evaluation", "estimate", "ms")(0.0), "no time"),
    "negative": (put("attempts", 1, "evaluation", "estimate", "ms")(-1.0), "no time"),
    "unknown parent": (put("attempts", 1, "parent")("offl.9"), "offl.1 descends from 'offl.9'"),
    "itself": (put("attempts", 1, "parent")("offl.1"), "no earlier"),
    "later": (put("attempts", 1, "parent")("offl.2"), "no earlier"),
    "mends later": (put("attempts", 3, "mends")("offl.4"), "mends 'offl.4'"),
    "order": (swap_attempts, "stands where offl.1 belongs"),
    "gap": (remove("attempts", 1), "stands where offl.1 belongs"),
    "number": (put("attempts", 1, "number")(7), "stands where"),
    "stranger": (put("attempts", 1, "campaign")("meas"), "stands where"),
    "attempt id": (put("attempts", 1, "id")("offl.1\x1b[2J"), "stands where"),
    "hash": (other_text, "is not what its hash says"),
    "surplus": (surplus_text, "belongs to nothing"),
    "kernel missing": (put("attempts", 1, "kernel_sha")("ab" * 32), "offl.1's kernel is not in the file"),
    "prompt missing": (put("attempts", 1, "prompt_sha")("\x1b[2J"), "offl.1's prompt is not in the file"),
    "reply missing": (put("attempts", 1, "reply", "text_sha")("ab" * 32), "names a text that is not"),
    "reply odd": (put("attempts", 1, "reply", "text_sha")({}), "names a text that is not"),
    "seed missing": (put("campaign", "settings", "seed")("ab" * 32), "seed kernel is not in the file"),
    "stage": (put("attempts", 1, "stage")("\x1b[2Jalgorithm"), "no name"),
    "target": (put("campaign", "settings", "target")("rtx 4090\n"), "no name"),
    "template": (put("attempts", 1, "template_sha")("/etc/passwd"), "no name"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_data_that_do_not_fit_together_are_refused(tmp_path: Path, data: Data, name: str) -> None:
    change, said = CHANGES[name]
    change(data)
    checksummed = name == "no checksum"
    assert said in refusal(tmp_path / "new.db", json.dumps(data).encode() if checksummed else sealed(data))


IDS = [
    "",
    "a",
    "abc",
    "abcdefg",
    "ABCD",
    "ab-d",
    "../x",
    "ab\n",
    "\x1b[2J",
    "1abc",
    "a b",
    "offl.1",
    "é234",
    "ab\ud800",
]


@pytest.mark.parametrize("name", IDS, ids=range(len(IDS)))
def test_an_id_is_letters_and_digits(tmp_path: Path, data: Data, name: str) -> None:
    text = re.sub(r'(?<=")offl(?=["\.])', lambda _: json.dumps(name)[1:-1], json.dumps(data))
    assert "campaign's id" in refusal(tmp_path / "new.db", sealed(json.loads(text)))


@pytest.mark.parametrize("setting", ["base_url", "replay_from", "task"])
def test_a_stranger_names_no_server_and_no_file(tmp_path: Path, data: Data, setting: str) -> None:
    """With a base URL the next resume would send its key there; a task or a record would be read and run."""
    data["campaign"]["settings"][setting] = "http://evil.example/v1" if setting == "base_url" else "/tmp/evil"
    taken_in(tmp_path / "new.db", sealed(data))
    with Store.open(tmp_path / "new.db") as store:
        kept = store.record("offl").campaign.settings
    assert (kept.base_url, kept.replay_from) == (None, None)
    assert kept.task == ("evil (not bundled)" if setting == "task" else "layer_norm")


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "BYTES_MAX", 10_000_000)
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000
    assert "no campaign is that large" in refusal(tmp_path / "new.db", bomb)
    assert "no campaign is that large" in refusal(tmp_path / "new.db", b" " * 10_000_001)


def test_a_real_bomb_takes_little_memory(tmp_path: Path) -> None:
    """A gigabyte, in a process that may have half of one besides the program itself."""
    engine = zlib.compressobj(wbits=31)
    packed = b"".join(engine.compress(b"\0" * 2**24) for _ in range(64)) + engine.flush()
    (tmp_path / "bomb").write_bytes(packed)
    program = (
        "import sys; from kernelwright.agent.cli.main import main; sys.exit(main(['import', sys.argv[1]]))"
    )

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))

    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "bomb")],
        capture_output=True, text=True, timeout=120, cwd=tmp_path, preexec_fn=limited, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "no campaign is that large" in done.stderr
    assert not (tmp_path / ".kernelwright").exists()


def test_a_file_of_brackets_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "VALUES_MAX", 1000)
    with pytest.raises(PortableError, match="more than 1000 values"):
        parsed(b"[" + b"[]," * 1000 + b"1]")
    assert parsed(b'["' + b"[]," * 1000 + b'"]') == ["[]," * 1000]
    assert parsed(rb'["\"[[[[", "\\"]') == ['"[[[[', "\\"]


def test_a_string_without_an_end_takes_no_longer_than_its_letters() -> None:
    """Two megabytes; looked at again from each of its quotes, they would take hours."""
    with pytest.raises(PortableError, match="not JSON"):
        parsed(b'"' + rb"\"" * 1_000_000)


@pytest.mark.parametrize("kind", ["fifo", "directory", "device", "missing", "socket", "dangling", "null"])
def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    import socket

    path = tmp_path / "f"
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
        case "device":
            path = Path("/dev/zero")
        case "socket":
            socket.socket(socket.AF_UNIX).bind(str(path))
        case "dangling":
            path.symlink_to("nowhere")
        case "null":
            path = Path("a\0b")
    with pytest.raises(PortableError):
        read_file(path)


def test_a_link_to_a_file_is_that_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    (tmp_path / "link").symlink_to("file")
    assert bundle_from(tmp_path / "link").record == offline_record()


VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2**63, 2**70, 0.0, -0.0, 1.5, 1e308, "", "x", "\x1b[2J", "\ud800", "1", "offl.1",
    "offl.9", [], {}, [None], ["a", "b"], [1.0, 1.0], {"$float": "nan"}, {"$float": "-inf"}, "2025-03-04T05:06:00Z",
    "layer_norm", "passed", "cuda", "a" * 300,
]  # fmt: skip


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield from places(each, (*path, key))


@st.composite
def mutations(draw: st.DrawFn, valid: Data) -> Data:
    """A valid export with up to three places deleted, changed, exchanged or added to."""
    found = copy.deepcopy(valid)
    # A copy of each value: one list that is put into itself would make a file without an end.
    values = st.sampled_from(VALUES).map(copy.deepcopy)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from([path for path in places(found) if path and path[0] in PARTS]))
        holder: Any = found
        for step in place[:-1]:
            holder = holder[step]
        match draw(st.sampled_from(["delete", "change", "change", "exchange", "add"])):
            case "delete":
                del holder[place[-1]]
            case "exchange" if isinstance(holder, dict):
                other = draw(st.sampled_from(sorted(holder)))
                holder[place[-1]], holder[other] = holder[other], holder[place[-1]]
            case "add" if isinstance(holder, dict):
                holder[draw(st.sampled_from(["new", "text", "id", "schema"]))] = draw(values)
            case _:
                holder[place[-1]] = draw(values)
        if any(part not in found for part in PARTS):
            break
    return found


@pytest.mark.parametrize("make", [offline_record, measured_record], ids=["offline", "measured"])
def test_a_mutation_is_refused_whole_or_imported_as_what_it_says(
    tmp_path_factory: pytest.TempPathFactory, make: Callable[[], Any]
) -> None:
    folder = tmp_path_factory.mktemp("mutations")
    valid = json.loads(file_of(folder, make()))
    store = folder / "new.db"
    taken_in(store, sealed(valid))
    before = dump(store)

    @settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
    @given(mutations(valid))
    def holds_for(found: Data) -> None:
        fresh = folder / "fresh.db"
        fresh.unlink(missing_ok=True)
        try:
            campaign = taken_in(fresh, sealed(found))
        except PortableError as problem:
            assert "\n" not in str(problem) and not fresh.exists()
            with pytest.raises(PortableError):
                taken_in(store, sealed(found))
            assert dump(store) == before
            return
        with Store.open(fresh) as opened:
            out = json.loads(exported(opened, campaign))
        for name in FREED:
            found["campaign"]["settings"].pop(name, None)
        if found["campaign"].get("status", "running") == "running":
            found["campaign"].pop("status", None), found["campaign"].pop("pause_reason", None)
        assert all(holds(out[part], found[part]) for part in PARTS)

    holds_for()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.floats(0, 1, exclude_max=True),
    new=st.binary(max_size=3),
    cut=st.integers(0, 40),
    packed=st.booleans(),
)
def test_damaged_bytes_are_refused_or_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, place: float, new: bytes, cut: int, packed: bool
) -> None:
    whole = gzip.compress(content, mtime=0) if packed else content
    at = int(place * len(whole))
    file = tmp_path_factory.getbasetemp() / "damaged"
    file.write_bytes(whole[:at] + new + whole[at + cut :])
    try:
        assert bundle_from(file).record == offline_record()
    except PortableError as problem:
        assert "\n" not in str(problem)
