"""The data folder, and what is in it: its owner's alone."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from cases.errors import CaseError

KEPT_THERE: Final = (
    "desk.secret",
    "inbox.db*",
    "ledger.sqlite3*",
    "lock",
    "notices.db*",
    "platform.jsonl",
    "sandbox",
    "temporal.db*",
    "temporal.log",
    "tokens",
)
"""What our programs keep there; the star is for what SQLite writes beside its file."""
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700


def private_folder(folder: Path) -> None:
    """Make the data folder, and put right who may access what an earlier release has left in it; raises CaseError."""
    try:
        make_private_folder(folder)
        kept = [path for pattern in KEPT_THERE for path in folder.glob(pattern)]
        for path in [inside for one in kept for inside in _all(one)]:
            _close(path)
        if {path.name for path in folder.iterdir()} <= {path.name for path in kept}:
            _close(folder)
        elif _is_open(folder):
            # Whoever has put it there may need it: we hide only what is ours.
            _warn(folder)
    except OSError as bad:
        raise CaseError(f"AFTERSALES_DATA_DIR: {folder} cannot be used: {bad}") from bad


def make_private_folder(folder: Path) -> None:
    """Make a folder, and those above it, that only their owner may access; raises OSError."""
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def make_private_file(path: Path) -> None:
    """Make a file that only its owner may access, in a folder of the kind, unless it is there; raises OSError.

    What SQLite writes beside a file has the same mode.
    """
    make_private_folder(path.parent)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, PRIVATE_FILE))


def open_private(path: Path, mode: str) -> BinaryIO:
    """Open a file in a binary mode, and make it for its owner alone if it is not there; raises OSError."""
    make_private_file(path)
    return cast("BinaryIO", path.open(mode))


def write_private(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Write a file for its owner alone, whole or not at all; raises OSError.

    Without ``replace`` it raises FileExistsError if the file is there.
    """
    make_private_folder(path.parent)
    handle, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # for its owner alone
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            Path(fresh).replace(path)
        else:
            os.link(fresh, path)
    finally:
        Path(fresh).unlink(missing_ok=True)


def _all(path: Path) -> Iterator[Path]:
    if path.is_symlink():
        return
    yield path
    if path.is_dir():
        for inside in path.iterdir():
            yield from _all(inside)


def _close(path: Path) -> None:
    """Take away what others may do; raises OSError if it is not ours to take."""
    try:
        if _is_open(path):
            path.chmod(PRIVATE_FOLDER if path.is_dir() else PRIVATE_FILE)
    except FileNotFoundError:
        return  # SQLite has removed it meanwhile
    except PermissionError:
        if not path.is_dir():
            raise
        # A mounted volume belongs to the system; what is in it is closed by itself.
        _warn(path)


def _warn(folder: Path) -> None:
    import structlog  # noqa: PLC0415 - to load it takes commands too long

    structlog.get_logger("data").warning("others may list the data folder", folder=str(folder))


def _is_open(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
