"""The durable inbox: a message is on disk before its marketplace is answered, and stays until its case knows it."""

import asyncio
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from aftersales.platforms.inbound import CaseKey, InboundMessage, MessageState
from aftersales.runtime.data_folder import make_private_file
from aftersales.runtime.telemetry.spans import traceparent
from cases.messages import Report
from cases.models import clipped
from cases.plain_text import plain

Result = TypeVar("Result")

INBOX: Final = "inbox.db"
"""Its file in the data folder."""
KEPT_SECONDS: Final = 30 * 24 * 3600
"""How long a finished message is kept."""
BUSY_SECONDS: Final = 2.0
"""How long a write waits for another gateway on the same file: marketplaces want their answer within 5 s."""
AHEAD_SECONDS: Final = 3600.0
"""No message is put off by so much: one that seems to be was put off while the clock was ahead, and is due."""
LONGEST_REASON: Final = 1000
_PRUNED: Final = (MessageState.DONE, MessageState.UNKNOWN, MessageState.UNREADABLE, MessageState.REFUSED)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    platform TEXT NOT NULL,
    app_key TEXT NOT NULL,
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
    trace TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS each_once
    ON messages (platform, app_key, message_id, coalesce(process, ''), coalesce(shop_id, ''), coalesce(own_id, ''));
CREATE INDEX IF NOT EXISTS waiting ON messages (next_try, id) WHERE state = 'new';
CREATE INDEX IF NOT EXISTS waiting_of_case ON messages (process, own_id, next_try) WHERE state = 'new';
CREATE INDEX IF NOT EXISTS not_delivered ON messages (id) WHERE state = 'failed';
CREATE TABLE IF NOT EXISTS proof (id INTEGER PRIMARY KEY, at REAL);
"""
_COLUMNS = "SELECT name FROM pragma_table_info('messages')"
_INDEXES = "SELECT name FROM pragma_index_list('messages')"
_SET_ASIDE = "ALTER TABLE messages RENAME TO messages_before"
_TAKE_OVER = """
INSERT INTO messages SELECT id, platform, {app_key}, message_id, tag, process, shop_id, own_id, report, body, state,
    reason, received_at, attempts, next_try, again, NULL FROM messages_before
"""
_ADD_TRACE = "ALTER TABLE messages ADD COLUMN trace TEXT"
_FORGET = "DROP TABLE messages_before"
# A message waits with the earlier ones of its case: a case gets its messages in order.  One that names another shop
# is not of that case, and must not make it wait.
_STORE = """
INSERT INTO messages (platform, app_key, message_id, tag, process, shop_id, own_id, report, body, state, reason,
    received_at, trace, next_try)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce(
    (SELECT max(next_try) FROM messages WHERE state = 'new' AND process = ? AND own_id = ? AND shop_id = ?), 0))
