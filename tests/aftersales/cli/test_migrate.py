"""``aftersales migrate`` makes the ledger's tables before anything uses them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aftersales.cli.main import app
from aftersales.ledger.database import HEAD


def revision(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        ((found,),) = connection.execute("SELECT version_num FROM alembic_version")
    return str(found)


def test_it_makes_the_tables_and_does_nothing_the_second_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ledger.sqlite3"
    monkeypatch.setenv("AFTERSALES_LEDGER_URL", f"sqlite:///{file}")

    first, second = (CliRunner().invoke(app, ["migrate"]) for _ in range(2))

    assert (first.exit_code, second.exit_code) == (0, 0), first.stderr
    assert first.stdout == second.stdout == f"账本已就绪 / the ledger is ready: sqlite:///{file}\n"
    assert revision(file) == HEAD


def test_a_database_that_is_no_ledger_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "other.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9f2c')")
        connection.commit()
    monkeypatch.setenv("AFTERSALES_LEDGER_URL", f"sqlite:///{file}")

    result = CliRunner().invoke(app, ["migrate"])

    assert result.exit_code == 2
    assert "not a ledger" in result.stderr
    assert revision(file) == "9f2c"


def test_a_database_that_cannot_be_reached_is_told_in_one_line_without_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AFTERSALES_LEDGER_URL", "postgresql+psycopg://owner:hush@127.0.0.1:1/ledger")

    result = CliRunner().invoke(app, ["migrate"])

    assert result.exit_code == 2
    assert "127.0.0.1:1/ledger" in result.stderr
    assert "hush" not in result.stderr
    assert len(result.stderr.splitlines()) == 1
