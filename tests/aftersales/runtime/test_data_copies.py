"""A backup is whole or refused, is its owner's alone, and goes only where nothing is."""

import json
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from aftersales.runtime.data_copies import MANIFEST, CopiedPart, back_up, read_manifest, restore
from cases.errors import BadForm, CaseError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "tokens").mkdir(parents=True)
    (folder / "tokens" / "douyin-1.json").write_text("{}")
    (folder / "tokens" / "douyin-1.lock").touch()
    (folder / "calls.jsonl").write_text("{}\n")
    return folder


@pytest.fixture
def writer(data: Path) -> sqlite3.Connection:
    """A program that keeps the database open, with what it wrote still in the write-ahead log."""
    connection = sqlite3.connect(data / "cases.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE rows (id INTEGER)")
    connection.execute("INSERT INTO rows VALUES (1)")
    with closing(connection):
        yield connection


def parts(data: Path) -> list[CopiedPart]:
    return [
        CopiedPart("cases.db", data / "cases.db", database=True),
        CopiedPart("calls.jsonl", data / "calls.jsonl"),
        CopiedPart("tokens", data / "tokens", suffixes=(".json",)),
        CopiedPart("none.db", data / "none.db", database=True),
    ]


def rows(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [row for (row,) in connection.execute("SELECT id FROM rows ORDER BY id")]


@pytest.fixture
def backup(data: Path, writer: sqlite3.Connection, tmp_path: Path) -> Path:
    back_up(parts(data), tmp_path / "backup", "1.0")
    writer.execute("INSERT INTO rows VALUES (2)")
    return tmp_path / "backup"


def test_what_was_there_at_the_backup_comes_back_in_an_empty_folder(backup: Path, tmp_path: Path) -> None:
    manifest, kept = restore(backup, tmp_path / "new", {})

    assert (manifest.release, kept) == ("1.0", [])
    assert sorted(manifest.files) == ["calls.jsonl", "cases.db", "tokens/douyin-1.json"]
    assert rows(tmp_path / "new" / "cases.db") == [1]
    assert (tmp_path / "new" / "tokens" / "douyin-1.json").read_text() == "{}"


def test_a_copy_does_not_hold_up_the_program_that_writes(
    data: Path, writer: sqlite3.Connection, tmp_path: Path
) -> None:
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO rows VALUES (9)")
    back_up(parts(data), tmp_path / "backup", "1.0")
    writer.execute("COMMIT")

    assert rows(tmp_path / "backup" / "cases.db") == [1]
    assert rows(data / "cases.db") == [1, 9]


def test_copies_are_their_owner_s_alone(backup: Path, tmp_path: Path) -> None:
    restore(backup, tmp_path / "new", {})

    for folder in (backup, tmp_path / "new"):
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
        assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
        assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_a_file_elsewhere_that_has_outlived_the_folder_is_kept(backup: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "cases.db"
    assert restore(backup, tmp_path / "first", {"cases.db": elsewhere})[1] == []
    assert rows(elsewhere) == [1]
    with closing(sqlite3.connect(elsewhere, isolation_level=None)) as connection:
        connection.execute("INSERT INTO rows VALUES (3)")

    assert restore(backup, tmp_path / "second", {"cases.db": elsewhere})[1] == [elsewhere]
    assert rows(elsewhere) == [1, 3]


def damage(backup: Path) -> None:
    (backup / "calls.jsonl").write_text("x")


def lose(backup: Path) -> None:
    (backup / "cases.db").unlink()


def interrupt(backup: Path) -> None:
    (backup / MANIFEST).unlink()


def lead_away(backup: Path) -> None:
    manifest = json.loads((backup / MANIFEST).read_text())
    (backup / MANIFEST).write_text(json.dumps({**manifest, "files": {"../outside": "0"}}))


@pytest.mark.parametrize("harm", [damage, lose, interrupt, lead_away])
def test_a_backup_that_is_not_whole_is_refused(backup: Path, tmp_path: Path, harm: Callable[[Path], None]) -> None:
    harm(backup)

    with pytest.raises(BadForm):
        restore(backup, tmp_path / "new", {})
    assert not (tmp_path / "new").exists()


def test_nothing_is_written_where_something_is(backup: Path, data: Path) -> None:
    with pytest.raises(BadForm, match="AFTERSALES_DATA_DIR"):
        restore(backup, data, {})
    with pytest.raises(BadForm, match="the backup"):
        back_up(parts(data), backup, "1.0")


def test_a_damaged_database_is_no_backup(data: Path, tmp_path: Path) -> None:
    (data / "cases.db").write_bytes(b"no database at all" * 1000)

    with pytest.raises(CaseError):
        back_up(parts(data), tmp_path / "backup", "1.0")
    with pytest.raises(BadForm, match=MANIFEST):
        read_manifest(tmp_path / "backup")
