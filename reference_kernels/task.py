"""A task: a folder with ``task.toml``, ``reference.py`` and, mostly, ``seed.py`` and ``wrong/*.py``.

A single file in KernelBench's format is one too, with the defaults for everything that a folder would say.
"""

from __future__ import annotations

import ast
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    ValidationError,
    model_validator,
)

REFERENCE = "reference.py"
ELSEWHERE = " (not bundled)"
"""Ends the name of a task that an imported campaign left on the machine of its export; no file has that name."""
CONTRACT = ("Model", "get_inputs", "get_init_inputs")


class TaskError(ValueError):
    """A task is unknown or its folder is not one; the message says what is wrong and what to do."""


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=80)]
"""No dots and no slashes: a name never leads out of a folder."""

RMS_FLOORS = {"float64": 1e-12, "float32": 1e-5, "float16": 2.0**-10, "bfloat16": 2.0**-7}
"""Error that is always allowed, in units of the reference's RMS: of narrow dtypes their epsilon."""

Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Constant = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\n]+$")]


_REQUIRED = ["nominal", "small", "large", "sparse", "shifted"]
_OF_A_FILE = [*_REQUIRED, "signed"]
"""Many files draw positive inputs only, on which relu is a copy."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Tolerance(_Model):
    """How much error is allowed, per family of inputs."""

    eager_factor: PositiveFloat = 3.0
    """Times the error that PyTorch's own result in the task's dtype makes against fp64."""
    rms_floor: PositiveFloat | None = None
    """At least this, in units of the reference's RMS; None: `RMS_FLOORS` by each output's dtype."""

    def floor(self, dtype: str) -> float:
        """What is always allowed of an output of that dtype, in units of the reference's RMS."""
        return self.rms_floor or RMS_FLOORS.get(dtype, RMS_FLOORS["float32"])


class Task(_Model):
    """What is optimised."""

    name: Name
    title: Line
    """One line for people and for the prompt."""
    dtype: Literal["float32", "float16", "bfloat16"] | None = None
    """Of the main output, for people who have no torch at hand; the judge looks at the reference (`TaskFacts`)."""
    tolerance: Tolerance = Tolerance()
    required: list[Word] = Field(default_factory=lambda: list(_REQUIRED), min_length=1)
    """Families of inputs that decide the status, in the order in which they are tried."""
    stress: list[Word] = Field(
        default_factory=lambda: ["shifted_10", "shifted_1000", "huge", "denormal", "infinite"]
    )
    """Families that are reported and do not decide the status."""
    small: list[Annotated[dict[Constant, PositiveInt], Field(min_length=1)]] = Field(default_factory=list)
    """Shapes for Triton's interpreter: values for constants of ``reference.py``, one dict per case."""
    flops: int = Field(default=0, ge=0)
    """Floating-point operations of one forward at the timed shapes, for the floor; 0: bytes decide."""
    bytes: PositiveInt | None = None
    """Bytes that one forward has to move at the timed shapes, for the floor, where it need not touch all of its
    inputs and parameters; None: each input and parameter once, each output once."""
    folder: Path
    file: Path | None = None
    """The task itself, when it is a single file instead of a folder."""

    @model_validator(mode="after")
    def _each_family_once(self) -> Self:
        names = [*self.required, *self.stress]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"the family '{twice}' is named twice")
        return self

    @property
    def reference(self) -> Path:
        """``reference.py``: Model, get_inputs, get_init_inputs (KernelBench's contract)."""
        return self.file or self.folder / REFERENCE

    @property
    def seed(self) -> Path | None:
        """``seed.py``, or None when the task starts from its reference alone."""
        path = self.folder / "seed.py"
        return path if path.is_file() and self.file is None else None

    @property
    def wrong(self) -> list[Path]:
        """Kernels with honest mistakes, which must be refused, by name."""
        return self._kernels("wrong")

    @property
    def hostile(self) -> list[Path]:
        """Kernels that try to fool the evaluator and must not succeed, by name."""
        return self._kernels("hostile")

    @property
    def honest(self) -> list[Path]:
        """Kernels that do unusual things for good reasons and must pass, by name."""
        return self._kernels("honest")

    def _kernels(self, name: str) -> list[Path]:
        found = [] if self.file else (self.folder / name).glob("*.py")
        return sorted(path for path in found if path.name != "__init__.py")

    def reference_source(self) -> str:
        """The text of ``reference.py``; raises `TaskError` when it cannot be read."""
        return _read(self.reference)

    def seed_source(self) -> str | None:
        """The text of ``seed.py``, or None without one; raises `TaskError` when it cannot be read."""
        return _read(self.seed) if self.seed else None

    def about(self, kernel: Path) -> tuple[str, str]:
        """What a kernel of `hostile` or `honest` says of itself: its kind, and what it does in one sentence.

        From the docstring's second paragraph, ``Replay: keeps its answer by the input's address.``
        Raises `TaskError` without such a paragraph.
        """
        paragraphs = _docstring(kernel).strip().split("\n\n")
        kind, colon, sentence = " ".join("".join(paragraphs[1:2]).split()).partition(": ")
        if not colon:
            raise TaskError(
                f"'{kernel}' does not say 'Kind: what it does.' in its docstring's second paragraph"
            )
        return kind, sentence

    def expected(self, wrong: Path, device: Literal["cuda", "offline"] = "cuda") -> str:
        """The status that a kernel of `wrong`, `hostile` or `honest` has to end with, from its docstring's first line.

        That line reads ``expected: incorrect``, with a status of the evaluator; where a machine without a card
        cannot see the fault, ``expected: timeout, offline unchecked``. Raises `TaskError` without such a line.
        """
        found = _EXPECTED.match(_docstring(wrong))
        if found is None:
            raise TaskError(
                f"'{wrong}' does not begin with a docstring whose first line is 'expected: <status>'"
            )
        return found[2] if device == "offline" and found[2] else found[1]


