"""What each stage cost and was worth, as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..record import Record
from ..rules.accounts import BETWEEN, StageAccount, accounts, seed_account, total
from .fitting import Fitting
from .text import one_line, plural, seconds, times

Cell = Callable[[StageAccount], str]


def accounts_table(record: Record) -> RenderableType:
    """A row for the seed and each stage, and a total; columns of which nothing is known are left out.

    Where a row does not fit, each account is a sentence. How a stage ended stands in the tree.
    """
    first = seed_account(record)
    rows, everything = [*([first] if first else []), *accounts(record)], total(record)
    notes = [Text(note, style="dim") for note in stage_notes([*rows, everything])]
    sentences = [_sentence(row) for row in (*rows, everything)]
    return Group(Fitting(_table(rows, everything), Group(*sentences)), *notes)


def _table(rows: list[StageAccount], everything: StageAccount) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    columns: dict[str, Cell] = {
        "stage": lambda row: one_line(row.stage, 40),
        "attempts": lambda row: _count(row, row.attempts),
        "no proposal": lambda row: str(row.no_proposal or ""),
        "kept": lambda row: _count(row, row.kept),
        "gain": worth,
        "tokens": lambda row: f"{row.tokens:,}" if row.tokens else "",
        "USD": dollars,
        "time": lambda row: seconds(row.seconds) if row.seconds else "",
    }
    unknown = {
        "no proposal": not everything.no_proposal,
        "tokens": not everything.tokens,
        "USD": everything.usd is None,
    }
    columns = {name: cell for name, cell in columns.items() if not unknown.get(name)}
    for name in columns:
        table.add_column(name, justify="left" if name == "stage" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell(row)) for cell in columns.values()))
    table.add_section()
    table.add_row(*(Text(cell(everything)) for cell in columns.values()), style="bold")
    return table


def _count(account: StageAccount, count: int) -> str:
    return "" if account.stage == BETWEEN else str(count)


def _sentence(account: StageAccount) -> Text:
    """``total: 9 attempts, 2 without a proposal, 4 kept, gain 18.8×, 3 min 49 s``."""
    facts = [] if account.stage == BETWEEN else [plural(account.attempts, "attempt")]
    facts += [f"{account.no_proposal} without a proposal"] if account.no_proposal else []
    facts += [f"{account.kept} kept"] if account.kept else []
    facts += [worth(account) if account.provisional else f"gain {worth(account)}"] if account.gain else []
    facts += [plural(account.tokens, "token")] if account.tokens else []
    facts += [f"{dollars(account)} USD"] if account.usd else []
    facts += [seconds(account.seconds)] if account.seconds else []
    return Text().append(one_line(account.stage, 40), style="bold").append(f": {', '.join(facts)}")


def stage_notes(rows: list[StageAccount]) -> Iterator[str]:
    """What a reader cannot guess."""
    if any(row.stage == BETWEEN for row in rows):
        yield f"{BETWEEN}: starting, waiting, the final head to head"
    if any(row.gain is not None and row.provisional for row in rows):
        yield "est. ÷: by how much the estimated time fell; nothing was measured"


def worth(account: StageAccount) -> str:
    """The gain; an estimate claims no speedup and says by what the estimated time fell."""
    if account.gain is None:
        return ""
    return f"est. ÷ {account.gain:.3g}" if account.provisional else times(account.gain)


def dollars(account: StageAccount) -> str:
    """To the cent, or to what is left of one."""
    if not account.usd:
        return ""
    return f"{account.usd:.2f}" if account.usd >= 0.1 else f"{account.usd:.4f}"
