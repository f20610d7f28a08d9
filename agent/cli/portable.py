"""``export`` and ``import``: a campaign as one file. Neither imports torch."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .opening import reading, store_option, store_path, writing
from .options import AsJson, CampaignId, StoreFile
from .output import show, show_json, stderr, stdout
from .saving import may_write, write_whole

PATIENCE_S = 2.0
"""What takes longer says that it goes on."""

if TYPE_CHECKING:
    from ..portable import Imported


def export(
    campaign: CampaignId,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="FILE", help="The file; with .gz at its end, compressed."),
    ],
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
    store: StoreFile = None,
) -> None:
    """Write a campaign into one file that any machine can import: no key and no path of this machine in it.

    \b
    Examples:
      kernelwright export abcd -o abcd.json
      kernelwright export abcd -o abcd.json.gz --force
    """
    from ..portable import export_campaign
    from ..portable.exporting import compressed

    may_write(output, force, store_path(store))
    with reading(store) as opened, _busy("reading and checking the campaign"):
        name = opened.campaign_id(campaign)
        exported = export_campaign(opened, name)
        data = compressed(exported.data) if output.suffix == ".gz" else exported.data
    _say_replaced(exported.replaced)
    write_whole(output, data)
    holds = f"{exported.attempts} attempts, {exported.texts} texts, {_size(len(data))}"
    stdout().print(f"{output}: campaign {name}, {holds}", soft_wrap=True)


def import_campaign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `export` wrote, compressed or not.")],
    store: StoreFile = None,
    as_json: AsJson = False,
) -> None:
    """Take a campaign from a file into the store, whole or not at all; nothing in it is run.

    \b
    Examples:
      kernelwright import abcd.json
      kernelwright import abcd.json.gz --store elsewhere.db
    """
    from ..portable import import_campaign as into
    from ..portable.importing import bundle_from

    with _busy("reading and checking the file"):
        bundle = bundle_from(file)
    with writing(store, create=True) as opened, _busy("storing the campaign"):
        found = into(opened, bundle)
    if as_json:
        show_json({"campaign": found.campaign, "attempts": found.attempts, "new": found.new})
    else:
        _say_imported(found, store_option(store))


@contextmanager
def _busy(what: str) -> Iterator[None]:
    """A live line on a terminal; elsewhere a lasting one, if it takes long."""
    console = stderr()
    if console.is_terminal:
        with console.status(what), _uncollected():
            yield
        return
    late = threading.Timer(PATIENCE_S, lambda: console.print(f"{what} …"))
    late.daemon = True
    late.start()
    try:
        with _uncollected():
            yield
    finally:
        late.cancel()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for cycles: a large campaign is millions of objects without one."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _say_imported(found: Imported, option: str) -> None:
    done = "imported" if found.new else "is in the store already, nothing changed"
    show(f"campaign {found.campaign} {done}: {found.attempts} attempts", "", "next")
    for command, why in (
        (f"kernelwright tree {found.campaign}", "what every stage tried and what came of it"),
        (f"kernelwright report {found.campaign}", "the same as one page"),
        (f"kernelwright replay {found.campaign}", "whether today's templates and rules agree"),
    ):
        stdout().print(f"  {command + option:<44}  {why}", soft_wrap=True)


def _say_replaced(replaced: Mapping[tuple[str, str], int]) -> None:
    from ..views.text import one_line

    console = stderr()
    for (what, by), count in sorted(replaced.items()):
        times = f" ({count} times)" if count > 1 else ""
        console.print(f"replaced {one_line(what)} by {one_line(by)}{times}", soft_wrap=True)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"
