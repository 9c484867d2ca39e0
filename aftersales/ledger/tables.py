"""The ledger's tables, the same on SQLite and PostgreSQL."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    Dialect,
    Index,
    Integer,
    Numeric,
    String,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

SQLITE = "sqlite"


class Exact(TypeDecorator[Decimal]):
    """A decimal that no database rounds: NUMERIC, on SQLite an integer of its smallest unit."""

    impl = Numeric
    cache_ok = True

    def __init__(self, digits: int, places: int) -> None:
        """Precision and scale."""
        super().__init__(digits, places)
        self.digits, self.places = digits, places

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that a database stores."""
        kept: TypeEngine[Any] = BigInteger() if dialect.name == SQLITE else Numeric(self.digits, self.places)
        return dialect.type_descriptor(kept)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Convert to the stored value; raises ValueError if a digit would be lost."""
        if value is None:
            return None
        whole = value.scaleb(self.places)
        if whole != int(whole) or abs(whole) >= 10**self.digits:
            raise ValueError(f"{value} has more digits than the ledger stores")
        return int(whole) if dialect.name == SQLITE else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Convert to the value entered, with all its decimal places."""
        if value is None:
            return None
        exact = Decimal(value).scaleb(-self.places) if dialect.name == SQLITE else Decimal(value)
        return exact.quantize(Decimal(1).scaleb(-self.places))


class Utc(TypeDecorator[datetime]):
    """An instant in UTC."""

    impl = DateTime
    cache_ok = True

    def __init__(self) -> None:
        """With a timezone, on databases that have timezones."""
        super().__init__(timezone=True)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to the stored value."""
        if value is None:
            return None
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == SQLITE else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to an instant in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == SQLITE else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of the ledger's tables."""


class CaseRow(Base):
    """A case that was opened.

    ``as_of`` is the instant of its newest record, None before the first.  ``ending`` and ``ended_at``: its workflow
    ended without it; how the case itself ended is in its outcome.
    """

    __tablename__ = "cases"

    case_id: Mapped[str] = mapped_column(String, primary_key=True)
    process: Mapped[str] = mapped_column(String)
    shop_id: Mapped[str] = mapped_column(String)
    order: Mapped[str | None] = mapped_column(String)
    opened_at: Mapped[datetime] = mapped_column(Utc())
    as_of: Mapped[datetime | None] = mapped_column(Utc())
    ending: Mapped[str | None] = mapped_column(String)
    ended_at: Mapped[datetime | None] = mapped_column(Utc())

    __table_args__ = (Index("ix_cases_shop_id_order", "shop_id", "order"),)


class DecisionRow(Base):
    """A decision of a case; ``day`` is its day in Shanghai."""

    __tablename__ = "decisions"

    case_id: Mapped[str] = mapped_column(String, primary_key=True)
    key: Mapped[str] = mapped_column(String, primary_key=True)
    process: Mapped[str] = mapped_column(String)
    shop_id: Mapped[str] = mapped_column(String)
    rule: Mapped[str] = mapped_column(String)
    order: Mapped[str | None] = mapped_column(String)
    at: Mapped[datetime] = mapped_column(Utc())
    day: Mapped[date] = mapped_column(Date)
    party: Mapped[str] = mapped_column(String)
    actor: Mapped[str | None] = mapped_column(String)
    way: Mapped[str | None] = mapped_column(String)

    __table_args__ = (Index("ix_decisions_day_shop_id", "day", "shop_id"),)


class UndoneRow(Base):
    """What a case takes back of entries that count once an order, a row for each clause.

    It is of an order, or of all of which a case of ``process`` began in a period.
    """

    __tablename__ = "undone"

    case_id: Mapped[str] = mapped_column(String, primary_key=True)
    key: Mapped[str] = mapped_column(String, primary_key=True)
    clause: Mapped[str] = mapped_column(String, primary_key=True)
    shop_id: Mapped[str] = mapped_column(String)
    order: Mapped[str | None] = mapped_column(String)
    at: Mapped[datetime] = mapped_column(Utc())
    process: Mapped[str | None] = mapped_column(String)
    begins_at: Mapped[datetime | None] = mapped_column(Utc())
    ends_at: Mapped[datetime | None] = mapped_column(Utc())

    __table_args__ = (Index("ix_undone_shop_id_clause_order", "shop_id", "clause", "order"),)


class ToldRow(Base):
    """A fact that a case told others (G-15); without an order, all of the shop."""

    __tablename__ = "told"

    key: Mapped[str] = mapped_column(String, primary_key=True)
    process: Mapped[str] = mapped_column(String)
    shop_id: Mapped[str] = mapped_column(String)
    order: Mapped[str | None] = mapped_column(String)
    rule: Mapped[str] = mapped_column(String)
    form: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    occurred_at: Mapped[datetime] = mapped_column(Utc())
    told_by: Mapped[str] = mapped_column(String)

    __table_args__ = (Index("ix_told_shop_id_process_order", "shop_id", "process", "order"),)


