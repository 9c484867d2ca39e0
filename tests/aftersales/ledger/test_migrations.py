"""The tables: made from nothing, as the models say, by whoever opens the ledger first."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from aftersales.ledger.database import HEAD, MIGRATIONS, _upgrade, migrate, open_engine, parse_address
from aftersales.ledger.store import SqlLedger
from aftersales.ledger.tables import Base
from cases.errors import CaseError
from tests.support.booking import expected


def test_an_empty_database_gets_the_tables_that_the_models_name(address: str) -> None:
    with SqlLedger(address) as ledger, ledger._engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == HEAD
        assert compare_metadata(context, Base.metadata) == []


def test_the_newest_revision_is_the_one_that_the_code_asks_for() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]


def test_threads_that_open_an_empty_database_at_once_agree(address: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: SqlLedger(address), range(4)))
    for number, ledger in enumerate(opened):
        ledger.enter(expected(f"C{number}"))
    assert len(opened[0].entries(date(2026, 11, 1), date(2026, 11, 30))) == 4
    for ledger in opened:
        ledger.close()


def test_a_ledger_that_is_up_to_date_opens_without_alembic(ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aftersales.ledger.database._upgrade", lambda _: pytest.fail("nothing is to be done"))
    migrate(ledger._writing)


def test_a_revision_that_fails_leaves_nothing_behind(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(connection: Connection) -> None:
        _upgrade(connection)
        raise CaseError("half way")

    with monkeypatch.context() as patched:
        patched.setattr("aftersales.ledger.database._upgrade", fail)
        with pytest.raises(CaseError, match="half way"):
            SqlLedger(address)
    engine = open_engine(parse_address(address))
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()
    with SqlLedger(address) as ledger:
        ledger.enter(expected())


def test_a_file_that_is_not_a_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_text("something else, and long enough not to count as an empty file" * 20, encoding="utf-8")
    with pytest.raises(CaseError, match="not a database"):
        SqlLedger(path)


def test_sqlite_writes_ahead_and_waits_for_others(tmp_path: Path) -> None:
    with SqlLedger(tmp_path / "l.sqlite3") as ledger, ledger._engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 10_000
