"""The ledger's database: its address, the connections to it, and the migrations of its tables."""

import re
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, inspect, literal, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from aftersales.ledger.tables import SQLITE
from aftersales.runtime.data_folder import make_private_file
from cases.errors import BadForm

_POSTGRESQL = "postgresql+psycopg"
WRITES = "writes"
ISOLATION = "READ COMMITTED"
"""Whatever the server's default: who has waited for a lock must see what its holder has written."""
_BUSY_MS = 10_000
_TIMEOUT_SECONDS = 10
_EXPECTED = f"expected sqlite:///FILE or {_POSTGRESQL}://USER:PASSWORD@HOST/DATABASE"


def parse_address(address: str | Path) -> URL:
    """Parse an address; a path is that of a SQLite file. Raises BadForm, which never repeats a password."""
    if isinstance(address, Path):
        return URL.create(SQLITE, database=str(address))
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise BadForm(f"ledger: 地址有误 / not a database address; {_EXPECTED}") from None
    if url.drivername not in (SQLITE, _POSTGRESQL):
        raise BadForm(f"ledger: 不支持 / not supported: {url.drivername!r}; {_EXPECTED}")
    if url.drivername == SQLITE and (url.database or ":memory:").startswith((":memory:", "file:")):
        raise BadForm(f"ledger: 须为文件 / must be a file; {_EXPECTED}")
    return url


def printable(url: URL) -> str:
    """Return an address for printing: without user, password and options."""
    return URL.create(url.drivername, host=url.host, port=url.port, database=url.database).render_as_string()


def open_engine(url: URL) -> Engine:
    """Open a pool of connections; raises BadForm if the driver is missing, OSError if the folder cannot be created."""
    if url.drivername == SQLITE:
        return _sqlite(url)
    try:
        from aftersales.ledger.postgresql import connect  # noqa: PLC0415 - its driver is an extra

        engine = create_engine(
            url,
            hide_parameters=True,
            isolation_level=ISOLATION,
            pool_pre_ping=True,
            pool_size=4,
            max_overflow=4,
            pool_timeout=_TIMEOUT_SECONDS,
        )
    except (ImportError, NoSuchModuleError) as missing:
        raise BadForm("ledger: psycopg is missing: install aftersales with the extra `postgresql`") from missing
    event.listen(engine, "do_connect", lambda _, __, arguments, options: connect(*arguments, **options))
    return engine


def _sqlite(url: URL) -> Engine:
    make_private_file(Path(str(url.database)))
    engine = create_engine(url, hide_parameters=True, pool_size=4, max_overflow=4, pool_timeout=_TIMEOUT_SECONDS)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, record: Any) -> None:
    """Turn on write-ahead logging, wait for other writers, and leave the start of transactions to us."""
    del record
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    until = time.monotonic() + _TIMEOUT_SECONDS
    while True:  # connections that turn it on together do not wait for each other
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except connection.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _begin(connection: Connection) -> None:
    # A transaction that begins by reading cannot wait for another writer later: it would be refused.
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


HEAD = "0007"
"""The newest revision; a ledger that has it opens without importing Alembic."""
_OWN_REVISION = re.compile("[0-9]{4}")
MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x6C6564676572
"""PostgreSQL's advisory lock for migrations."""

_migrating = threading.Lock()


def migrate(engine: Engine) -> None:
    """Run the missing revisions in one transaction; safe to call from many processes at once.

    Tables of a newer release are used as they are: a release is sometimes rolled back.  Raises BadForm if the tables
    are not a ledger's.
    """
    with engine.connect() as connection:
        if _is_usable(_revision(connection)):
            return
    with _migrating, engine.begin() as connection:
        if connection.dialect.name != SQLITE:  # SQLite's transaction keeps others out
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        if not _is_usable(_revision(connection)):
            _upgrade(connection)


def _is_usable(revision: str | None) -> bool:
    """Return whether tables of a revision can be used as they are."""
    if revision is None:
        return False
    if not _OWN_REVISION.fullmatch(revision):
        raise BadForm(f"ledger: 不是账目库 / not a ledger: its tables have the revision {revision!r}")
    if revision > HEAD:
        import structlog  # noqa: PLC0415 - to load it takes commands too long

        log = structlog.get_logger("ledger")
        log.warning("the ledger is of a newer release", revision=revision, expected=HEAD)
    return revision >= HEAD


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def _upgrade(connection: Connection, revision: str = HEAD) -> None:
    from alembic import command  # noqa: PLC0415 - needed once in the life of a database
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def insert_new(connection: Connection, table: Table, row: dict[str, Any]) -> bool:
    """Insert a row unless its key exists; return whether it was inserted."""
    return connection.execute(_insert_new(table, connection.dialect.name), row).first() is not None


@cache
def _insert_new(table: Table, dialect: str) -> Any:
    return _insert(table, dialect).on_conflict_do_nothing().returning(literal(1))


def upsert(connection: Connection, table: Table, row: dict[str, Any], *, unless_newer: str | None = None) -> None:
    """Insert a row, or replace the one of its key; not one that is newer, or as old, by the column ``unless_newer``."""
    connection.execute(_upsert(table, connection.dialect.name, unless_newer), row)


@cache
def _upsert(table: Table, dialect: str, unless_newer: str | None) -> Any:
    insert = _insert(table, dialect)
    new = {column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key}
    older = table.c[unless_newer] < insert.excluded[unless_newer] if unless_newer else None
    return insert.on_conflict_do_update(index_elements=table.primary_key.columns, set_=new, where=older)


def _insert(table: Table, dialect: str) -> Any:
    if dialect == SQLITE:
        from sqlalchemy.dialects import sqlite  # noqa: PLC0415 - one of the two is needed

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415

    return postgresql.insert(table)