_EXPECTED = re.compile(r"expected: ([a-z_]+)(?:, offline ([a-z_]+))?\n")


def bundled() -> dict[str, Path]:
    """Folders of the tasks that come with kernelwright, by name."""
    here = Path(str(files(__package__)))
    return {path.parent.name: path.parent for path in sorted(here.glob("*/task.toml"))}


def load_task(name_or_path: str) -> Task:
    """A bundled task by name, or a task folder or a KernelBench file by path; raises `TaskError`."""
    refuse_elsewhere(name_or_path)
    path = bundled().get(name_or_path) or Path(name_or_path)
    if path.suffix == ".py" and _is_file(path):
        return _single_file(path)
    if path.suffix == ".py" and not _is_file(path / "task.toml"):
        raise TaskError(f"there is no file '{name_or_path}': check the path")
    if not _is_file(path / "task.toml"):
        raise TaskError(
            f"unknown task '{name_or_path}': name a bundled one ({', '.join(bundled())}), "
            "a folder with a task.toml or a KernelBench .py file"
        )
    if not _is_file(path / REFERENCE):
        raise TaskError(f"task folder '{path}' has no {REFERENCE} with {', '.join(CONTRACT)}")
    return _parse(path)


def refuse_elsewhere(name: str) -> None:
    """Raise `TaskError` for a task that was left behind, before anything of that name is looked for."""
    if name.endswith(ELSEWHERE):
        raise TaskError(
            f"the task '{name.removesuffix(ELSEWHERE)}' stayed where its campaign was exported: look through the "
            "campaign here, and go on with it there"
        )


def _single_file(path: Path) -> Task:
    _check_contract(path)
    name = re.sub(r"[^A-Za-z0-9]+", "_", path.stem).strip("_")[:80] or "task"
    file = path.resolve()
    title = f"the PyTorch module of {path.name}"
    return Task(name=name, title=title, required=_OF_A_FILE, folder=file.parent, file=file)


def _check_contract(path: Path) -> None:
    """Any Python file may be named, so this tells without running it whether it is a task; raises `TaskError`."""
    text = _read(path)
    try:
        tree = ast.parse(text)
    except SyntaxError as problem:
        where = f" at line {problem.lineno}" if problem.lineno else ""
        raise TaskError(f"'{path}' is not valid Python: {problem.msg}{where}") from None
    except ValueError as problem:  # a null byte
        raise TaskError(f"'{path}' is not valid Python: {str(problem).splitlines()[0]}") from None
    except (RecursionError, MemoryError):  # what Python's parser says of depth
        raise TaskError(f"'{path}' has an expression that is too deep for Python's parser") from None
    lacks = [name for name in CONTRACT if name not in _defined(tree)]
    if lacks:
        raise TaskError(f"'{path}' defines no {' and no '.join(lacks)}: a task needs {', '.join(CONTRACT)}")


def _defined(tree: ast.Module) -> set[str]:
    """Names that a module's top level binds, under whatever condition."""
    names: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        else:
            waiting.extend(ast.iter_child_nodes(node))
    return names


def _parse(folder: Path) -> Task:
    file = folder / "task.toml"
    try:
        raw = tomllib.loads(_read(file))
        return Task.model_validate({**_without_paths(raw), "folder": folder.resolve()})
    except tomllib.TOMLDecodeError as problem:
        raise TaskError(f"'{file}' is not valid TOML: {problem}") from None
    except ValidationError as problem:
        raise TaskError(f"'{file}' is not a task description: {_first(problem)}") from None


def _without_paths(raw: dict[str, Any]) -> dict[str, Any]:
    """A description says nothing about where it lies, so that it can name no other folder's files."""
    return {(f"{key} (not a setting)" if key in ("folder", "file") else key): raw[key] for key in raw}


def _first(problem: ValidationError) -> str:
    """The first of pydantic's complaints as a clause."""
    error = problem.errors()[0]
    place = ".".join(str(part) for part in error["loc"] if part != "[key]")
    extra = error["type"] == "extra_forbidden"
    message = "there is no such key" if extra else error["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    more = problem.error_count() - 1
    return (f"{place}: {message}" if place else message) + (f" (and {more} more)" if more else "")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # no permission, a name that is too long, a null byte
        return False


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # Python takes a byte-order mark, too
    except OSError as problem:
        raise TaskError(f"'{path}' cannot be read: {problem.strerror or problem}") from None
    except UnicodeDecodeError:
        raise TaskError(f"'{path}' is not UTF-8 text: save it as UTF-8") from None


def _docstring(path: Path) -> str:
    try:
        return (ast.get_docstring(ast.parse(_read(path))) or "") + "\n"
    except (SyntaxError, ValueError):
        return ""
