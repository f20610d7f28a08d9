"""Templates to text: strict and pure, the same bytes for the same data on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, StrictUndefined, TemplateError, meta
from jinja2.sandbox import SandboxedEnvironment

from .filters import FILTERS

_SUFFIX = ".j2"


class PromptError(ValueError):
    """A prompt cannot be made: unknown template, or data that does not fill it."""


@dataclass(frozen=True)
class Rendered:
    """One prompt."""

    text: str
    template: str
    template_sha: str
    """SHA-256 over the sources of the template and of everything it includes, in the order of their names."""


@cache
def _sources() -> dict[str, str]:
    """Source of every template file, by its name without the suffix."""
    found = [entry for entry in files(__package__).iterdir() if entry.name.endswith(_SUFFIX)]
    return {
        entry.name.removesuffix(_SUFFIX): entry.read_text(encoding="utf-8")
        for entry in sorted(found, key=lambda entry: entry.name)
    }


@cache
def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        loader=DictLoader(_sources()),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(FILTERS)
    return environment


def templates() -> list[str]:
    """Names of the templates that can be rendered; parts, whose names begin with ``_``, are not."""
    return [name for name in _sources() if not name.startswith("_")]


def _family(template: str) -> list[str]:
    """The template and everything that it includes, directly or not, sorted by name."""
    sources, found, waiting = _sources(), set[str](), [template]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name not in sources:
            raise PromptError(f"template '{template}' includes '{name}', which does not exist")
        found.add(name)
        for child in meta.find_referenced_templates(_environment().parse(sources[name])):
            if child is None:
                raise PromptError(f"template '{name}' includes a name that is only known when it is rendered")
            waiting.append(child)
    return sorted(found)


@cache
def _template_sha(template: str) -> str:
    digest = hashlib.sha256()
    for name in _family(template):
        source = _sources()[name].encode()
        digest.update(f"{name} {len(source)}\n".encode() + source)
    return digest.hexdigest()


@cache
def _needed(template: str) -> frozenset[str]:
    """Names that the data must hold. Checked first, since ``x is none`` is no error on an undefined x."""
    parsed = (_environment().parse(_sources()[name]) for name in _family(template))
    return frozenset().union(*(meta.find_undeclared_variables(tree) for tree in parsed))


def render(template: str, data: Mapping[str, Any]) -> Rendered:
    """The prompt that ``template`` makes of ``data`` (a brief's ``data()``).

    Nothing but the two arguments and the template files decides the bytes. Raises `PromptError` when there
    is no such template, when it uses a name that the data lacks, or when a value is of the wrong kind.
    """
    if template not in templates():
        raise PromptError(f"unknown template '{template}': choose one of {', '.join(templates())}")
    lacking = sorted(_needed(template) - set(data))
    if lacking:
        raise PromptError(f"template '{template}' needs {', '.join(lacking)}, which the data lacks")
    try:
        text = _environment().get_template(template).render(data)
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as problem:
        raise PromptError(f"template '{template}' cannot be filled from this data: {problem}") from problem
    return Rendered(text=text, template=template, template_sha=_template_sha(template))
