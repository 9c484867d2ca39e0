"""The ledger's two tables, the same on SQLite and PostgreSQL."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, DateTime, Dialect, Index, Integer, Numeric, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

SQLITE = "sqlite"


class Exact(TypeDecorator[Decimal]):
    """A decimal number that no database rounds: NUMERIC, on SQLite a whole number of its smallest unit."""

    impl = Numeric
    cache_ok = True

    def __init__(self, digits: int, places: int) -> None:
        """So many digits, of which so many stand behind the point."""
        super().__init__(digits, places)
        self.digits, self.places = digits, places

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """How a database keeps it."""
        kept: TypeEngine[Any] = BigInteger() if dialect.name == SQLITE else Numeric(self.digits, self.places)
        return dialect.type_descriptor(kept)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """As it is written; raises ValueError where a digit would be lost."""
        if value is None:
            return None
        whole = value.scaleb(self.places)
        if whole != int(whole) or abs(whole) >= 10**self.digits:
            raise ValueError(f"{value} has more digits than are kept")
        return int(whole) if dialect.name == SQLITE else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """As it was entered, with all its places."""
        if value is None:
            return None
        found = Decimal(value).scaleb(-self.places) if dialect.name == SQLITE else Decimal(value)
        return found.quantize(Decimal(1).scaleb(-self.places))


class Utc(TypeDecorator[datetime]):
    """An instant, kept and given in UTC."""

    impl = DateTime
    cache_ok = True

    def __init__(self) -> None:
        """With its timezone, where the database knows of any."""
        super().__init__(timezone=True)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """As it is written."""
        if value is None:
            return None
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == SQLITE else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """As it was entered."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == SQLITE else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables of the ledger."""


class EntryRow(Base):
    """Money (CNY) or points, expected or billed; ``answers`` is the key of the expected entry that a bill is for."""

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
    status: Mapped[str] = mapped_column(String)
    note: Mapped[str | None] = mapped_column(String)
    answers: Mapped[str | None] = mapped_column(String, unique=True)

    __table_args__ = (
        CheckConstraint("status IN ('expected', 'billed')", name="ck_entries_status"),
        Index("ix_entries_day_shop_id", "day", "shop_id"),
        Index("ix_entries_shop_id_clause_status_order", "shop_id", "clause", "status", "order"),
        Index("ix_entries_case_id", "case_id"),
    )


class OutcomeRow(Base):
    """How a case ended; ``day`` is that of its closing in Shanghai."""

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
    lost: Mapped[Decimal] = mapped_column(Exact(12, 2))

    __table_args__ = (Index("ix_outcomes_day_shop_id", "day", "shop_id"),)
