"""The shop's ledger: entries that cases expect, each once (SL-1)."""

import sqlite3
import weakref
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from temporalio import activity

from cases.books import LedgerEntry
from cases.messages import Outcome


class Ledger(Protocol):
    """Where entries are kept."""

    def enter(self, entry: LedgerEntry) -> None:
        """Keep an entry; one whose key is known changes nothing."""


class SqliteLedger:
    """Entries in a SQLite file, or in memory without a path."""

    def __init__(self, path: Path | None = None) -> None:
        """Create the table where it is missing."""
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path or ":memory:", check_same_thread=False)
        self._connection.execute("CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, entry TEXT NOT NULL)")
        self._connection.commit()
        self._finalizer = weakref.finalize(self, self._connection.close)

    def close(self) -> None:
        """Close the file; a ledger that is let go of closes it too."""
        self._finalizer()

    def enter(self, entry: LedgerEntry) -> None:
        """Keep an entry once."""
        with self._connection, closing(self._connection.cursor()) as cursor:
            cursor.execute("INSERT OR IGNORE INTO entries VALUES (?, ?)", (entry.key, entry.model_dump_json()))

    def entries(self) -> list[LedgerEntry]:
        """All entries, by key."""
        rows = self._connection.execute("SELECT entry FROM entries ORDER BY key")
        return [LedgerEntry.model_validate_json(entry) for (entry,) in rows]


def ledger_activity(ledger: Ledger) -> Callable[..., Any]:
    """The activity that enters an amount in the ledger."""

    @activity.defn(name="enter_in_ledger")
    async def enter_in_ledger(entry: LedgerEntry) -> Outcome:
        ledger.enter(entry)
        return Outcome()

    return enter_in_ledger
