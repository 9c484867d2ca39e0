"""The ledger's tables, the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    false,
)
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


METADATA: Final = MetaData()
"""All tables, for the migrations."""

CASES = Table(
    "cases",
    METADATA,
    Column("case_id", String, primary_key=True),
    Column("process", String, nullable=False),
    Column("shop_id", String, nullable=False),
    Column("order", String),
    Column("opened_at", Utc(), nullable=False),
    Column("as_of", Utc()),
    Column("ending", String),
    Column("ended_at", Utc()),
    Index("ix_cases_shop_id_order", "shop_id", "order"),
)
"""A case that was opened.

``as_of`` is the instant of its newest record, None before the first.  ``ending`` and ``ended_at``: its workflow
ended without it; how the case itself ended is in its outcome.
"""

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("case_id", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("process", String, nullable=False),
    Column("shop_id", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("order", String),
    Column("at", Utc(), nullable=False),
    Column("day", Date, nullable=False),
    Column("party", String, nullable=False),
    Column("actor", String),
    Column("way", String),
    Index("ix_decisions_day_shop_id", "day", "shop_id"),
)
"""A decision of a case; ``day`` is its day in Shanghai."""

MISSED_DEADLINES = Table(
    "missed_deadlines",
    METADATA,
    Column("case_id", String, primary_key=True),
    Column("serial", Integer, primary_key=True, autoincrement=False),
    Column("process", String, nullable=False),
    Column("shop_id", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("order", String),
    Column("at", Utc(), nullable=False),
    Column("day", Date, nullable=False),
    Index("ix_missed_deadlines_day_shop_id", "day", "shop_id"),
)
"""A deadline of ours that a case has missed; ``day`` is its day in Shanghai."""

UNDONE = Table(
    "undone",
    METADATA,
    Column("case_id", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("clause", String, primary_key=True),
    Column("shop_id", String, nullable=False),
    Column("order", String),
    Column("at", Utc(), nullable=False),
    Column("process", String),
    Column("begins_at", Utc()),
    Column("ends_at", Utc()),
    Index("ix_undone_shop_id_clause_order", "shop_id", "clause", "order"),
)
"""What a case takes back of entries that count once an order, a row for each clause.

It is of an order, or of all of which a case of ``process`` began in a period.
"""

TOLD = Table(
    "told",
    METADATA,
    Column("key", String, primary_key=True),
    Column("process", String, nullable=False),
    Column("shop_id", String, nullable=False),
    Column("order", String),
    Column("rule", String, nullable=False),
    Column("form", JSON(none_as_null=True)),
    Column("occurred_at", Utc(), nullable=False),
    Column("told_by", String, nullable=False),
    Index("ix_told_shop_id_process_order", "shop_id", "process", "order"),
)
"""A fact that a case told others (G-15); without an order, all of the shop."""

NUMBER_USES = Table(
    "number_uses",
    METADATA,
    Column("shop_id", String, primary_key=True),
    Column("tracking_no", String, primary_key=True),
    Column("order", String, primary_key=True),
    Column("carrier", String, nullable=False),
    Column("consignee", String),
    Column("at", Utc(), nullable=False),
    Column("case_id", String, nullable=False),
)
"""The last use of a tracking number for an order (DS-3)."""

CASE_PARCELS = Table(
    "case_parcels",
    METADATA,
    Column("tracking_no", String, primary_key=True),
    Column("case_id", String, primary_key=True),
)
"""A tracking number that a case knows, whatever it is to the case: for a search by that number."""

ENTRIES = Table(
    "entries",
    METADATA,
    Column("key", String, primary_key=True),
    Column("case_id", String, nullable=False),
    Column("process", String, nullable=False),
    Column("shop_id", String, nullable=False),
    Column("clause", String, nullable=False),
    Column("order", String),
    Column("at", Utc(), nullable=False),
    Column("day", Date, nullable=False),
    Column("amount", Exact(12, 2)),
    Column("points", Exact(9, 3)),
    Column("counted", Boolean, server_default=false(), nullable=False),
    Column("once_an_order", Boolean, server_default=false(), nullable=False),
    Column("income", Boolean, server_default=false(), nullable=False),
    Column("status", String, nullable=False),
    Column("note", String),
    Column("answers", String, unique=True),
    Column("undone_by", String),
    CheckConstraint("status IN ('expected', 'billed', 'reversed')", name="ck_entries_status"),
    Index("ix_entries_day_shop_id", "day", "shop_id"),
    Index("ix_entries_shop_id_clause_status_order", "shop_id", "clause", "status", "order"),
    Index("ix_entries_case_id", "case_id"),
)
"""Money (CNY) or points: expected, billed or reversed.

``answers`` is the key of the expected entry that a bill matches.  ``undone_by`` is the case that took the entry
back, None if its own did.
"""

OUTCOMES = Table(
    "outcomes",
    METADATA,
    Column("case_id", String, primary_key=True),
    Column("process", String, nullable=False),
    Column("shop_id", String, nullable=False),
    Column("order", String),
    Column("opened_at", Utc(), nullable=False),
    Column("closed_at", Utc(), nullable=False),
    Column("day", Date, nullable=False),
    Column("state", String, nullable=False),
    Column("state_label", String, nullable=False),
    Column("decided_by", String, nullable=False),
    Column("decided_before_deadline", Boolean),
    Column("clocks_run_out", Integer, nullable=False),
    Column("lost", Exact(12, 2)),
    Column("unknown_losses", Integer, server_default="0", nullable=False),
    Index("ix_outcomes_day_shop_id", "day", "shop_id"),
)
"""The outcome of a case; ``day`` is its closing day in Shanghai."""

CLAIMS = Table(
    "claims",
    METADATA,
    Column("case_id", String, primary_key=True),
    Column("clerk", String, nullable=False),
    Column("at", Utc(), nullable=False),
    Index("ix_claims_clerk", "clerk"),
)
"""The clerk who works on a case."""

NOTES = Table(
    "notes",
    METADATA,
    Column("serial", Integer, primary_key=True, autoincrement=True),
    Column("case_id", String, nullable=False),
    Column("clerk", String, nullable=False),
    Column("at", Utc(), nullable=False),
    Column("text", String, nullable=False),
    Index("ix_notes_case_id", "case_id"),
)
"""A clerk's note about a case."""
