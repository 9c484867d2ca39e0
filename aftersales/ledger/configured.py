"""The ledger that the settings name."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aftersales.runtime.data_folder import private_folder
from aftersales.runtime.settings import Settings
from cases.errors import CaseError

if TYPE_CHECKING:
    from aftersales.ledger.store import SqlLedger


@contextmanager
def configured_ledger(settings: Settings) -> Iterator["SqlLedger"]:
    """Open the ledger until the block ends; raises CaseError, naming the setting, if it cannot be used."""
    from aftersales.ledger.store import SqlLedger  # noqa: PLC0415 - SQLAlchemy doubles the start of a command

    if settings.ledger_url is None:
        private_folder(settings.data_dir)
    try:
        ledger = SqlLedger(settings.ledger_address)
    except OSError as bad:
        raise CaseError(f"AFTERSALES_DATA_DIR: {settings.data_dir} cannot be used: {bad}") from bad
    except CaseError as bad:
        raise CaseError(f"AFTERSALES_LEDGER_URL: {bad}") from bad
    with ledger:
        yield ledger
