"""The report page: one HTML file that opens without a network, or the shell that a server fills with life.

A file holds the facts as JSON and the long texts in compressed blocks, and nothing in it runs but the scripts
whose hashes its content security policy names. `shell` with ``live`` is the same page without facts: its
script asks its server for ``data.json`` (the facts, under an ETag) every two seconds and for ``text/KEY``
(`facts.text_of`, as UTF-8) when something is opened.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ..record import Record
from .facts import page_facts, page_texts
from .texts import Text, pack

SCRIPTS = ("dom", "pictures", "texts", "overview", "tree", "attempt", "tabs", "route", "live", "start")
"""In the order in which they are joined into one; each defines functions, the last one begins."""

Progress = Callable[[int, int], None]
"""Called with how many of how many texts are done."""


def page(record: Record, standing: str, text: Text, progress: Progress = lambda done, all_: None) -> str:
    """The whole file; ``text`` gives the stored text of a SHA-256, ``standing`` is `Store.standing`'s word."""
    makers = page_texts(record, text)
    packed = pack(_counted(((key, make()) for key, make in makers.items()), len(makers), progress))
    facts = page_facts(record, standing)
    title = f"{facts['campaign']['id']}: {facts['campaign']['title']}"
    return _rendered(title, live=False, data=facts, index=packed.index, blocks=packed.blocks)


def shell(live: bool = True) -> str:
    """The page without facts, for a server."""
    return _rendered("kernelwright", live=live, data=None, index=None, blocks=[])


def json_in_html(data: object) -> str:
    """JSON that no HTML parser can take for markup: ASCII, and without ``<``, ``>`` and ``&``."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def policy(live: bool) -> str:
    """The content security policy: our script, our style, our icon and, live, our server."""
    rules = {
        "default-src": "'none'",
        "script-src": _hash(_script()),
        "style-src": _hash(_asset("page.css")),
        "img-src": "data:",
        **({"connect-src": "'self'"} if live else {}),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _rendered(title: str, live: bool, data: object, index: object, blocks: Iterable[str]) -> str:
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(_asset("page.html.j2"))
    return template.render(
        title=title,
        live=live,
        policy=policy(live),
        style=Markup(_asset("page.css")),
        script=Markup(_script()),
        data=Markup(json_in_html(data)),
        index=Markup(json_in_html(index)),
        blocks=blocks,
    )


@cache
def _script() -> str:
    parts = "\n".join(_asset(f"{name}.js") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}}})();\n'


@cache
def _asset(name: str) -> str:
    return (files(f"{__package__}.assets") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _counted(texts: Iterable[tuple[str, str]], number: int, progress: Progress) -> Iterator[tuple[str, str]]:
    for done, pair in enumerate(texts, 1):
        yield pair
        progress(done, number)
