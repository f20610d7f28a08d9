"""Reading tasks: what is read, and one sentence for everything that can be wrong with a folder."""

from __future__ import annotations

import ast
import os
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.reference_kernels import Task, TaskError, bundled, load_task
from pydantic import ValidationError

REFERENCE = "class Model: ...\ndef get_inputs(): ...\ndef get_init_inputs(): ...\n"
GOOD = 'name = "copy"\ntitle = "A copy"\ndtype = "float16"\n'


def write(folder: Path, description: str = GOOD, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "task.toml").write_text(description, encoding="utf-8")
    (folder / "reference.py").write_text(REFERENCE, encoding="utf-8")
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


def sentence(name_or_path: object) -> str:
    with pytest.raises(TaskError) as caught:
        load_task(str(name_or_path))
    text = str(caught.value)
    assert "\n" not in text and "https://" not in text
    return text


@pytest.mark.parametrize("name", bundled())
def test_a_bundled_task_is_named_as_its_folder_and_is_whole(name: str) -> None:
    task = load_task(name)
    assert task.name == name
    assert task.reference.is_file() and task.seed and task.small and task.wrong


@pytest.mark.parametrize("name", bundled())
def test_small_shapes_replace_constants_that_the_reference_has(name: str) -> None:
    task = load_task(name)
    constants = {
        target.id
        for node in ast.parse(task.reference_source()).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert all(set(case) == constants for case in task.small)


def test_a_folder_is_a_task(tmp_path: Path) -> None:
    task = load_task(str(write(tmp_path / "mine", seed="text = 1\n")))
    assert (task.name, task.dtype, task.wrong) == ("copy", "float16", [])
    assert task.folder == tmp_path / "mine"
    assert task.seed_source() == "text = 1\n"


def test_a_task_without_a_seed_has_none(tmp_path: Path) -> None:
    task = load_task(str(write(tmp_path / "mine")))
    assert task.seed is None and task.seed_source() is None


def test_a_relative_folder_is_kept_as_an_absolute_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert load_task("mine").folder == tmp_path / "mine"


@pytest.mark.parametrize(
    "name", ["layernorm", "", "no/such/folder", "x" * 5000, "null\0byte", "../layer_norm"]
)
def test_an_unknown_task_names_the_known_ones(name: str) -> None:
    assert "layer_norm" in sentence(name)


def test_a_folder_without_a_reference_is_told_what_it_lacks(tmp_path: Path) -> None:
    (write(tmp_path / "mine") / "reference.py").unlink()
    assert "has no reference.py with Model" in sentence(tmp_path / "mine")


@pytest.mark.parametrize(
    ("description", "says"),
    [
        ("name = ", "is not valid TOML"),
        (GOOD.replace('"float16"', '"int8"'), "dtype: input should be 'float32', 'float16' or 'bfloat16'"),
        ('name = "copy"\n', "title: field required"),
        (GOOD + "speed = 1\n", "speed: there is no such key"),
        (GOOD + 'folder = "/etc"\n', "folder (not a setting): there is no such key"),
        (GOOD + 'file = "/etc/passwd"\n', "file (not a setting): there is no such key"),
        (GOOD + "[[small]]\nn = 0\n", "small.0.n: input should be greater than 0"),
        (GOOD + "[[small]]\n", "small.0: dictionary should have at least 1 item"),
        (GOOD + '[[small]]\n"n m" = 1\n', "small.0.n m: string should match pattern"),
        (GOOD + "required = []\n", "required: list should have at least 1 item"),
        (GOOD + 'stress = ["huge", "nominal"]\n', "the family 'nominal' is named twice"),
        (GOOD + "[tolerance]\nrms_floor = nan\n", "tolerance.rms_floor: input should be a finite number"),
        (GOOD + "[tolerance]\nrms_floor = -1\n", "tolerance.rms_floor: input should be greater than 0"),
    ],
)
def test_a_bad_description_gets_one_sentence(description: str, says: str, tmp_path: Path) -> None:
    text = sentence(write(tmp_path / "mine", description))
    assert says in text and "task.toml" in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "there is no file"),
        ("x = 1\ndef f(:\n", "is not valid Python: invalid syntax at line 2"),
        ("x = '\0'\n", "is not valid Python: "),
    ],
    ids=["missing", "syntax", "null byte"],
)
def test_a_bad_single_file_gets_one_sentence(text: str | None, says: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    if text is not None:
        file.write_text(text)
    assert says in sentence(file)


def test_a_description_that_is_not_text_is_said_to_be_none(tmp_path: Path) -> None:
    (write(tmp_path / "mine") / "task.toml").write_bytes(b"\xff\xfe")
    assert "is not UTF-8 text" in sentence(tmp_path / "mine")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_description_without_permission_is_said_to_be_unreadable(tmp_path: Path) -> None:
    (write(tmp_path / "mine") / "task.toml").chmod(0)
    assert "cannot be read: Permission denied" in sentence(tmp_path / "mine")


@given(st.text(alphabet=string.printable, min_size=1, max_size=12))
def test_a_name_never_leads_out_of_a_folder(name: str) -> None:
    try:
        task = Task(name=name, title="A copy", dtype="float32", folder=Path("/tasks"))
    except ValidationError:
        return
    assert (Path("/home") / task.name).parent == Path("/home")
    assert os.path.normpath(f"/home/{task.name}") == f"/home/{task.name}"


@pytest.mark.parametrize("text", ["", '"""A kernel."""\n', '"""\nexpected: incorrect\n"""\nx = (', "x = 1\n"])
def test_a_wrong_kernel_without_an_expectation_is_an_error(text: str, tmp_path: Path) -> None:
    task = load_task(str(write(tmp_path / "mine", kernel=text)))
    with pytest.raises(TaskError, match="expected: <status>"):
        task.expected(task.folder / "kernel.py")


def test_an_expectation_is_read_from_the_first_line(tmp_path: Path) -> None:
    task = load_task(str(write(tmp_path / "mine", kernel='"""expected: timeout\n\nSpins."""\n')))
    assert task.expected(task.folder / "kernel.py") == "timeout"
    assert task.expected(task.folder / "kernel.py", "offline") == "timeout"


def test_an_expectation_may_differ_without_a_card(tmp_path: Path) -> None:
    text = '"""expected: timeout, offline unchecked\n\nSpins."""\n'
    task = load_task(str(write(tmp_path / "mine", kernel=text)))
    assert task.expected(task.folder / "kernel.py") == "timeout"
    assert task.expected(task.folder / "kernel.py", "offline") == "unchecked"


def test_hostile_and_honest_kernels_are_listed_by_name_and_no_other_file_is(tmp_path: Path) -> None:
    folder = write(tmp_path / "mine")
    for group in ("wrong", "hostile", "honest"):
        write(folder / group, b_second="", a_first="", __init__="")
        (folder / group / "notes.md").write_text("no kernel", encoding="utf-8")
        for other in ("task.toml", "reference.py"):
            (folder / group / other).unlink()
    task = load_task(str(folder))
    for group, found in (("wrong", task.wrong), ("hostile", task.hostile), ("honest", task.honest)):
        assert found == [folder / group / "a_first.py", folder / group / "b_second.py"]


def test_a_task_without_such_folders_has_no_such_kernels(tmp_path: Path) -> None:
    task = load_task(str(write(tmp_path / "mine")))
    assert (task.wrong, task.hostile, task.honest) == ([], [], [])


def test_a_kernel_says_its_kind_and_what_it_does_in_one_line(tmp_path: Path) -> None:
    text = '"""expected: rejected\n\nReplay: keeps its answer: by address,\nand by length.\n"""\n'
    task = load_task(str(write(tmp_path / "mine", kernel=text)))
    assert task.about(task.folder / "kernel.py") == ("Replay", "keeps its answer: by address, and by length.")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1\n",
        '"""expected: rejected"""\n',
        '"""expected: rejected\nReplay: keeps its answer."""\n',
        '"""expected: rejected\n\nKeeps its answer."""\n',
        '"""expected: rejected\n\nKeeps it.\n\nReplay: keeps its answer."""\n',
        '"""expected: rejected\n\nReplay: keeps its answer."""\nx = (',
    ],
)
def test_a_kernel_that_does_not_say_its_kind_is_an_error(text: str, tmp_path: Path) -> None:
    task = load_task(str(write(tmp_path / "mine", kernel=text)))
    with pytest.raises(TaskError, match=r"'Kind: what it does\.'"):
        task.about(task.folder / "kernel.py")


