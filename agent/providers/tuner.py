"""No model at all: the stage's own parameter changes, tried one after the other on the parent's source.

A machine without a key gets a real campaign, and every model gets a baseline to beat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256

from kernelwright.evaluator.source import triton_functions

from ..record import Reply, Usage
from ..replies import extract
from .anatomy import Anatomy
from .base import NothingToPropose, Request
from .collector import dissect
from .edits import apply
from .knobs import changes
from .reasons import lacking

_BACKTICKS = re.compile(r"`{3,}")


class TunerProvider:
    """Proposes the first change that the campaign has not tried."""

    name = "tuner"
    model = "tuner"

    def ask(self, request: Request) -> Reply:
        """A sentence and the changed source in a fence; raises NothingToPropose when nothing is left."""
        stage = request.stage.name
        if not request.stage.knobs:
            raise NothingToPropose(f"the tuner has no parameter to change in stage '{stage}'")
        if not request.parent_source:
            raise NothingToPropose(
                "the tuner changes kernels and there is none yet: a first one needs a model"
            )
        found = 0
        for text, source in proposals(request.parent_source, request.stage.knobs):
            found += 1
            if _sha(source) not in request.tried:
                return Reply(text=text, provider=self.name, model=self.model, usage=_FREE)
        if found:
            knobs = ", ".join(request.stage.knobs)
            raise NothingToPropose(
                f"all {found} changes of {knobs} that the tuner knows for this kernel are tried"
            )
        anatomy = _taken_apart(request.parent_source)
        lacks = "; ".join(lacking(anatomy, knob) for knob in request.stage.knobs)
        raise NothingToPropose(f"the tuner finds nothing to change in stage '{stage}': {lacks}")


_FREE = Usage(prompt_tokens=0, completion_tokens=0)


def proposals(parent: str, knobs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Reply texts with the kernel that each holds, in order, all different from the parent and one another.

    Raises NothingToPropose for a parent that cannot be taken apart.
    """
    anatomy = _taken_apart(parent)
    seen = {_sha(anatomy.module.code)}
    for change in changes(anatomy, knobs):
        text = _reply(", ".join(change.words), apply(anatomy.module, anatomy.homes, change))
        source = extract(text)
        if isinstance(source, str) and _sha(source) not in seen:
            seen.add(_sha(source))
            yield text, source


def _taken_apart(parent: str) -> Anatomy:
    try:
        return dissect(parent, triton_functions(parent))
    except ValueError as error:
        raise NothingToPropose(str(error)) from None


def _reply(words: str, source: str) -> str:
    longest = max((len(run) for run in _BACKTICKS.findall(source)), default=2)
    fence = "`" * (longest + 1)
    ending = "" if source.endswith("\n") else "\n"
    return f"Change {words}.\n\n{fence}python\n{source}{ending}{fence}\n"


def _sha(source: str) -> str:
    return sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
