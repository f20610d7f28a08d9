"""The command ``kernelwright``: its commands, and what becomes of what they raise."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from . import (
    ask,
    bench,
    campaign,
    catalogue,
    errors,
    judging,
    output,
    portable,
    prompting,
    reading,
    redteam,
    replay,
    report,
    view,
)

app = typer.Typer(
    name="kernelwright",
    help="Make GPU kernels faster with a language model, and believe nothing that was not measured.",
    epilog="Begin with: kernelwright run layer_norm",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

app.command()(campaign.run)
app.command()(campaign.resume)
app.command()(reading.best)
app.command("list")(reading.list_campaigns)
app.command()(reading.tree)
app.command("show")(reading.show_attempt)
app.command()(reading.diff)
app.command()(report.report)
app.command()(ask.ask)
app.command()(view.view)
app.command()(replay.replay)
app.command()(portable.export)
app.command("import")(portable.import_campaign)
app.add_typer(prompting.prompt, name="prompt", help="Look at prompts without asking anyone.")
app.command()(judging.evaluate)
app.command()(redteam.redteam)
app.command()(bench.bench)
app.command()(catalogue.tasks)
app.command()(catalogue.stages)
app.command()(catalogue.gpus)
app.command()(catalogue.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("kernelwright"))
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before any command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; nothing but the exit code leaves this function."""
    _tolerate_narrow_encodings()
    try:
        app(arguments, prog_name="kernelwright")
        code = errors.FINE
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else errors.FINE if end.code is None else errors.FAILED
        if code == errors.INTERRUPTED:  # typer ends without a word
            errors.report(KeyboardInterrupt())
    except BrokenPipeError as problem:
        code = errors.FINE if _reader_is_gone() else errors.report(problem)
    except BaseException as problem:
        code = errors.report(problem)
    return _flushed(code)


def _tolerate_narrow_encodings() -> None:
    """A terminal that cannot show ``×`` gets an ``x`` and not an exception."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=output.NARROW)


def _reader_is_gone() -> bool:
    """Whether stdout is a pipe without a reader; some other pipe's end is a failure."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), select.POLLOUT)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (OSError, ValueError):  # a stdout without a descriptor
        return False


def _flushed(code: int) -> int:
    """A reader that closed its end early, as ``| head`` does, is no failure."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code