ON CONFLICT (platform, app_key, message_id, coalesce(process, ''), coalesce(shop_id, ''), coalesce(own_id, ''))
DO UPDATE SET again = again + 1
RETURNING again
"""
# Untried messages go first: a marketplace that does not answer must not hold up cases that do not need it.
_DUE = """
SELECT id, platform, app_key, process, shop_id, own_id, report, attempts, trace FROM messages
WHERE state = 'new' AND (next_try <= ? OR next_try > ?) ORDER BY next_try, id LIMIT ?
"""
_END = "UPDATE messages SET state = ?, reason = ?, attempts = attempts + 1 WHERE id = ? AND state = 'new'"
_TRIED = "UPDATE messages SET reason = ?, attempts = attempts + 1 WHERE id = ? AND state = 'new'"
_POSTPONE = "UPDATE messages SET next_try = ? WHERE state = 'new' AND process = ? AND own_id = ? AND shop_id = ?"
_RETRY = "UPDATE messages SET state = 'new', attempts = 0, next_try = 0 WHERE state = 'failed'"
_PRUNE = f"DELETE FROM messages WHERE received_at < ? AND state IN ({', '.join('?' * len(_PRUNED))})"  # noqa: S608 - placeholders only  # nosec
_WRITE_PROOF = "INSERT OR REPLACE INTO proof VALUES (1, ?)"
_TOTALS = "SELECT coalesce(sum(again), 0), min(CASE state WHEN 'new' THEN received_at END) FROM messages"
_DEPTH = "SELECT count(*), min(received_at) FROM messages WHERE state = 'new'"
_NOT_DELIVERED = "SELECT count(*) FROM messages WHERE state = 'failed'"
_UNKNOWN_TAGS = "SELECT platform || ' ' || tag, count(*) FROM messages WHERE state = 'unknown' GROUP BY 1"


@dataclass(frozen=True)
class InboxDepth:
    """The messages that wait, for how long the oldest of them has, and those that cannot be delivered."""

    waiting: int
    oldest_seconds: float
    failed: int


@dataclass(frozen=True)
class InboxRow:
    """A stored message that is to be dispatched; ``app_key`` signed it, empty if it came in another way.

    ``trace`` is the span in which it came, if it was traced.
    """

    id: int
    platform: str
    app_key: str
    case: CaseKey
    report: Report | None
    attempts: int
    trace: str | None = None


class Inbox:
    """Messages in a file that several gateways may share; methods raise ``sqlite3.Error`` if the disk refuses.

    ``clock`` returns seconds since 1970.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock, self._file = clock, InboxFile(path)
        self._turn = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inbox")
        self._waiting: list[tuple[Sequence[InboundMessage], asyncio.Future[int]]] = []
        self._claimed = asyncio.Event()
        self._storing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the file once all writes have ended."""
        if self._storing:
            await self._storing
        await self._run(self._file.close)
        self._thread.shutdown()
        os.close(self._turn)

    def claim(self) -> bool:
        """Become the one gateway that dispatches, until ``release`` or the end of the process."""
        try:
            fcntl.flock(self._turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._claimed.set()
        return True

    async def until_claimed(self) -> None:
        """Wait until this gateway is the one that dispatches."""
        await self._claimed.wait()

    def release(self) -> None:
        """Let another gateway dispatch."""
        self._claimed.clear()
        fcntl.flock(self._turn, fcntl.LOCK_UN)

    async def store(self, messages: Sequence[InboundMessage]) -> int:
        """Store messages durably and return how many were new.  Concurrent calls share one sync of the disk.

        Their dispatch follows upon the span in which they are stored, even after a restart.
        """
        if current := traceparent():
            messages = [replace(message, trace=current) for message in messages]
        stored: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((messages, stored))
        if self._storing is None:
            self._storing = asyncio.create_task(self._store_all())
        return await stored

    async def due(self, most: int) -> list[InboxRow]:
        """Return up to ``most`` messages to dispatch now; those of a case in the order of their arrival."""
        return await self._run(self._file.due, self._clock(), most)

    async def done(self, row: InboxRow, note: str) -> None:
        """Record that a message was dispatched, and how."""
        await self._run(self._file.end, row, MessageState.DONE, note)

    async def failed(self, row: InboxRow, why: str) -> None:
        """Record that a message can never be dispatched."""
        await self._run(self._file.end, row, MessageState.FAILED, why)

    async def refused(self, row: InboxRow, why: str) -> None:
        """Record that a message may never be dispatched, because of who sent it."""
        await self._run(self._file.end, row, MessageState.REFUSED, why)

    async def later(self, row: InboxRow, why: str, seconds: float) -> None:
        """Postpone a message, and with it all others of its case."""
        await self._run(self._file.postpone, row, why, self._clock() + seconds)

    async def retry_failed(self) -> int:
        """Make all failed messages due again and return how many they are."""
        return await self._run(self._file.retry_failed)

    async def prune(self) -> int:
        """Delete finished messages that are older than 30 days and return how many they were."""
        return await self._run(self._file.prune, self._clock() - KEPT_SECONDS)

    async def check_writable(self) -> None:
        """Raise ``sqlite3.Error`` if nothing can be written."""
        await self._run(self._file.check_writable, self._clock())

    async def counts(self) -> dict[str, Any]:
        """Count messages by state and by unknown tag, and duplicates; include how long the oldest one has waited."""
        return await self._run(self._file.counts, self._clock())

    async def depth(self) -> InboxDepth:
        """Return what waits; unlike ``counts`` it reads nothing of what was delivered."""
        return await self._run(self._file.depth, self._clock())

    async def _store_all(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                batches = [messages for messages, _ in waiting]
                new: Sequence[int | Exception]
                try:
                    new = await self._run(self._file.store, batches, self._clock())
                except Exception as refused:  # noqa: BLE001 - raised in every caller
                    new = [refused] * len(waiting)
                for (_, stored), answer in zip(waiting, new, strict=True):
                    _resolve(stored, answer)
        finally:
            self._storing = None

    async def _run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


def _resolve(stored: asyncio.Future[int], answer: int | Exception) -> None:
    if stored.done():  # the caller has been cancelled
        return
    if isinstance(answer, Exception):
        stored.set_exception(answer)
    else:
        stored.set_result(answer)


class InboxFile:
    """The inbox's SQLite file, used by one thread; every method may raise ``sqlite3.Error``.

    A message is one row for each case that it is about, unique by platform, application, message id and case: a
    platform may use an id again for another case.  Instants are seconds since 1970.
    """

    def __init__(self, path: Path) -> None:
        make_private_file(path)
        # A received message must survive a power cut; a lost note that it was dispatched only repeats the signal.
        self._received = _connection(path, "FULL")
        self._dispatched = _connection(path, "NORMAL")
        self._prepare()

    def close(self) -> None:
        """Close the file."""
        self._received.close()
        self._dispatched.close()

    def store(self, batches: Iterable[Sequence[InboundMessage]], now: float) -> list[int]:
        """Store messages in one transaction and return how many of each batch were new."""
        with _transaction(self._received):
            return [sum(self._store(message, now) for message in messages) for messages in batches]

    def due(self, now: float, most: int) -> list[InboxRow]:
        """Return up to ``most`` messages that are due; those of a case in the order of their arrival."""
        rows = self._dispatched.execute(_DUE, (now, now + AHEAD_SECONDS, most)).fetchall()
        return [
            InboxRow(
                number,
                platform,
                app_key,
                CaseKey(process, shop_id, own_id),
                Report.model_validate_json(report) if report else None,
                attempts,
                trace,
            )
            for number, platform, app_key, process, shop_id, own_id, report, attempts, trace in rows
        ]

    def end(self, row: InboxRow, state: MessageState, why: str) -> None:
        """Record how a message ended."""
        self._write((_END, (state, _in_short(why), row.id)))

    def postpone(self, row: InboxRow, why: str, until: float) -> None:
        """Postpone a message, and with it all others of its case."""
        self._write((_TRIED, (_in_short(why), row.id)), (_POSTPONE, (until, *_key(row.case))))

    def retry_failed(self) -> int:
        """Make all failed messages due again and return how many they are."""
        return self._write((_RETRY, ()))

    def prune(self, before: float) -> int:
        """Delete finished messages that were received before an instant and return how many they were."""
        return self._write((_PRUNE, (before, *_PRUNED)))

    def check_writable(self, now: float) -> None:
        """Raise if nothing can be written."""
        self._write((_WRITE_PROOF, (now,)))

    def counts(self, now: float) -> dict[str, Any]:
        """Count messages by state and by unknown tag, and duplicates; include how long the oldest one has waited."""
        states = dict(self._dispatched.execute("SELECT state, count(*) FROM messages GROUP BY state"))
        ((again, oldest),) = self._dispatched.execute(_TOTALS)
        return {
            "states": {str(state): states.get(state, 0) for state in MessageState},
            "unknown_tags": dict(self._dispatched.execute(_UNKNOWN_TAGS)),
            "duplicates": again,
            "longest_waiting_seconds": None if oldest is None else max(0, int(now - oldest)),
        }

    def depth(self, now: float) -> InboxDepth:
        """Return what waits, and what cannot be delivered."""
        ((waiting, oldest),) = self._dispatched.execute(_DEPTH)
        ((failed,),) = self._dispatched.execute(_NOT_DELIVERED)
        return InboxDepth(waiting, 0.0 if oldest is None else max(0.0, now - oldest), failed)

    def _prepare(self) -> None:
        """Make the tables; the messages of a release that told them apart in another way are kept."""
        with _transaction(self._received) as connection:
            columns, indexes = ({name for (name,) in connection.execute(query)} for query in (_COLUMNS, _INDEXES))
            before = bool(columns) and "each_once" not in indexes
            if before:
                connection.execute(_SET_ASIDE)
                for index in ("waiting", "waiting_of_case", "not_delivered"):
                    connection.execute(f"DROP INDEX IF EXISTS {index}")
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            if columns and not before and "trace" not in columns:
                connection.execute(_ADD_TRACE)
            if before:
                connection.execute(_TAKE_OVER.format(app_key="app_key" if "app_key" in columns else "''"))
                connection.execute(_FORGET)

    def _store(self, message: InboundMessage, now: float) -> bool:
        case = message.case
        values = (
            *(message.platform, message.app_key, message.message_id, message.tag),
            *((case.process, case.shop_id, case.own_id) if case else (None, None, None)),
            message.report.model_dump_json(exclude_defaults=True) if message.report is not None else None,
            *(message.body, message.state, _in_short(message.reason), now, message.trace),
            *(_key(case) if case else (None, None, None)),
        )
        ((again,),) = self._received.execute(_STORE, values).fetchall()
        return bool(again == 0)

    def _write(self, *statements: tuple[str, tuple[Any, ...]]) -> int:
        with _transaction(self._dispatched):
            return sum(self._dispatched.execute(statement, values).rowcount for statement, values in statements)


def _in_short(why: str | None) -> str | None:
    """Return a reason that can be written, whatever it quotes."""
    return None if why is None else clipped(plain(why), LONGEST_REASON)


def _key(case: CaseKey) -> tuple[str, str, str]:
    return case.process, case.own_id, case.shop_id


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
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
