"""The ledger: entries, bills and outcomes in SQLite or PostgreSQL, each once however often it is handed in."""

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Select, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, SQLAlchemyError

from aftersales.ledger.address import WRITES, engine_of, named, url_of
from aftersales.ledger.matching import match
from aftersales.ledger.migrating import migrate
from aftersales.ledger.tables import SQLITE, EntryRow, OutcomeRow
from cases.errors import BadForm, LedgerUnreachable
from cases.ledger import Bill, Booked, CaseOutcome, LedgerEntry
from cases.shanghai import shanghai_day

ENTRIES, OUTCOMES = EntryRow.__table__, OutcomeRow.__table__
ASKED_AT_ONCE = 500
"""Case ids in one query: databases take some thousands of values."""


class SqlLedger:
    """A ledger opened by its address; safe to use from many threads, and with many processes on one database.

    Everything raises LedgerUnreachable where the database does not answer, BadForm for what it cannot hold.
    """

    def __init__(self, address: str | Path) -> None:
        """Open it, and make or renew its tables; raises BadForm, LedgerUnreachable, or OSError for its folder."""
        url = url_of(address)
        self.name = named(url)
        self._engine = engine_of(url)
        self._writing = self._engine.execution_options(**{WRITES: True})
        self._finalizer = weakref.finalize(self, self._engine.dispose)
        try:
            with self._told():
                migrate(self._writing)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close its connections; a ledger that is let go of closes them too."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, bad: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Ledger({self.name!r})"

    def enter(self, entry: LedgerEntry) -> None:
        """Keep an entry; one whose key is known changes nothing, and a bill that came before answers it."""
        row = _row(entry) | {"process": entry.process, "order": entry.about, "note": None, "answers": None}
        with self._write() as connection:
            self._queue(connection, entry.shop_id, entry.clause)
            if self._insert(connection, ENTRIES, row) and entry.status == "expected":
                match(connection, row)

    def bill(self, bill: Bill) -> Booked:
        """Keep what the platform billed, and find the expected entry that it answers; a number that is known stays."""
        row = bill.model_dump(exclude={"bill_id"}) | {
            "key": bill.key,
            "case_id": bill.case_id or "",
            "process": (bill.case_id or "").partition("/")[0],
            "day": shanghai_day(bill.at),
            "status": "billed",
            "answers": None,
        }
        with self._write() as connection:
            self._queue(connection, bill.shop_id, bill.clause)
            if self._insert(connection, ENTRIES, row):
                match(connection, row)
            found = connection.execute(select(ENTRIES).where(ENTRIES.c.key == bill.key)).mappings().one()
        return _booked(found)

    def record_outcome(self, outcome: CaseOutcome) -> None:
        """Keep how a case ended; a case that has ended already changes nothing."""
        row = outcome.model_dump() | {"day": shanghai_day(outcome.closed_at)}
        with self._write() as connection:
            self._insert(connection, OUTCOMES, row)

    def entries(self, first: date, last: date, shop: str | None = None) -> list[Booked]:
        """The entries of the days from ``first`` to ``last``, of all shops or one, in order of time."""
        return [_booked(row) for row in self._read(select(ENTRIES), ENTRIES, first, last, shop, "at", "key")]

    def outcomes(self, first: date, last: date, shop: str | None = None) -> list[CaseOutcome]:
        """The cases that closed on the days from ``first`` to ``last``, in order of time."""
        rows = self._read(select(OUTCOMES), OUTCOMES, first, last, shop, "closed_at", "case_id")
        return [CaseOutcome(**{name: each for name, each in row.items() if name != "day"}) for row in rows]

    def ended(self, case_ids: Sequence[str]) -> set[str]:
        """Which of these cases have ended."""
        found: set[str] = set()
        with self._told(), self._engine.connect() as connection:
            for begin in range(0, len(case_ids), ASKED_AT_ONCE):
                some = case_ids[begin : begin + ASKED_AT_ONCE]
                query = select(OUTCOMES.c.case_id).where(OUTCOMES.c.case_id.in_(some))
                found |= set(connection.execute(query).scalars())
        return found

    def _read(
        self, query: Select[Any], table: Any, first: date, last: date, shop: str | None, *by: str
    ) -> list[dict[str, Any]]:
        query = query.where(table.c.day.between(first, last)).order_by(*(table.c[name] for name in by))
        if shop is not None:
            query = query.where(table.c.shop_id == shop)
        with self._told(), self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._told(), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as bad:
            raise self._error(bad) from None

    def _error(self, bad: SQLAlchemyError) -> BadForm | LedgerUnreachable:
        cause = getattr(bad, "orig", None) or bad
        why = " ".join(str(cause).split())
        if isinstance(bad, DataError) or isinstance(cause, ValueError):
            return BadForm(f"ledger: 无法入账 / cannot be entered: {why}")
        return LedgerUnreachable(f"ledger {self.name}: {why}")

    def _insert(self, connection: Connection, table: Any, row: dict[str, Any]) -> bool:
        insert = sqlite.insert if connection.dialect.name == SQLITE else postgresql.insert
        entered = insert(table).values(row).on_conflict_do_nothing().returning(literal(1))
        return connection.execute(entered).first() is not None

    def _queue(self, connection: Connection, shop: str, clause: str) -> None:
        """Let one at a time enter for a shop under a clause: entry and bill must see each other."""
        if connection.dialect.name != SQLITE:  # there only one writes anyway
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{shop}/{clause}", 0))))


@contextmanager
def open_existing(address: str | Path) -> Iterator[SqlLedger | None]:
    """Open a ledger until the block ends; yield None if its file does not exist, which is then not created."""
    if isinstance(address, Path) and not address.exists():
        yield None
        return
    with SqlLedger(address) as ledger:
        yield ledger


def _row(entry: LedgerEntry) -> dict[str, Any]:
    return entry.model_dump() | {"day": shanghai_day(entry.at)}


def _booked(row: Any) -> Booked:
    return Booked(**{name: each for name, each in row.items() if name != "process"})
