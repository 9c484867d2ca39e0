"""The ledger in SQLite or PostgreSQL, all idempotent.

Cases, their entries, decisions and outcomes, what they tell each other, the tracking numbers they use and know; bills;
and who works on which case.
"""

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, literal, or_, select, update
from sqlalchemy.exc import DataError, SQLAlchemyError

from aftersales.ledger.database import WRITES, insert_new, migrate, open_engine, parse_address, printable, upsert
from aftersales.ledger.matching import lock, match
from aftersales.ledger.parcels import CaseParcel, cases_of_parcel, keep_parcels
from aftersales.ledger.recording import enter_cases, record_case
from aftersales.ledger.tables import (
    CASES,
    CLAIMS,
    DECISIONS,
    ENTRIES,
    MISSED_DEADLINES,
    NOTES,
    NUMBER_USES,
    OUTCOMES,
    TOLD,
)
from aftersales.ledger.teamwork import Claim, Note, claim_case, release_case
from cases.errors import BadForm, LedgerUnreachable
from cases.ledger import (
    LONG_ENDED,
    Bill,
    Booked,
    CaseOutcome,
    CaseRecord,
    Decided,
    Ending,
    KnownCase,
    Missed,
    NumberUse,
    OpenedCase,
    ToldFact,
)
from cases.models import whole_seconds
from cases.shanghai import shanghai_day

_IDS_PER_QUERY: Final = 500
"""Case ids in one query: databases limit the number of values."""
_PATIENCE_SECONDS: Final = 10.0
"""How long a call waits for another that migrates the tables."""
_KNOWN: Final = select(CASES, OUTCOMES.c.state, OUTCOMES.c.closed_at).select_from(
    CASES.outerjoin(OUTCOMES, CASES.c.case_id == OUTCOMES.c.case_id)
)