class NumberUseRow(Base):
    """The last use of a tracking number for an order (DS-3)."""

    __tablename__ = "number_uses"

    shop_id: Mapped[str] = mapped_column(String, primary_key=True)
    tracking_no: Mapped[str] = mapped_column(String, primary_key=True)
    order: Mapped[str] = mapped_column(String, primary_key=True)
    carrier: Mapped[str] = mapped_column(String)
    consignee: Mapped[str | None] = mapped_column(String)
    at: Mapped[datetime] = mapped_column(Utc())
    case_id: Mapped[str] = mapped_column(String)


class CaseParcelRow(Base):
    """A tracking number that a case knows, whatever it is to the case: for a search by that number."""

    __tablename__ = "case_parcels"

    tracking_no: Mapped[str] = mapped_column(String, primary_key=True)
    case_id: Mapped[str] = mapped_column(String, primary_key=True)


class EntryRow(Base):
    """Money (CNY) or points: expected, billed or reversed.

    ``answers`` is the key of the expected entry that a bill matches.  ``undone_by`` is the case that took the entry
    back, None if its own did.
    """

    __tablename__ = "entries"

    key: Mapped[str] = mapped_column(String, primary_key=True)
    case_id: Mapped[str] = mapped_column(String)
    process: Mapped[str] = mapped_column(String)
    shop_id: Mapped[str] = mapped_column(String)
    clause: Mapped[str] = mapped_column(String)
    order: Mapped[str | None] = mapped_column(String)
    at: Mapped[datetime] = mapped_column(Utc())
    day: Mapped[date] = mapped_column(Date)
    amount: Mapped[Decimal | None] = mapped_column(Exact(12, 2))
    points: Mapped[Decimal | None] = mapped_column(Exact(9, 3))
    counted: Mapped[bool] = mapped_column(Boolean, server_default=false())
    once_an_order: Mapped[bool] = mapped_column(Boolean, server_default=false())
    income: Mapped[bool] = mapped_column(Boolean, server_default=false())
    status: Mapped[str] = mapped_column(String)
    note: Mapped[str | None] = mapped_column(String)
    answers: Mapped[str | None] = mapped_column(String, unique=True)
    undone_by: Mapped[str | None] = mapped_column(String)

    __table_args__ = (
        CheckConstraint("status IN ('expected', 'billed', 'reversed')", name="ck_entries_status"),
        Index("ix_entries_day_shop_id", "day", "shop_id"),
        Index("ix_entries_shop_id_clause_status_order", "shop_id", "clause", "status", "order"),
        Index("ix_entries_case_id", "case_id"),
    )


class OutcomeRow(Base):
    """The outcome of a case; ``day`` is its closing day in Shanghai."""

    __tablename__ = "outcomes"

    case_id: Mapped[str] = mapped_column(String, primary_key=True)
    process: Mapped[str] = mapped_column(String)
    shop_id: Mapped[str] = mapped_column(String)
    order: Mapped[str | None] = mapped_column(String)
    opened_at: Mapped[datetime] = mapped_column(Utc())
    closed_at: Mapped[datetime] = mapped_column(Utc())
    day: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String)
    state_label: Mapped[str] = mapped_column(String)
    decided_by: Mapped[str] = mapped_column(String)
    decided_before_deadline: Mapped[bool | None]
    clocks_run_out: Mapped[int] = mapped_column(Integer)
    lost: Mapped[Decimal | None] = mapped_column(Exact(12, 2))
    unknown_losses: Mapped[int] = mapped_column(Integer, server_default="0")

    __table_args__ = (Index("ix_outcomes_day_shop_id", "day", "shop_id"),)


class ClaimRow(Base):
    """The clerk who works on a case."""

    __tablename__ = "claims"

    case_id: Mapped[str] = mapped_column(String, primary_key=True)
    clerk: Mapped[str] = mapped_column(String)
    at: Mapped[datetime] = mapped_column(Utc())

    __table_args__ = (Index("ix_claims_clerk", "clerk"),)


class NoteRow(Base):
    """A clerk's note about a case."""

    __tablename__ = "notes"

    serial: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    case_id: Mapped[str] = mapped_column(String)
    clerk: Mapped[str] = mapped_column(String)
    at: Mapped[datetime] = mapped_column(Utc())
    text: Mapped[str] = mapped_column(String)

    __table_args__ = (Index("ix_notes_case_id", "case_id"),)


CASE_PARCELS, CASES, CLAIMS, DECISIONS, ENTRIES, NOTES, NUMBER_USES, OUTCOMES, TOLD, UNDONE = (
    Base.metadata.tables[row.__tablename__]
    for row in (
        CaseParcelRow,
        CaseRow,
        ClaimRow,
        DecisionRow,
        EntryRow,
        NoteRow,
        NumberUseRow,
        OutcomeRow,
        ToldRow,
        UndoneRow,
    )
)
"""The tables themselves, for statements that make no objects."""
