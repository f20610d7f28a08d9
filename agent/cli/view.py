"""``view``: the report page on a loopback port, which follows a campaign while it runs."""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import UsageProblem
from .opening import reading
from .options import CampaignId, StoreFile

if TYPE_CHECKING:
    from ..report.serving import LivePage, LiveServer


def view(
    campaign: CampaignId,
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="Listen there; 0: any free port.")
    ] = 0,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Whether to open it in the browser.")
    ] = False,
    store: StoreFile = None,
) -> None:
    """Serve a campaign's page, which follows it live, to a browser on this machine; Ctrl-C ends it.

    The page is the report's, on this machine's own address (127.0.0.1), where whoever is logged in here can read
    it as long as this runs. Nothing can be changed through it.

    \b
    Examples:
      kernelwright view abcd --open
      kernelwright view abcd --port 8123
    """
    from ..report.serving import LivePage

    with reading(store) as opened:
        name = opened.campaign_id(campaign)
        page = LivePage(opened, name)
        page.data()  # what is wrong with the store is said now and not in the browser
        with _listening(page, port) as server:
            print(server.address, flush=True)
            hint = "" if open_browser else "open it in a browser, or let --open do that; "
            print(f"campaign {name}: {hint}Ctrl-C ends", file=sys.stderr, flush=True)
            if open_browser:
                _show(server.address)
            _serve(server)


def _listening(page: LivePage, port: int) -> LiveServer:
    from ..report.serving import LOOPBACK, LiveServer

    try:
        return LiveServer(page, port)
    except OSError as problem:
        why = {
            errno.EADDRINUSE: "another program listens there",
            errno.EACCES: "this user may not listen there",
        }.get(problem.errno or 0, problem.strerror)
        raise UsageProblem(
            f"port {port} of {LOOPBACK} cannot be used, since {why}: name another with --port, or none for a free one"
        ) from None


def _show(address: str) -> None:
    import webbrowser

    if not webbrowser.open(address):
        print("no browser could be opened: open the address by hand", file=sys.stderr)


def _serve(server: LiveServer) -> None:
    try:
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        print("ended", file=sys.stderr)