class SqlLedger:
    """A ledger in a database; safe to use from many threads and processes.

    It connects, and migrates its tables, when it is first used.  Its methods raise LedgerUnreachable if the database
    does not answer in time, BadForm for data that it cannot store.  ``on_failure`` is told of the former, that it was
    a ``read`` or a ``write``.
    """

    def __init__(self, address: str | Path) -> None:
        """Keep the address; raises BadForm if it is none, OSError if a file's folder cannot be made."""
        url = parse_address(address)
        self.name = printable(url)
        self.on_failure: Callable[[str], None] | None = None
        self._engine = open_engine(url)
        self._writing = self._engine.execution_options(**{WRITES: True})
        self._finalizer = weakref.finalize(self, self._engine.dispose)
        self._preparing, self._is_prepared = threading.Lock(), False

    def prepare(self) -> None:
        """Connect, and migrate the tables, as the first use does too."""
        if self._is_prepared:
            return
        if not self._preparing.acquire(timeout=_PATIENCE_SECONDS):
            raise LedgerUnreachable(f"ledger {self.name}: is still being opened")
        try:
            if not self._is_prepared:
                with self._errors():
                    migrate(self._writing)
                self._is_prepared = True
        finally:
            self._preparing.release()

    def check(self) -> None:
        """Raise LedgerUnreachable if the database does not answer; unlike every other use, this changes no table."""
        with self._errors(), self._engine.connect() as connection:
            connection.execute(select(literal(1)))

    def close(self) -> None:
        """Close its connections, as garbage collection does too."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, bad: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Ledger({self.name!r})"

    def opened(self, cases: Sequence[OpenedCase]) -> None:
        """Store that cases were opened; one known before does not change."""
        with self._write() as connection:
            # In one order, lest two writers wait in a circle.
            enter_cases(connection, sorted(cases, key=lambda case: case.case_id))

    def known(self, case_ids: Sequence[str]) -> dict[str, KnownCase]:
        """Return what is known of those of the cases that were ever opened (G-14)."""
        known: dict[str, KnownCase] = {}
        with self._reading() as connection:
            for begin in range(0, len(case_ids), _IDS_PER_QUERY):
                some = case_ids[begin : begin + _IDS_PER_QUERY]
                rows = connection.execute(_KNOWN.where(CASES.c.case_id.in_(some))).mappings()
                known |= {row["case_id"]: _known(row) for row in rows}
        return known

    def unended(self) -> list[OpenedCase]:
        """Return the cases of which no end is known, in the order in which they were opened."""
        fields = [CASES.c[name] for name in OpenedCase.model_fields]
        query = select(*fields).where(CASES.c.case_id.not_in(select(OUTCOMES.c.case_id)), CASES.c.ended_at.is_(None))
        with self._reading() as connection:
            rows = connection.execute(query.order_by(CASES.c.opened_at, CASES.c.case_id)).mappings()
            return [OpenedCase(**row) for row in rows]

    def forget(self, case_id: str) -> None:
        """Let a case be opened again; what it has entered stays on the books.  Nothing happens if its end is known."""
        has_ended = select(OUTCOMES.c.case_id).where(OUTCOMES.c.case_id == case_id).exists()
        with self._write() as connection:
            connection.execute(delete(CASES).where(CASES.c.case_id == case_id, CASES.c.ended_at.is_(None), ~has_ended))

    def record(self, record: CaseRecord) -> None:
        """Store all about a case in one transaction; a record older than the stored one changes nothing."""
        with self._write() as connection:
            record_case(connection, record)

    def ended(self, case_id: str, ending: Ending, at: datetime) -> bool:
        """Store that a case's workflow ended, at ``at``, without its case; return whether that is news.

        A case that was not known before counts as opened then.
        """
        at = whole_seconds(at)
        unknown = {"process": case_id.partition("/")[0], "shop_id": "", "opened_at": at}
        with self._write() as connection:
            insert_new(connection, CASES, {"case_id": case_id, **unknown})
            this = CASES.c.case_id == case_id
            stored = connection.execute(select(CASES).where(this).with_for_update()).mappings().one()
            latest = max(instant for instant in (stored["as_of"], stored["ended_at"], at) if instant is not None)
            if latest > at or (stored["ending"], stored["ended_at"]) == (ending, at):
                return False
            if connection.execute(select(OUTCOMES.c.case_id).where(OUTCOMES.c.case_id == case_id)).first():
                return False
            connection.execute(update(CASES).where(this).values(ending=ending, ended_at=at))
        return True

    def revived(self, case_id: str) -> None:
        """Store that a case's workflow runs again."""
        with self._write() as connection:
            connection.execute(update(CASES).where(CASES.c.case_id == case_id).values(ending=None, ended_at=None))

    def cases_of_order(self, shop_id: str, order: str) -> list[KnownCase]:
        """Return the cases about an order, of all processes, in the order in which they were opened."""
        query = _KNOWN.where(CASES.c.shop_id == shop_id, CASES.c.order == order)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(CASES.c.opened_at, CASES.c.case_id)).mappings()
            return [_known(row) for row in rows]

    def open_cases(self, shop: str | None = None) -> dict[tuple[str, str], int]:
        """Return the number of cases that are not known to have ended, of all shops or one, by shop and process."""
        query = (
            select(CASES.c.shop_id, CASES.c.process, func.count())
            .select_from(CASES.outerjoin(OUTCOMES, CASES.c.case_id == OUTCOMES.c.case_id))
            .where(OUTCOMES.c.case_id.is_(None), CASES.c.ending.is_(None))
            .group_by(CASES.c.shop_id, CASES.c.process)
            .order_by(CASES.c.shop_id, CASES.c.process)
        )
        if shop is not None:
            query = query.where(CASES.c.shop_id == shop)
        with self._reading() as connection:
            return {(row[0], row[1]): row[2] for row in connection.execute(query)}

    def tell(self, fact: ToldFact) -> list[str]:
        """Store a fact that a case tells others, and return the cases that it concerns, except the one that tells.

        Those that ended long before it are left out: they can take nothing in any more.  In two transactions: before
        the first has ended, a case that is being opened does not find the fact.
        """
        with self._write() as connection:
            upsert(connection, TOLD, fact.model_dump())
        begun = fact.period or (None, None)
        about = {
            "of_process": fact.process,
            "of_shop": fact.shop_id,
            "of_order": fact.order,
            "told_by": fact.told_by,
            "begun_from": begun[0],
            "begun_until": begun[1],
            "ended_since": fact.occurred_at - LONG_ENDED,
        }
        query = _cases_told(of_order=fact.order is not None, of_period=fact.period is not None)
        with self._reading() as connection:
            return [case_id for (case_id,) in connection.execute(query, about)]

    def untell(self, key: str) -> None:
        """Withdraw a fact whose rule was taken back: no case that is opened later is told."""
        with self._write() as connection:
            connection.execute(delete(TOLD).where(TOLD.c.key == key))

    def told(self, case: OpenedCase) -> list[ToldFact]:
        """Return what concerns a case of all that cases of its process were told; oldest first."""
        query = select(TOLD).where(TOLD.c.process == case.process, TOLD.c.shop_id == case.shop_id)
        of_shop = TOLD.c.order.is_(None)
        query = query.where(of_shop if case.order is None else or_(of_shop, TOLD.c.order == case.order))
        with self._reading() as connection:
            rows = connection.execute(query.order_by(TOLD.c.occurred_at, TOLD.c.key)).mappings()
            return [fact for fact in (ToldFact(**row) for row in rows) if fact.concerns(case)]

    def use_number(self, use: NumberUse) -> None:
        """Store that a tracking number was used for an order; of several times the last one is kept (DS-3)."""
        with self._write() as connection:
            upsert(connection, NUMBER_USES, use.model_dump(), unless_newer="at")

    def numbers_used(self, shop_id: str, tracking_no: str, since: datetime) -> list[NumberUse]:
        """Return for which orders of a shop a tracking number has been used since an instant, oldest first."""
        uses = NUMBER_USES.c
        query = select(NUMBER_USES).where(uses.shop_id == shop_id, uses.tracking_no == tracking_no, uses.at >= since)
        with self._reading() as connection:
            return [NumberUse(**row) for row in connection.execute(query.order_by(uses.at, uses.order)).mappings()]

    def orders_of_parcel(self, tracking_no: str) -> list[str]:
        """Return the orders of all shops for which a tracking number was used."""
        query = select(NUMBER_USES.c.order).where(NUMBER_USES.c.tracking_no == tracking_no).distinct()
        with self._reading() as connection:
            return sorted(connection.execute(query).scalars())

    def keep_parcels(self, parcels: Sequence[CaseParcel]) -> None:
        """Store that cases know tracking numbers; what is stored already does not change."""
        with self._write() as connection:
            keep_parcels(connection, parcels)

    def cases_of_parcel(self, tracking_no: str) -> list[str]:
        """Return the cases that know a tracking number, whatever it is to them."""
        with self._reading() as connection:
            return cases_of_parcel(connection, tracking_no)

    def claim(self, claim: Claim, *, instead_of: str | None = None) -> Claim:
        """Claim a case that nobody works on, or that ``instead_of`` works on; return who works on it now."""
        with self._write() as connection:
            return claim_case(connection, claim, instead_of=instead_of)

    def release(self, case_id: str, clerk: str) -> None:
        """Let a case be claimed by others; nothing happens if the clerk does not work on it."""
        with self._write() as connection:
            release_case(connection, case_id, clerk)

    def claims(self, case_ids: Sequence[str]) -> dict[str, Claim]:
        """Return who works on which of the cases."""
        query = select(CLAIMS).where(CLAIMS.c.case_id.in_(case_ids))
        with self._reading() as connection:
            return {row["case_id"]: Claim(**row) for row in connection.execute(query).mappings()}

    def claimed_by(self, clerk: str) -> list[str]:
        """Return the cases that a clerk works on, in the order in which they were claimed.

        Those that have ended are left out, and of very many the first: whoever asks searches for them by their ids.
        """
        has_ended = select(OUTCOMES.c.case_id).where(OUTCOMES.c.case_id == CLAIMS.c.case_id).exists()
        query = select(CLAIMS.c.case_id).where(CLAIMS.c.clerk == clerk, ~has_ended)
        query = query.order_by(CLAIMS.c.at.desc(), CLAIMS.c.case_id.desc()).limit(_IDS_PER_QUERY)
        with self._reading() as connection:
            return list(connection.execute(query).scalars())[::-1]

    def add_note(self, note: Note) -> None:
        """Store a clerk's note."""
        with self._write() as connection:
            connection.execute(insert(NOTES), note.model_dump())

    def notes(self, case_id: str) -> list[Note]:
        """Return the notes about a case, oldest first."""
        query = select(NOTES.c.case_id, NOTES.c.clerk, NOTES.c.at, NOTES.c.text).where(NOTES.c.case_id == case_id)
        with self._reading() as connection:
            return [Note(**row) for row in connection.execute(query.order_by(NOTES.c.serial)).mappings()]

    def bill(self, bill: Bill) -> Booked:
        """Store a platform's bill, unless its number exists, and match it with an expected entry."""
        row = bill.model_dump(exclude={"bill_id"}) | {
            "key": bill.key,
            "case_id": bill.case_id or "",
            "process": (bill.case_id or "").partition("/")[0],
            "day": shanghai_day(bill.at),
            "income": bill.income,
            "status": "billed",
            "answers": None,
        }
        with self._write() as connection:
            lock(connection, bill.shop_id, bill.clause)
            if insert_new(connection, ENTRIES, row):
                match(connection, row)
            stored = connection.execute(select(ENTRIES).where(ENTRIES.c.key == bill.key)).mappings().one()
        return _booked(stored)

    def entries(self, first: date, last: date, shop: str | None = None) -> list[Booked]:
        """Return the entries from day ``first`` to day ``last``, of all shops or one, oldest first."""
        return [_booked(row) for row in self._rows(ENTRIES, first, last, shop, "at", "key")]

    def outcomes(self, first: date, last: date, shop: str | None = None) -> list[CaseOutcome]:
        """Return the outcomes of cases closed from day ``first`` to day ``last``, oldest first."""
        return [CaseOutcome(**_told(row)) for row in self._rows(OUTCOMES, first, last, shop, "closed_at", "case_id")]

    def decisions(self, first: date, last: date, shop: str | None = None) -> list[Decided]:
        """Return the decisions taken from day ``first`` to day ``last``, oldest first."""
        return [Decided(**_told(row)) for row in self._rows(DECISIONS, first, last, shop, "at", "case_id", "key")]

    def missed(self, first: date, last: date, shop: str | None = None) -> list[Missed]:
        """Return the deadlines of ours that were missed from day ``first`` to day ``last``, oldest first."""
        rows = self._rows(MISSED_DEADLINES, first, last, shop, "at", "case_id", "serial")
        return [Missed(**_told(row)) for row in rows]

    def _rows(self, table: Any, first: date, last: date, shop: str | None, *by: str) -> list[dict[str, Any]]:
        query: Select[Any] = select(table).where(table.c.day.between(first, last))
        if shop is not None:
            query = query.where(table.c.shop_id == shop)
        with self._reading() as connection:
            return [dict(row) for row in connection.execute(query.order_by(*(table.c[name] for name in by))).mappings()]

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._noted("read"):
            self.prepare()
            with self._errors(), self._engine.connect() as connection:
                yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._noted("write"):
            self.prepare()
            with self._errors(), self._writing.begin() as connection:
                yield connection

    @contextmanager
    def _noted(self, access: str) -> Iterator[None]:
        try:
            yield
        except LedgerUnreachable:
            if self.on_failure is not None:
                self.on_failure(access)
            raise

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


