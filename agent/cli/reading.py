"""``list``, ``tree``, ``best``, ``show``, ``diff``: what campaigns left behind. None of them imports torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .artefacts import (
    attempt_of,
    brief_of,
    metrics_of,
    parent_of,
    patch,
    reply_of,
    samples_of,
    text_of,
)
from .errors import KernelFailed, UsageProblem
from .opening import reading, record_of, store_option, store_path
from .options import AsJson, AttemptId, CampaignId, StoreFile
from .output import show, show_json, show_text
from .saving import may_write, write_whole

if TYPE_CHECKING:
    from ..record import Attempt
    from ..store import Store


def list_campaigns(store: StoreFile = None, as_json: AsJson = False) -> None:
    """List all campaigns with their best kernels.

    \b
    Example:
      kernelwright list
    """
    from ..views.campaigns import campaigns, campaigns_json

    records, standings = [], {}
    if store is not None or store_path(store).exists():
        with reading(store) as opened:
            records = [opened.outline(campaign.id) for campaign in reversed(opened.campaigns())]
            standings = {record.campaign.id: opened.standing(record.campaign) for record in records}
    if as_json:
        show_json(campaigns_json(records, standings))
    elif records:
        show(campaigns(records, standings))
    else:
        show("no campaign yet: begin with `kernelwright run layer_norm` or `kernelwright import FILE`")


def tree(campaign: CampaignId, store: StoreFile = None, as_json: AsJson = False) -> None:
    """Show what every stage tried, what came of it, and the way to the best kernel.

    \b
    Example:
      kernelwright tree abcd
    """
    from ..views.tree import tree as tree_view
    from ..views.tree import tree_json

    with reading(store) as opened:
        record = record_of(opened, campaign)
        standing = opened.standing(record.campaign)
    if as_json:
        show_json(tree_json(record))
    else:
        show(tree_view(record, standing, store_option(store)))


def best(
    campaign: CampaignId,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.py", help="Write it there, not to stdout.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.py.")] = False,
    store: StoreFile = None,
    as_json: AsJson = False,
) -> None:
    """Print the best kernel's source, with how it was verified in its header.

    \b
    Examples:
      kernelwright best abcd
      kernelwright best abcd -o best.py
    """
    from ..views.lineage import attempt_json
    from ..views.product import header, with_header

    option = store_option(store)
    with reading(store) as opened:
        record = record_of(opened, campaign)
        if output is not None:
            may_write(output, force, store_path(store))
        found = record.best
        if found is None:
            name = record.campaign.id
            raise KernelFailed(
                f"campaign {name} has no kernel that passed: `kernelwright tree {name}{option}` says why"
            )
        source = text_of(opened, found, found.kernel_sha, "kernel")
    product = with_header(record, found, source, option)
    if output is not None:
        write_whole(output, product.encode("utf-8", "surrogatepass"))
    if as_json:
        show_json({**attempt_json(found), "header": header(record, found, option), "source": source})
    elif output is None:
        show_text(product, "python")


def show_attempt(
    attempt: AttemptId,
    code: Annotated[bool, typer.Option("--code", help="The kernel's source.")] = False,
    changed: Annotated[bool, typer.Option("--diff", help="Its changes to the parent, as a patch.")] = False,
    prompt: Annotated[bool, typer.Option("--prompt", help="The prompt's exact bytes.")] = False,
    brief: Annotated[bool, typer.Option("--brief", help="JSON: what the prompt was filled from.")] = False,
    reply: Annotated[bool, typer.Option("--reply", help="The reply as it came.")] = False,
    metrics: Annotated[bool, typer.Option("--metrics", help="JSON: kernel -> metric -> value.")] = False,
    samples: Annotated[bool, typer.Option("--samples", help="JSON: the timing, pair by pair.")] = False,
    as_json: AsJson = False,
    store: StoreFile = None,
) -> None:
    """Show one attempt, or one artefact of it, which can be piped.

    \b
    Examples:
      kernelwright show abcd.3
      kernelwright show abcd.3 --code > kernel.py
      kernelwright show abcd.3 --diff | patch parent.py
      kernelwright show abcd.3 --metrics > metrics.json
    """
    flags = {
        "--code": code,
        "--diff": changed,
        "--prompt": prompt,
        "--brief": brief,
        "--reply": reply,
        "--metrics": metrics,
        "--samples": samples,
        "--json": as_json,
    }
    chosen = [flag for flag, given in flags.items() if given]
    if len(chosen) > 1:
        raise UsageProblem(f"choose one of {', '.join(list(flags)[:-1])} and --json")
    with reading(store) as opened:
        found = attempt_of(opened, attempt)
        _show(opened, found, chosen[0] if chosen else None, store_option(store))


def _show(store: Store, attempt: Attempt, artefact: str | None, option: str) -> None:
    from ..views.attempt import attempt_page

    match artefact:
        case "--code":
            show_text(text_of(store, attempt, attempt.kernel_sha, "kernel"), "python")
        case "--diff":
            show_text(patch(store, parent_of(store, attempt), attempt), "diff")
        case "--prompt":
            show_text(text_of(store, attempt, attempt.prompt_sha, "prompt"))
        case "--brief":
            show_json(brief_of(attempt))
        case "--reply":
            show_text(reply_of(attempt))
        case "--metrics":
            show_json(metrics_of(attempt))
        case "--samples":
            show_json(samples_of(attempt))
        case "--json":
            show_json(attempt.model_dump(mode="json", by_alias=True))
        case _:
            show(attempt_page(attempt, store.outline(attempt.campaign), option))


def diff(
    attempt: AttemptId,
    other: Annotated[
        str | None,
        typer.Argument(metavar="[ATTEMPT]", help="The later one.  [default: ATTEMPT against its parent]"),
    ] = None,
    store: StoreFile = None,
    as_json: AsJson = False,
) -> None:
    """Show how time, code and each kernel's metrics changed between two attempts.

    \b
    Examples:
      kernelwright diff abcd.3
      kernelwright diff abcd.0 abcd.7
    """
    import sys

    from ..views.code import side_by_sign
    from ..views.compare import changes, diff_json, outcome
    from ..views.lineage import names
    from ..views.sides import stat

    with reading(store) as opened:
        after = attempt_of(opened, other or attempt)
        before = attempt_of(opened, attempt) if other else parent_of(opened, after)
        old, new = (text_of(opened, side, side.kernel_sha, "kernel") for side in (before, after))
        text = patch(opened, before, after)
        known = names(opened.outline(after.campaign))
    if as_json:
        show_json(diff_json(before, after, text))
        return
    head = outcome(before, after, stat(old, new), known)
    if sys.stdout.isatty():
        show(head, "", side_by_sign(old, new))
    else:
        show_text(text)
        show("", head)
    show("", changes(before, after))
