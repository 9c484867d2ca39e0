"""The shops' ledger: the cases that were opened, what they expect, what platforms bill, how they ended (SL-1)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cases.errors import CaseError

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


def check_ledger(address: str | Path) -> None:
    """Raise CaseError, which names the setting, if a ledger cannot be used now; a new one gets its tables."""
    from aftersales.ledger.store import SqlLedger  # noqa: PLC0415 - SQLAlchemy doubles the start of a command

    try:
        with SqlLedger(address) as ledger:
            ledger.prepare()
    except (CaseError, OSError) as bad:
        raise CaseError(f"AFTERSALES_LEDGER_URL: {bad}") from bad