@cache
def _cases_told(*, of_order: bool, of_period: bool) -> Select[Any]:
    """Return the query for the cases that a fact concerns; building it takes longer than running it."""
    cases = CASES.c
    about = [cases.process == bindparam("of_process"), cases.shop_id == bindparam("of_shop")]
    about.append(cases.case_id != bindparam("told_by"))
    if of_order:
        about.append(cases.order == bindparam("of_order"))
    if of_period:
        about.append(cases.opened_at.between(bindparam("begun_from"), bindparam("begun_until")))
    ended = OUTCOMES.c.closed_at.is_(None) | (OUTCOMES.c.closed_at >= bindparam("ended_since"))
    known = CASES.outerjoin(OUTCOMES, OUTCOMES.c.case_id == cases.case_id)
    return select(cases.case_id).select_from(known).where(*about, ended).order_by(cases.case_id)


def _known(row: Any) -> KnownCase:
    return KnownCase(
        case_id=row["case_id"],
        opened_at=row["opened_at"],
        state=row["state"],
        ending=row["ending"],
        ended_at=row["closed_at"] or row["ended_at"],
    )


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a case has told of a row: all but what the ledger itself has added to find and order it."""
    return {name: value for name, value in row.items() if name not in ("day", "serial")}


def _booked(row: Any) -> Booked:
    return Booked(**{name: value for name, value in row.items() if name != "process"})
