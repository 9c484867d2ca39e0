"""What became of every notice, and which wait for the end of quiet hours: kept in a file over restarts."""

import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from cases.errors import CaseError

KEPT: Final = timedelta(days=30)
"""How long it is known what became of a notice; it is tried for an hour."""
BUSY_SECONDS: Final = 5.0
FORGETS_EVERY: Final = 1000
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS closed (mark TEXT PRIMARY KEY, kind TEXT NOT NULL, became TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS closed_at ON closed (at);
CREATE TABLE IF NOT EXISTS waiting (
    mark TEXT PRIMARY KEY, channel TEXT NOT NULL, at REAL NOT NULL, notice TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class Waiting:
    """A notice that is put off, as it was written down."""

    mark: str
    channel: str
    at: datetime
    notice: dict[str, Any]


class DeliveryLog:
    """The books in a file, which several workers of a machine may share; a ``mark`` is of a notice and a channel."""

    def __init__(self, path: Path) -> None:
        """Open the file, or create it, for its owner alone; raises CaseError where it cannot be used."""
        self._closings = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._file = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as bad:
            raise CaseError(f"{path}: cannot be used: {bad}") from bad

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def is_closed(self, mark: str) -> bool:
        """Whether it is known what became of a notice."""
        return self._file.execute("SELECT 1 FROM closed WHERE mark = ?", (mark,)).fetchone() is not None

    def close(self, mark: str, kind: str, became: str, now: datetime) -> None:
        """Keep what became of a notice, the first time; what is long over is forgotten now and then."""
        row = (mark, kind, became, now.timestamp())
        self._file.execute("INSERT OR IGNORE INTO closed VALUES (?, ?, ?, ?)", row)
        self._file.execute("DELETE FROM waiting WHERE mark = ?", (mark,))
        if self._closings % FORGETS_EVERY == 0:
            for table in ("closed", "waiting"):  # what still waits then had a channel that is gone
                self._file.execute(f"DELETE FROM {table} WHERE at < ?", ((now - KEPT).timestamp(),))  # noqa: S608
        self._closings += 1

    def put_off(self, waiting: Waiting) -> None:
        """Keep a notice until it is closed."""
        notice = json.dumps(waiting.notice, ensure_ascii=False)
        row = (waiting.mark, waiting.channel, waiting.at.timestamp(), notice)
        self._file.execute("INSERT OR IGNORE INTO waiting VALUES (?, ?, ?, ?)", row)

    def waiting(self) -> list[Waiting]:
        """What was put off and is not closed."""
        rows = self._file.execute("SELECT mark, channel, at, notice FROM waiting ORDER BY at, mark").fetchall()
        return [
            Waiting(mark, channel, datetime.fromtimestamp(at, UTC), json.loads(notice))
            for mark, channel, at, notice in rows
        ]

    def closed(self) -> Iterator[tuple[str, str]]:
        """What became of each notice."""
        yield from self._file.execute("SELECT mark, became FROM closed ORDER BY at, mark")
