"""The log of deliveries: the outcome of every notice, and those that are being sent."""

import sqlite3
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from aftersales.runtime.data_folder import make_private_file
from cases.errors import CaseError

RETENTION: Final = timedelta(days=30)
"""How long outcomes are kept; a notice is tried for an hour."""
PRUNED_EVERY: Final = 1000
"""Notices closed between two prunings."""
LONGEST_SENDING: Final = timedelta(minutes=2)
"""A worker that takes longer to send a notice has been killed: another may send it."""
_LOCK_SECONDS: Final = 5.0
# Files of earlier versions have these columns: "mark" is the delivery id, "became" the outcome.
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS closed (mark TEXT PRIMARY KEY, kind TEXT NOT NULL, became TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS closed_at ON closed (at);
CREATE TABLE IF NOT EXISTS sending (mark TEXT PRIMARY KEY, sender TEXT NOT NULL, at REAL NOT NULL);
"""


class DeliveryLog:
    """A file that the workers of one machine may share."""

    def __init__(self, path: Path) -> None:
        """Open the file, or create it for its owner alone; raises CaseError if it cannot be used."""
        self._closed_since_start = 0
        self._sender = uuid.uuid4().hex
        try:
            make_private_file(path)
            self._file = sqlite3.connect(path, timeout=_LOCK_SECONDS, isolation_level=None)
        except (OSError, sqlite3.Error) as bad:
            raise CaseError(f"{path}: cannot be used: {bad}") from bad
        try:
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.executescript(_TABLES)
        except sqlite3.Error as bad:
            self._file.close()
            raise CaseError(f"{path}: cannot be used: {bad}") from bad

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def is_closed(self, delivery_id: str) -> bool:
        """Return whether a delivery has an outcome."""
        return self._file.execute("SELECT 1 FROM closed WHERE mark = ?", (delivery_id,)).fetchone() is not None

    def begin(self, delivery_id: str, now: datetime) -> bool:
        """Begin to send; return False if another worker is sending at the moment.

        Whoever has begun asks whether the delivery is closed, sends, and closes or abandons it.
        """
        row = (delivery_id, self._sender, now.timestamp(), (now - LONGEST_SENDING).timestamp())
        begun = self._file.execute(
            "INSERT INTO sending VALUES (?, ?, ?) ON CONFLICT (mark) DO UPDATE SET sender = excluded.sender,"
            " at = excluded.at WHERE sending.sender = excluded.sender OR sending.at <= ? RETURNING 1",
            row,
        )
        return bool(begun.fetchall())

    def abandon(self, delivery_id: str) -> None:
        """Let others send what this worker has begun to."""
        self._file.execute("DELETE FROM sending WHERE mark = ? AND sender = ?", (delivery_id, self._sender))

    def close(self, delivery_id: str, kind: str, outcome: str, now: datetime) -> None:
        """Record the first outcome of a delivery; old outcomes are pruned from time to time."""
        row = (delivery_id, kind, outcome, now.timestamp())
        self._file.execute("INSERT OR IGNORE INTO closed VALUES (?, ?, ?, ?)", row)
        # Only now: whoever begins after this finds it closed.
        self._file.execute("DELETE FROM sending WHERE mark = ?", (delivery_id,))
        if self._closed_since_start % PRUNED_EVERY == 0:
            for table in ("closed", "sending"):
                self._file.execute(f"DELETE FROM {table} WHERE at < ?", ((now - RETENTION).timestamp(),))  # noqa: S608 - names of ours  # nosec
        self._closed_since_start += 1

    def outcomes(self) -> Iterator[tuple[str, str]]:
        """Yield the delivery id and outcome of every closed notice, oldest first."""
        yield from self._file.execute("SELECT mark, became FROM closed ORDER BY at, mark")
