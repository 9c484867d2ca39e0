"""Addresses of databases: which are taken, and what is never printed."""

from pathlib import Path

import pytest

from aftersales.ledger.database import parse_address, printable
from aftersales.ledger.store import SqlLedger
from cases.errors import BadForm

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
        assert "Ledger(" in repr(ledger)
    assert path.exists()


def test_an_address_is_named_without_user_password_and_options() -> None:
    url = parse_address("postgresql+psycopg://me:hidden@db.example:5433/books?password=hidden2&sslmode=require")
    assert printable(url) == "postgresql+psycopg://db.example:5433/books"
