"""The ledger as commands look into it: to ask makes none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aftersales.runtime.settings import Settings

if TYPE_CHECKING:
    from aftersales.ledger.store import SqlLedger


@contextmanager
def known_ledger(settings: Settings) -> Iterator["SqlLedger | None"]:
    """The ledger until the block ends, or None where there is none yet; raises as it does."""
    address = settings.ledger_address
    if isinstance(address, Path) and not address.exists():
        yield None
        return
    from aftersales.ledger.store import SqlLedger  # noqa: PLC0415 - who asks for nothing need not wait for SQLAlchemy

    with SqlLedger(address) as ledger:
        yield ledger
