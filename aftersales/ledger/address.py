"""Where the ledger's database is, and how connections to it are made."""

import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from aftersales.ledger.tables import SQLITE
from cases.errors import BadForm

POSTGRESQL = "postgresql+psycopg"
WRITES = "writes"
BUSY_MS = 10_000
PATIENCE_SECONDS = 10
EXPECTED = f"expected sqlite:///FILE or {POSTGRESQL}://USER:PASSWORD@HOST/DATABASE"


def url_of(address: str | Path) -> URL:
    """The address of a database, a path being that of a SQLite file; raises BadForm, which never repeats a password."""
    if isinstance(address, Path):
        return URL.create(SQLITE, database=str(address))
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise BadForm(f"ledger: 地址有误 / is no address of a database; {EXPECTED}") from None
    if url.drivername not in (SQLITE, POSTGRESQL):
        raise BadForm(f"ledger: 不支持 / cannot be kept in {url.drivername!r}; {EXPECTED}")
    if url.drivername == SQLITE and (url.database or ":memory:").startswith((":memory:", "file:")):
        raise BadForm(f"ledger: 须为文件 / must be a file; {EXPECTED}")
    return url


def named(url: URL) -> str:
    """An address as it may be printed: without its user, its password and its options."""
    return URL.create(url.drivername, host=url.host, port=url.port, database=url.database).render_as_string()


def engine_of(url: URL) -> Engine:
    """A pool of connections; raises BadForm where the driver is missing, OSError where a folder cannot be made."""
    if url.drivername == SQLITE:
        return _sqlite(url)
    try:
        return create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            pool_size=4,
            max_overflow=4,
            pool_timeout=PATIENCE_SECONDS,
            connect_args={"connect_timeout": PATIENCE_SECONDS},
        )
    except (ModuleNotFoundError, NoSuchModuleError) as missing:
        raise BadForm("ledger: psycopg is missing: install aftersales with the extra `postgresql`") from missing


def _sqlite(url: URL) -> Engine:
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, hide_parameters=True, pool_size=4, max_overflow=4, pool_timeout=PATIENCE_SECONDS)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, record: Any) -> None:
    """Write ahead, wait for other writers, and leave it to us when a transaction begins."""
    del record
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    until = time.monotonic() + PATIENCE_SECONDS
    while True:  # two that turn it on at once do not wait for each other
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except connection.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _begin(connection: Connection) -> None:
    # A transaction that only turns out to write later cannot wait for another writer: it would be refused.
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
