"""The tables: made from nothing, as the models say, by whoever opens the ledger first."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
import structlog
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from aftersales.ledger.database import HEAD, MIGRATIONS, WRITES, _upgrade, migrate, open_engine, parse_address
from aftersales.ledger.store import SqlLedger
from aftersales.ledger.tables import METADATA
from cases.errors import BadForm, CaseError
from tests.support.records.booking import decided, ended, expected, recorded


def test_an_empty_database_gets_the_tables_that_the_models_name(address: str) -> None:
    with SqlLedger(address) as ledger:
        ledger.prepare()
        look_at_the_tables(ledger)


def look_at_the_tables(ledger: SqlLedger) -> None:
    with ledger._engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == HEAD
        assert compare_metadata(context, METADATA) == []


def test_the_newest_revision_is_the_one_that_the_code_asks_for() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]


def test_threads_that_open_an_empty_database_at_once_agree(address: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: SqlLedger(address), range(4)))
    with ThreadPoolExecutor(4) as pool:
        records = [recorded(expected(f"C{number}")) for number in range(4)]
        list(pool.map(lambda ledger, record: ledger.record(record), opened, records))
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
        with pytest.raises(CaseError, match="half way"), SqlLedger(address) as ledger:
            ledger.prepare()
    engine = open_engine(parse_address(address))
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()
    with SqlLedger(address) as ledger:
        ledger.record(recorded(expected()))


def revised(address: str, revision: str) -> None:
    """Give a ledger's tables another revision."""
    with SqlLedger(address) as ledger:
        ledger.prepare()
        with ledger._writing.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
            connection.execute(text("ALTER TABLE entries ADD COLUMN colour VARCHAR"))


def test_a_ledger_of_a_newer_release_is_used_as_it_is_with_a_warning(address: str) -> None:
    revised(address, "0099")
    with structlog.testing.capture_logs() as lines, SqlLedger(address) as ledger:
        ledger.record(recorded(expected(), decided(), ended()))
        assert len(ledger.entries(date(2026, 11, 1), date(2026, 11, 30))) == 1
    warning = {"event": "the ledger is of a newer release", "revision": "0099", "expected": HEAD}
    assert lines == [{**warning, "log_level": "warning"}]


def test_tables_of_another_program_are_left_alone(address: str) -> None:
    revised(address, "1975ea83b712")
    with SqlLedger(address) as ledger, pytest.raises(BadForm, match="not a ledger"):
        ledger.prepare()


def test_what_an_earlier_release_stored_is_kept_and_makes_its_cases_known(address: str) -> None:
    engine = open_engine(parse_address(address))
    with engine.execution_options(**{WRITES: True}).begin() as connection:
        _upgrade(connection, "0002")
        at = "2026-11-03 01:00:00+00" if connection.dialect.name == "postgresql" else "2026-11-03 01:00:00.000000"
        for key, case, status in (("k1", "p/ENDED", "expected"), ("k2", "p/OPEN", "expected"), ("k3", "", "billed")):
            connection.execute(
                text(
                    "INSERT INTO entries (key, case_id, process, shop_id, clause, at, day, status)"
                    " VALUES (:key, :case, 'p', 'S1', 'CL-3', :at, '2026-11-03', :status)"
                ),
                {"key": key, "case": case, "at": at, "status": status},
            )
        connection.execute(
            text(
                "INSERT INTO outcomes (case_id, process, shop_id, opened_at, closed_at, day, state, state_label,"
                " decided_by, clocks_run_out, lost)"
                " VALUES ('p/ENDED', 'p', 'S1', :at, :at, '2026-11-03', 'done', 'done', 'clock', 1, 0)"
            ),
            {"at": at},
        )
    engine.dispose()
    with SqlLedger(address) as ledger:
        assert {name: case.state for name, case in ledger.known(["p/ENDED", "p/OPEN", ""]).items()} == {
            "p/ENDED": "done",
            "p/OPEN": None,
        }
        assert len(ledger.entries(date(2026, 11, 1), date(2026, 11, 30))) == 3
        look_at_the_tables(ledger)


def test_the_release_before_may_go_on_writing_without_what_this_one_has_added(address: str) -> None:
    """Entries that it writes are not once an order, and no income."""
    with SqlLedger(address) as ledger:
        ledger.prepare()
        with ledger._writing.begin() as connection:
            at = "2026-11-03 01:00:00+00" if connection.dialect.name == "postgresql" else "2026-11-03 01:00:00.000000"
            connection.execute(
                text(
                    "INSERT INTO entries (key, case_id, process, shop_id, clause, at, day, counted, status)"
                    " VALUES ('p/C1/JD-5/O1', 'p/C1', 'p', 'S1', 'JD-5', :at, '2026-11-03', :yes, 'expected')"
                ),
                {"at": at, "yes": True},
            )
        (entry,) = ledger.entries(date(2026, 11, 1), date(2026, 11, 30))
    assert (entry.once_an_order, entry.income, entry.undone_by) == (False, False, None)


def test_the_last_revisions_can_be_taken_back(address: str) -> None:
    with SqlLedger(address) as ledger:
        ledger.record(recorded(expected(once_an_order=True)))
        with ledger._writing.begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.downgrade(config, "0006")
            assert "missed_deadlines" not in inspect(connection).get_table_names()
            command.downgrade(config, "0005")
            assert "case_parcels" not in inspect(connection).get_table_names()
            command.downgrade(config, "0004")
            assert {"claims", "notes"}.isdisjoint(inspect(connection).get_table_names())
            command.downgrade(config, "0003")
            names = {column["name"] for column in inspect(connection).get_columns("entries")}
            tables = set(inspect(connection).get_table_names())
            assert connection.execute(text("SELECT count(*) FROM entries")).scalar() == 1
    assert names.isdisjoint({"once_an_order", "income", "undone_by"})
    assert tables == {"alembic_version", "cases", "decisions", "entries", "outcomes"}
    with SqlLedger(address) as ledger:
        assert len(ledger.entries(date(2026, 11, 1), date(2026, 11, 30))) == 1
        look_at_the_tables(ledger)


def test_a_file_that_is_not_a_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_text("something else, and long enough not to count as an empty file" * 20, encoding="utf-8")
    with SqlLedger(path) as ledger, pytest.raises(CaseError, match="not a database"):
        ledger.prepare()


def test_sqlite_writes_ahead_and_waits_for_others(tmp_path: Path) -> None:
    with SqlLedger(tmp_path / "l.sqlite3") as ledger, ledger._reading() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 10_000
