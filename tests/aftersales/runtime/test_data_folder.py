"""The data folder is its owner's alone, whatever an earlier release has left in it."""

import os
import stat
from pathlib import Path

import pytest

from aftersales.gateway.inbox import Inbox
from aftersales.ledger.store import SqlLedger
from aftersales.platforms.journal import Journal
from aftersales.runtime.data_folder import make_private_folder, private_folder, write_private
from cases.errors import CaseError


@pytest.fixture(autouse=True)
def _an_open_mask() -> object:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in sorted(folder.rglob("*"))}


async def test_what_is_made_new_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "above" / "data"
    private_folder(folder)
    Journal(folder / "platform.jsonl").write("key", {})
    async with Inbox(folder / "inbox.db"):
        with SqlLedger(folder / "ledger.sqlite3"):
            found = modes(tmp_path)
    assert {"inbox.db-wal", "ledger.sqlite3", "platform.jsonl"} <= {name.rpartition("/")[2] for name in found}
    assert [name for name, mode in found.items() if mode & 0o077] == []


def left_open(folder: Path) -> None:
    folder.mkdir()
    for name in ("ledger.sqlite3", "ledger.sqlite3-wal", "temporal.db", "temporal.log", "platform.jsonl", "lock"):
        (folder / name).touch()
    (folder / "sandbox").mkdir()
    (folder / "sandbox" / "records.json").touch()


def test_what_an_earlier_release_has_left_open_is_put_right(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    left_open(folder)
    assert all(mode & 0o077 for mode in modes(folder).values())
    private_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {mode for name, mode in modes(folder).items() if name != "sandbox"} == {0o600}
    assert modes(folder)["sandbox"] == 0o700


def test_what_is_not_ours_stays_as_it_is_and_so_does_a_folder_that_is_shared(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    left_open(folder)
    (folder / "program").touch(0o755)
    (folder / "tokens").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    before = stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode)
    private_folder(folder)
    found = modes(folder)
    assert (found["program"], stat.S_IMODE(folder.stat().st_mode) & 0o077 != 0) == (0o755, True)
    assert (found["ledger.sqlite3"], stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode)) == (0o600, before)


def test_a_file_that_is_not_ours_to_close_is_an_error_and_a_mounted_folder_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    make_private_folder(folder)
    folder.chmod(0o777)

    def refused(self: Path, mode: int) -> None:
        raise PermissionError(1, "not permitted", str(self))

    monkeypatch.setattr(Path, "chmod", refused)
    private_folder(folder)
    (folder / "temporal.db").touch(0o644)
    with pytest.raises(CaseError, match=r"^AFTERSALES_DATA_DIR: .*temporal\.db"):
        private_folder(folder)


def test_a_file_is_written_whole_and_private_even_if_it_was_open(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")

    write_private(path, b"after")

    assert path.read_bytes() == b"after"
    assert modes(tmp_path) == {"file": 0o600}
