"""The shops' ledger: the cases that were opened, what they expect, what platforms bill, how they ended (SL-1)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aftersales.ledger.store import SqlLedger


@contextmanager
def open_existing(address: str | Path) -> Iterator["SqlLedger | None"]:
    """Open a ledger until the block ends; yield None if its file does not exist, which is then not created."""
    if isinstance(address, Path) and not address.exists():
        yield None
        return
    from aftersales.ledger.store import SqlLedger  # noqa: PLC0415 - SQLAlchemy doubles the start of a command

    with SqlLedger(address) as ledger:
        yield ledger
