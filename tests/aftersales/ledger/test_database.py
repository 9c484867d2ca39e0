"""Addresses of databases, and connections to them: every wait ends, whatever the database does."""

import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url, text

from aftersales.ledger import database
from aftersales.ledger.database import parse_address, printable
from aftersales.ledger.store import SqlLedger
from cases.errors import BadForm, LedgerUnreachable
from tests.support.patience import PATIENCE_SECONDS
from tests.support.records.booking import bill, expected, recorded

BAD = [
    "",
    "ledger",
    "mysql://u:hidden@h/d",
    "postgresql://u:hidden@h/d",
    "sqlite://",
    "sqlite:///:memory:",
    "://hidden",
]


@pytest.mark.parametrize("address", BAD)
def test_an_address_that_cannot_be_used_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(BadForm, match="expected sqlite:///FILE or postgresql") as caught:
        parse_address(address)
    assert "hidden" not in str(caught.value)


def test_a_path_is_a_sqlite_file_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a b?c%d#e" / "ledger.sqlite3"
    with SqlLedger(path) as ledger:
        ledger.prepare()
        assert "Ledger(" in repr(ledger)
    assert path.exists()


def test_an_address_is_named_without_user_password_and_options() -> None:
    url = parse_address("postgresql+psycopg://me:hidden@db.example:5433/books?password=hidden2&sslmode=require")
    assert printable(url) == "postgresql+psycopg://db.example:5433/books"


def test_a_bad_address_is_refused_at_once_and_nothing_else_is_looked_at() -> None:
    with pytest.raises(BadForm):
        SqlLedger("mysql://u:hidden@h/d")
    with SqlLedger("postgresql+psycopg://u:hidden@nowhere.invalid/d"):
        pass


def plain(address: str) -> str:
    """Return an address as the driver itself reads it."""
    return make_url(address).set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.mark.parametrize("default", ["serializable", "repeatable read", "read uncommitted"])
def test_who_has_waited_sees_what_the_other_wrote_whatever_the_servers_default(postgresql: str, default: str) -> None:
    with psycopg.connect(plain(postgresql), autocommit=True) as admin:
        name = make_url(postgresql).database
        admin.execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = '{default}'")
    with SqlLedger(postgresql) as ledger:
        with ledger._reading() as connection:
            assert connection.execute(text("SHOW transaction_isolation")).scalar() == "read committed"
        with ledger._write() as holder:
            holder.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('S1/CL-3', 0))"))
            both = [
                threading.Thread(target=hand_in)
                for hand_in in (lambda: ledger.record(recorded(expected())), lambda: ledger.bill(bill(order="OC1")))
            ]
            for thread in both:
                thread.start()
            with psycopg.connect(plain(postgresql), autocommit=True) as looking:
                until_waiting(looking, 2)
        for thread in both:
            thread.join()
        entries = ledger.entries(date(2026, 11, 1), date(2026, 11, 30))
    assert [entry.answers for entry in entries if entry.status == "billed"] == ["claim_1688/C1/CL-3/OC1"]


def until_waiting(looking: Any, number: int) -> None:
    """Return once so many sessions of this database wait for an advisory lock."""
    query = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    until = time.monotonic() + PATIENCE_SECONDS
    while looking.execute(query).fetchone()[0] < number:
        assert time.monotonic() < until


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give an answer less time."""
    monkeypatch.setattr("aftersales.ledger.postgresql.ANSWER_SECONDS", 0.6)


@contextmanager
def stopped(address: str) -> Iterator[None]:
    """Stop the server processes of a database, as a machine that swaps or a disk that hangs does."""
    with psycopg.connect(plain(address), autocommit=True) as looking:
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        processes = [row[0] for row in looking.execute(query).fetchall()]
    assert processes
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


@pytest.mark.usefixtures("hasty")
def test_a_connection_that_says_nothing_more_is_replaced(postgresql: str) -> None:
    with SqlLedger(postgresql) as ledger:
        ledger.record(recorded(expected("C1")))
        with stopped(postgresql):
            ledger.record(recorded(expected("C2")))
        assert len(ledger.entries(date(2026, 11, 1), date(2026, 11, 30))) == 2


@pytest.mark.usefixtures("hasty")
def test_a_transaction_whose_server_says_nothing_more_is_given_up(postgresql: str) -> None:
    def write_into_silence(ledger: SqlLedger) -> None:
        with ledger._write() as connection, stopped(postgresql):
            connection.execute(text("SELECT 1"))

    with SqlLedger(postgresql) as ledger:
        ledger.record(recorded(expected("C1")))
        with pytest.raises(LedgerUnreachable, match="no answer within"):
            write_into_silence(ledger)
        ledger.record(recorded(expected("C2")))


def test_a_server_that_takes_a_connection_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql+psycopg://u:hidden@127.0.0.1:{silent.getsockname()[1]}/d?connect_timeout=2"
        with SqlLedger(address) as ledger, pytest.raises(LedgerUnreachable, match="timeout"):
            ledger.prepare()


def test_a_statement_that_waits_for_a_lock_is_ended_by_the_server(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aftersales.ledger.postgresql._TIMEOUTS", {"lock_timeout": 1})
    with SqlLedger(postgresql) as ledger:
        ledger.prepare()
        with psycopg.connect(plain(postgresql)) as holder:
            holder.execute("LOCK TABLE cases")
            with pytest.raises(LedgerUnreachable, match="lock timeout"):
                ledger.record(recorded(expected()))
        ledger.record(recorded(expected()))


def test_every_session_of_a_server_has_its_timeouts(postgresql: str) -> None:
    with SqlLedger(postgresql) as ledger, ledger._reading() as connection:
        for name, value in (("statement_timeout", "10s"), ("lock_timeout", "8s")):
            assert connection.execute(text(f"SHOW {name}")).scalar() == value


def test_a_sqlite_file_that_another_writes_is_waited_for_a_limited_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_MS", 100)
    path = tmp_path / "ledger.sqlite3"
    with SqlLedger(path) as ledger:
        ledger.prepare()
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnreachable, match="locked"):
            ledger.record(recorded(expected()))
        holder.close()
        ledger.record(recorded(expected()))


def test_who_comes_while_the_tables_are_being_made_waits_for_a_limited_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aftersales.ledger.store._PATIENCE_SECONDS", 0.05)
    begun, go_on = threading.Event(), threading.Event()

    def migrate(_: Any) -> None:
        begun.set()
        go_on.wait(10)

    monkeypatch.setattr("aftersales.ledger.store.migrate", migrate)
    with SqlLedger(tmp_path / "ledger.sqlite3") as ledger:
        first = threading.Thread(target=ledger.prepare)
        first.start()
        begun.wait(10)
        with pytest.raises(LedgerUnreachable, match="still being opened"):
            ledger.prepare()
        go_on.set()
        first.join()
        ledger.prepare()
