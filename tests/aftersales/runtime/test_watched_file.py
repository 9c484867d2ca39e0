"""A file that is read again when it changes: whatever way it changes, and without losing what was good."""

from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from aftersales.runtime.watched_file import WatchedFile
from cases.errors import BadForm


def number(path: Path) -> int:
    """Read a file that holds a number."""
    try:
        return int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BadForm(f"{path.name}: expected a number") from None


@pytest.fixture(autouse=True)
def _every_line_is_seen() -> None:
    structlog.reset_defaults()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("1")
    return path


def test_it_is_read_once_while_it_stays_the_same(path: Path) -> None:
    read: list[Path] = []
    watched = WatchedFile(path, lambda there: read.append(there) or 1)  # type: ignore[func-returns-value]
    assert [watched.content for _ in range(3)] == [1, 1, 1]
    assert read == [path]


def test_what_is_written_or_put_in_its_place_counts_from_then_on(path: Path) -> None:
    watched = WatchedFile(path, number)
    path.write_text("22")
    assert watched.content == 22
    beside = path.with_name("beside")
    beside.write_text("33")
    beside.replace(path)
    assert watched.content == 33


def test_a_mounted_secret_changes_by_the_link_of_its_folder(tmp_path: Path) -> None:
    for name, text in (("..1", "1"), ("..2", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(text)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "file").symlink_to("..data/file")
    watched = WatchedFile(tmp_path / "file", number)
    assert watched.content == 1
    (tmp_path / "..new").symlink_to("..2")
    (tmp_path / "..new").replace(tmp_path / "..data")
    assert watched.content == 2


@pytest.mark.parametrize("bad", ["nonsense", None])
def test_one_that_is_bad_or_gone_is_told_once_and_what_was_good_stays(path: Path, bad: str | None) -> None:
    watched = WatchedFile(path, number)
    if bad is None:
        path.unlink()
    else:
        path.write_text(bad)
    with capture_logs() as lines:
        assert [watched.content for _ in range(3)] == [1, 1, 1]
    (line,) = lines
    assert (line["log_level"], line["why"]) == ("error", "file: expected a number")
    path.write_text("44")
    assert watched.content == 44


def test_who_may_read_it_is_a_change_too(path: Path) -> None:
    path.chmod(0o600)
    modes: list[int] = []
    watched = WatchedFile(path, lambda there: modes.append(there.stat().st_mode & 0o777))
    path.chmod(0o644)
    assert watched.content is None
    assert modes == [0o600, 0o644]


def test_a_file_that_is_bad_from_the_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadForm, match="expected a number"):
        WatchedFile(tmp_path / "missing", number)
