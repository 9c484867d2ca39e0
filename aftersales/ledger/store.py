"""The ledger in SQLite or PostgreSQL: entries, bills and outcomes, all idempotent."""

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Select, and_, exists, func, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, SQLAlchemyError
from sqlalchemy.orm import aliased

from aftersales.ledger.database import WRITES, migrate, open_engine, parse_address, printable
from aftersales.ledger.tables import SQLITE, EntryRow, OutcomeRow
from cases.errors import BadForm, LedgerUnreachable
from cases.ledger import Bill, Booked, CaseOutcome, LedgerEntry
from cases.shanghai import shanghai_day

_ENTRIES, _OUTCOMES = EntryRow.__table__, OutcomeRow.__table__
_IDS_PER_QUERY = 500
"""Case ids in one query: databases limit the number of values."""


class SqlLedger:
    """A ledger in a database; safe to use from many threads and processes.

    Its methods raise LedgerUnreachable if the database does not answer, BadForm for data that it cannot store.
    """

    def __init__(self, address: str | Path) -> None:
        """Open it and migrate its tables; raises BadForm, LedgerUnreachable, or OSError for its folder."""
        url = parse_address(address)
        self.name = printable(url)
        self._engine = open_engine(url)
        self._writing = self._engine.execution_options(**{WRITES: True})
        self._finalizer = weakref.finalize(self, self._engine.dispose)
        try:
            with self._errors():
                migrate(self._writing)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close its connections, as garbage collection does too."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, bad: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Ledger({self.name!r})"

    def enter(self, entry: LedgerEntry) -> None:
        """Store an entry, unless its key exists, and match it with a bill that came before."""
        row = _row(entry) | {"process": entry.process, "order": entry.about, "note": None, "answers": None}
        with self._write() as connection:
            self._lock(connection, entry.shop_id, entry.clause)
            if self._insert(connection, _ENTRIES, row) and entry.status == "expected":
                match(connection, row)

    def bill(self, bill: Bill) -> Booked:
        """Store a platform's bill, unless its number exists, and match it with an expected entry."""
        row = bill.model_dump(exclude={"bill_id"}) | {
            "key": bill.key,
            "case_id": bill.case_id or "",
            "process": (bill.case_id or "").partition("/")[0],
            "day": shanghai_day(bill.at),
            "status": "billed",
            "answers": None,
        }
        with self._write() as connection:
            self._lock(connection, bill.shop_id, bill.clause)
            if self._insert(connection, _ENTRIES, row):
                match(connection, row)
            stored = connection.execute(select(_ENTRIES).where(_ENTRIES.c.key == bill.key)).mappings().one()
        return _booked(stored)

    def record_outcome(self, outcome: CaseOutcome) -> None:
        """Store a case's outcome, unless it has one."""
        row = outcome.model_dump(exclude={"unknown_losses"}) | {"day": shanghai_day(outcome.closed_at)}
        with self._write() as connection:
            self._insert(connection, _OUTCOMES, row)

    def entries(self, first: date, last: date, shop: str | None = None) -> list[Booked]:
        """Return the entries from day ``first`` to day ``last``, of all shops or one, oldest first."""
        return [_booked(row) for row in self._read(select(_ENTRIES), _ENTRIES, first, last, shop, "at", "key")]

    def outcomes(self, first: date, last: date, shop: str | None = None) -> list[CaseOutcome]:
        """Return the outcomes of cases closed from day ``first`` to day ``last``, oldest first."""
        rows = self._read(select(_OUTCOMES), _OUTCOMES, first, last, shop, "closed_at", "case_id")
        return [CaseOutcome(**{name: value for name, value in row.items() if name != "day"}) for row in rows]

    def ended(self, case_ids: Sequence[str]) -> set[str]:
        """Return which of the cases have an outcome."""
        ended: set[str] = set()
        with self._errors(), self._engine.connect() as connection:
            for begin in range(0, len(case_ids), _IDS_PER_QUERY):
                some = case_ids[begin : begin + _IDS_PER_QUERY]
                query = select(_OUTCOMES.c.case_id).where(_OUTCOMES.c.case_id.in_(some))
                ended |= set(connection.execute(query).scalars())
        return ended

    def _read(
        self, query: Select[Any], table: Any, first: date, last: date, shop: str | None, *by: str
    ) -> list[dict[str, Any]]:
        query = query.where(table.c.day.between(first, last)).order_by(*(table.c[name] for name in by))
        if shop is not None:
            query = query.where(table.c.shop_id == shop)
        with self._errors(), self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._errors(), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as bad:
            raise self._error(bad) from None

    def _error(self, bad: SQLAlchemyError) -> BadForm | LedgerUnreachable:
        cause = getattr(bad, "orig", None) or bad
        why = " ".join(str(cause).split())
        if isinstance(bad, DataError) or isinstance(cause, ValueError):
            return BadForm(f"ledger: 无法入账 / cannot be stored: {why}")
        return LedgerUnreachable(f"ledger {self.name}: {why}")

    def _insert(self, connection: Connection, table: Any, row: dict[str, Any]) -> bool:
        insert = sqlite.insert if connection.dialect.name == SQLITE else postgresql.insert
        entered = insert(table).values(row).on_conflict_do_nothing().returning(literal(1))
        return connection.execute(entered).first() is not None

    def _lock(self, connection: Connection, shop: str, clause: str) -> None:
        """Serialize writers for a shop and clause, so that entry and bill see each other."""
        if connection.dialect.name != SQLITE:  # SQLite has one writer at a time
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{shop}/{clause}", 0))))


def _row(entry: LedgerEntry) -> dict[str, Any]:
    return entry.model_dump(exclude={"counted"}) | {"day": shanghai_day(entry.at)}


def _booked(row: Any) -> Booked:
    return Booked(**{name: value for name, value in row.items() if name != "process"})


def match(connection: Connection, row: dict[str, Any]) -> None:
    """Match a new row, bill or expected entry, with the earliest row of the other kind that fits, if any (SL-1)."""
    order, case_id, billed = row["order"], row["case_id"], row["status"] == "billed"
    other = select(EntryRow.key).where(EntryRow.shop_id == row["shop_id"], EntryRow.clause == row["clause"])
    if billed:
        answer = aliased(EntryRow)
        fits = EntryRow.order == order if order else and_(EntryRow.case_id == case_id, EntryRow.case_id != "")
        free = ~exists().where(answer.answers == EntryRow.key)
        other = other.where(EntryRow.status == "expected", fits, free)
    else:
        of_case = and_(EntryRow.order.is_(None), EntryRow.case_id == case_id)
        other = other.where(EntryRow.status == "billed", EntryRow.answers.is_(None))
        other = other.where(or_(EntryRow.order == order, of_case))
    match_key = connection.execute(other.order_by(EntryRow.at, EntryRow.key).limit(1)).scalar()
    if match_key is None:
        return
    bill, expected = (row["key"], match_key) if billed else (match_key, row["key"])
    owner = select(EntryRow.case_id, EntryRow.process).where(EntryRow.key == expected)
    matched = connection.execute(owner).one()
    answers = {"answers": expected, "case_id": matched.case_id, "process": matched.process}
    connection.execute(update(EntryRow).where(EntryRow.key == bill).values(answers))
