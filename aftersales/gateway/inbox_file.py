"""The inbox's SQLite file, as one thread uses it: a row a message, unique by platform and message id."""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aftersales.platforms.messages import CaseKey, InboundMessage, MessageState

BUSY_SECONDS: Final = 2.0
"""How long a write waits for another gateway on the same file: the platform wants its answer within 5 s."""
PRUNED: Final = (MessageState.DONE, MessageState.UNKNOWN, MessageState.UNREADABLE)

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    platform TEXT NOT NULL,
    message_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    process TEXT,
    shop_id TEXT,
    own_id TEXT,
    report TEXT,
    body BLOB NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    received_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_try REAL NOT NULL DEFAULT 0,
    again INTEGER NOT NULL DEFAULT 0,
    UNIQUE (platform, message_id)
);
CREATE INDEX IF NOT EXISTS waiting ON messages (next_try, id) WHERE state = 'new';
CREATE INDEX IF NOT EXISTS waiting_of_case ON messages (process, own_id, next_try) WHERE state = 'new';
CREATE TABLE IF NOT EXISTS proof (id INTEGER PRIMARY KEY, at REAL);
"""
# A message of a case whose earlier ones wait for another try waits with them: a case hears in order.
KEEP = """
INSERT INTO messages (platform, message_id, tag, process, shop_id, own_id, report, body, state, reason, received_at,
    next_try)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce(
    (SELECT max(next_try) FROM messages WHERE state = 'new' AND process = ? AND own_id = ?), 0))
ON CONFLICT (platform, message_id) DO UPDATE SET again = again + 1
RETURNING again
"""
# What was never tried goes first: a platform that does not answer must not hold up the cases that need nothing of it.
DUE = """
SELECT id, process, shop_id, own_id, report, attempts FROM messages
WHERE state = 'new' AND next_try <= ? ORDER BY next_try, id LIMIT ?
"""
END = "UPDATE messages SET state = ?, reason = ?, attempts = attempts + 1 WHERE id = ? AND state = 'new'"
TRIED = "UPDATE messages SET reason = ?, attempts = attempts + 1 WHERE id = ? AND state = 'new'"
POSTPONE = "UPDATE messages SET next_try = ? WHERE state = 'new' AND process = ? AND own_id = ?"
RETRY = "UPDATE messages SET state = 'new', attempts = 0, next_try = 0 WHERE state = 'failed'"
PRUNE = f"DELETE FROM messages WHERE received_at < ? AND state IN ({', '.join('?' * len(PRUNED))})"  # noqa: S608 - marks
PROVE = "INSERT OR REPLACE INTO proof VALUES (1, ?)"
TOTALS = "SELECT coalesce(sum(again), 0), min(CASE state WHEN 'new' THEN received_at END) FROM messages"
UNKNOWN_TAGS = "SELECT platform || ' ' || tag, count(*) FROM messages WHERE state = 'unknown' GROUP BY 1"


@dataclass(frozen=True)
class InboxRow:
    """A kept message that is to be handed over."""

    id: int
    case: CaseKey
    report: dict[str, Any] | None
    attempts: int


class InboxFile:
    """Every method may raise ``sqlite3.Error``; instants are seconds since 1970."""

    def __init__(self, path: Path) -> None:
        """Open the file, or create it for its owner alone."""
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        # What is received must survive a power cut; that it was handed over may be forgotten, and is then told again.
        self._received = _connection(path, "FULL")
        self._handed = _connection(path, "NORMAL")
        self._received.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._received.close()
        self._handed.close()

    def keep(self, batches: Iterable[Sequence[InboundMessage]], now: float) -> list[int]:
        """Keep messages in one transaction, on disk when it returns; gives how many of each batch were new."""
        with _transaction(self._received):
            return [sum(self._keep(message, now) for message in messages) for messages in batches]

    def due(self, now: float, most: int) -> list[InboxRow]:
        """The messages that wait for no later try, at most so many; those of a case in the order of their arrival."""
        rows = self._handed.execute(DUE, (now, most)).fetchall()
        return [
            InboxRow(number, CaseKey(process, shop_id, own_id), json.loads(report) if report else None, attempts)
            for number, process, shop_id, own_id, report, attempts in rows
        ]

    def end(self, row: InboxRow, state: MessageState, why: str) -> None:
        """Remember how a message ended."""
        self._write((END, (state, why, row.id)))

    def postpone(self, row: InboxRow, why: str, until: float) -> None:
        """Let a message, and with it all of its case, wait for another try."""
        self._write((TRIED, (why, row.id)), (POSTPONE, (until, row.case.process, row.case.own_id)))

    def retry_failed(self) -> int:
        """Take up again what could not be handed over; returns how many messages."""
        return self._write((RETRY, ()))

    def prune(self, before: float) -> int:
        """Forget what was received before an instant and needs nobody: all but what waits and what failed."""
        return self._write((PRUNE, (before, *PRUNED)))

    def prove(self, now: float) -> None:
        """Raise where nothing can be written."""
        self._write((PROVE, (now,)))

    def counts(self, now: float) -> dict[str, Any]:
        """How many messages are in each state and of each unknown tag, how many came again, how long one waits."""
        states = dict(self._handed.execute("SELECT state, count(*) FROM messages GROUP BY state"))
        ((again, oldest),) = self._handed.execute(TOTALS)
        return {
            "states": {str(state): states.get(state, 0) for state in MessageState},
            "unknown_tags": dict(self._handed.execute(UNKNOWN_TAGS)),
            "duplicates": again,
            "longest_waiting_seconds": None if oldest is None else max(0, int(now - oldest)),
        }

    def _keep(self, message: InboundMessage, now: float) -> bool:
        case = message.case
        values = (
            *(message.platform, message.message_id, message.tag),
            *((case.process, case.shop_id, case.own_id) if case else (None, None, None)),
            json.dumps(message.report) if message.report is not None else None,
            *(message.body, message.state, message.reason, now),
            *((case.process, case.own_id) if case else (None, None)),
        )
        ((again,),) = self._received.execute(KEEP, values).fetchall()
        return bool(again == 0)

    def _write(self, *statements: tuple[str, tuple[Any, ...]]) -> int:
        with _transaction(self._handed):
            return sum(self._handed.execute(statement, values).rowcount for statement, values in statements)


def _connection(path: Path, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
