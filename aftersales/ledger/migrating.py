"""Bringing a database's tables up to what this code needs; many may try at once."""

import threading
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from aftersales.ledger.tables import SQLITE

HEAD = "0002"
"""The newest revision, so that a ledger that is up to date opens without Alembic."""
MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x6C6564676572
"""The advisory lock of PostgreSQL under which tables are made."""

_one_at_a_time = threading.Lock()


def migrate(engine: Engine) -> None:
    """Run the revisions that are missing, in one transaction; whoever comes second finds nothing to do."""
    with engine.connect() as connection:
        if _revision(connection) == HEAD:
            return
    with _one_at_a_time, engine.begin() as connection:
        if connection.dialect.name != SQLITE:  # there the transaction itself keeps others out
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        if _revision(connection) != HEAD:
            _upgrade(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - needed once in a database's life
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
