"""The help texts as one document: ``python -m kernelwright.agent.cli.reference > docs/commands.md``."""

from __future__ import annotations

import contextlib
import io
import sys

from .main import app

HEAD = """\
# Commands

Made from the commands' own help texts by `python -m kernelwright.agent.cli.reference > docs/commands.md`.

Results go to stdout, progress to stderr. Ids may be shortened to any unique prefix. Every command that reads has
`--json`.

| exit code | meaning |
|---|---|
| 0 | fine |
| 1 | the kernel did not pass (it failed, or it is unchecked, offline only), or a replay differs |
| 2 | usage: an unknown task, stage, card, key or campaign, or a file that is not what it should be |
| 3 | the environment lacks something; the message says what mends it |
| 4 | waiting for a reply that a person supplies |
| 5 | paused (API, budget, no first kernel, unhealthy card, another process at work); the message says what goes on |
| 130 | interrupted, and resumable |

`KERNELWRIGHT_DEBUG=1` adds the traceback to an error. `KERNELWRIGHT_STORE` names the store, as `--store` does.
"""


def commands() -> list[str]:
    """Every command line that has a help text, as ``prompt render``; the first is the program itself."""
    names = [command.name or _name(command.callback) for command in app.registered_commands]
    nested = [
        f"{group.name} {command.name or _name(command.callback)}"
        for group in app.registered_groups
        if group.typer_instance is not None
        for command in group.typer_instance.registered_commands
    ]
    return ["", *names, *nested]


def reference() -> str:
    """The whole document."""
    sections = [f"## kernelwright {name}".rstrip() + f"\n\n```\n{help_of(name)}```\n" for name in commands()]
    return "\n".join([HEAD, *sections])


def help_of(name: str) -> str:
    """One help text, at the width of 100 columns whatever the terminal's."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
        app([*name.split(), "--help"], prog_name="kernelwright", terminal_width=100)
    return output.getvalue()


def _name(callback: object) -> str:
    return getattr(callback, "__name__", "").replace("_", "-")


if __name__ == "__main__":
    sys.stdout.write(reference())
