"""What each stage cost and was worth, as a table."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ..record import Record
from ..rules.accounts import StageAccount, accounts, seed_account, total
from .fitting import Fitting
from .text import one_line, seconds, times

Cell = Callable[[StageAccount], str]


def accounts_table(record: Record) -> RenderableType:
    """A row for the seed and each stage, and a total; columns of which nothing is known are left out.

    The reason of a skipped stage, then the outcomes, are left out where they don't fit: the tree has them.
    """
    first = seed_account(record)
    rows = [*([first] if first else []), *accounts(record)]
    whole, words, bare = (_table(rows, total(record), outcome) for outcome in (_outcome, _word, None))
    return Fitting(whole, Fitting(words, bare))


def _table(rows: list[StageAccount], everything: StageAccount, outcome: Cell | None) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    columns: dict[str, Cell] = {
        "stage": lambda row: one_line(row.stage, 40),
        "attempts": lambda row: str(row.attempts),
        "kept": lambda row: str(row.kept),
        "gain": worth,
        "tokens": lambda row: f"{row.tokens:,}" if row.tokens else "",
        "USD": dollars,
        "time": lambda row: seconds(row.seconds) if row.seconds else "",
    }
    if not everything.tokens:
        del columns["tokens"]
    if everything.usd is None:
        del columns["USD"]
    if outcome:
        columns["outcome"] = outcome
    for name in columns:
        table.add_column(name, justify="left" if name in ("stage", "outcome") else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell(row)) for cell in columns.values()))
    table.add_section()
    table.add_row(*(Text(cell(everything)) for cell in columns.values()), style="bold")
    return table


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


def _word(account: StageAccount) -> str:
    return account.outcome or ""


def _outcome(account: StageAccount) -> str:
    """Why it was skipped; other outcomes need no reason here."""
    if account.outcome == "skipped":
        return f"skipped: {one_line(account.reason or '', 100)}"
    return _word(account)