def test_a_kernelbench_file_is_a_task_without_seed(tmp_path: Path) -> None:
    file = tmp_path / "40_Layer-Norm.py"
    file.write_text(REFERENCE, encoding="utf-8")
    write(tmp_path, seed="another task's\n")
    write(tmp_path / "hostile", kernel="")
    task = load_task(str(file))
    assert (task.name, task.dtype, task.reference) == ("40_Layer_Norm", None, file)
    assert (task.seed, task.wrong, task.hostile, task.honest) == (None, [], [], []) and not task.small
    assert task.reference_source() == REFERENCE


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("class Model: ...\ndef get_inputs(): ...\n", "defines no get_init_inputs: a task needs"),
        ("", "defines no Model and no get_inputs and no get_init_inputs"),
        ("class Model(\n", "is not valid Python: "),
        ("x = '\0'", "is not valid Python: "),
        ("x = " + "+".join(["1"] * 20000), "too deep for Python's parser"),
        ("x = " + "-" * 20000 + "1", "too deep for Python's parser"),
    ],
)
def test_a_file_that_is_no_kernelbench_task_is_told_so(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text(text, encoding="utf-8")
    assert says in sentence(tmp_path / "file.py")


def test_a_kernelbench_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text(REFERENCE, encoding="utf-8-sig")
    assert load_task(str(tmp_path / "file.py")).reference_source() == REFERENCE


def test_a_kernelbench_file_in_another_encoding_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text(f"# -*- coding: latin-1 -*-\n# é\n{REFERENCE}", encoding="latin-1")
    assert sentence(tmp_path / "file.py").endswith("file.py' is not UTF-8 text: save it as UTF-8")


def test_a_kernelbench_file_may_define_its_parts_under_a_condition_or_by_another_name(tmp_path: Path) -> None:
    text = "class Net: ...\nModel: type = Net\nif True:\n    def get_inputs(): ...\nelse:\n    pass\n"
    (tmp_path / "file.py").write_text(text + "get_init_inputs, other = list, 1\n", encoding="utf-8")
    assert load_task(str(tmp_path / "file.py")).name == "file"


def test_what_a_function_binds_is_not_the_files_own(tmp_path: Path) -> None:
    text = "def f():\n    Model = 1\ndef get_inputs(): ...\ndef get_init_inputs(): ...\n"
    (tmp_path / "file.py").write_text(text, encoding="utf-8")
    assert "defines no Model" in sentence(tmp_path / "file.py")


def test_of_a_single_file_other_signs_are_required_too(tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text(REFERENCE, encoding="utf-8")
    assert "signed" in load_task(str(tmp_path / "file.py")).required
    assert "signed" not in load_task(str(write(tmp_path / "mine"))).required
