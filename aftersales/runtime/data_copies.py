"""Copies of what a machine keeps, made while programs run, and put back in an empty folder."""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

from aftersales.runtime.data_folder import make_private_file, make_private_folder, open_private, write_private
from cases.errors import BadForm, CaseError
from cases.models import Instant, Strict, whole_seconds

MANIFEST: Final = "backup.json"
"""Written last: a backup without it is not whole."""
_WAIT_SECONDS: Final = 60.0
"""How long a copy waits for a writer of the same database."""


class BackupManifest(Strict):
    """What a backup holds: since when, by which release, and the SHA-256 of every file by its name."""

    at: Instant
    release: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class CopiedPart:
    """A database, a file or a folder, and its name in a backup."""

    name: str
    path: Path
    database: bool = False
    suffixes: tuple[str, ...] = ()
    """The files of a folder that are copied; the others are locks."""


def back_up(parts: Sequence[CopiedPart], folder: Path, release: str) -> BackupManifest:
    """Copy the parts that exist, in their order, into an empty folder; raises CaseError.

    Every part is as of one instant, a later one than the parts before it.
    """
    _refuse_used(folder, "the backup")
    began = whole_seconds(datetime.now(UTC))
    try:
        make_private_folder(folder)
        files = {name: _digest(file) for name, file in _copied(parts, folder)}
        manifest = BackupManifest(at=began, release=release, files=files)
        write_private(folder / MANIFEST, manifest.model_dump_json(indent=1).encode())
    except (OSError, sqlite3.Error) as bad:
        raise CaseError(f"{folder}: 备份未完成 / the backup is not whole: {bad}") from bad
    return manifest


def read_manifest(folder: Path) -> BackupManifest:
    """Read what a backup holds, and check that it still does; raises BadForm."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except OSError as bad:
        raise BadForm(f"{folder}: 不是完整的备份 / not a whole backup: no {MANIFEST}") from bad
    try:
        manifest = BackupManifest.model_validate_json(text)
    except ValueError as bad:
        raise BadForm(f"{folder / MANIFEST}: 无法读取 / cannot be read") from bad
    for name, digest in manifest.files.items():
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise BadForm(f"{folder / MANIFEST}: {name!r} is no file of a backup")
        try:
            is_whole = _digest(folder / name) == digest
        except OSError:
            is_whole = False
        if not is_whole:
            raise BadForm(f"{folder / name}: 缺失或已损坏 / is missing or damaged")
    return manifest


def restore(folder: Path, data_dir: Path, elsewhere: Mapping[str, Path]) -> tuple[BackupManifest, list[Path]]:
    """Put a backup back into an empty data folder; raises CaseError.

    Files and folders named in ``elsewhere`` go where they belong.  A file that exists there has outlived the data
    folder: it is kept, and returned.
    """
    manifest = read_manifest(folder)
    _refuse_used(data_dir, "AFTERSALES_DATA_DIR")
    targets = {name: _target(PurePosixPath(name), data_dir, elsewhere) for name in manifest.files}
    kept = [target for target in targets.values() if target.exists()]
    try:
        make_private_folder(data_dir)
        for name, target in targets.items():
            if target not in kept:
                if not target.parent.exists():
                    make_private_folder(target.parent)
                _copy(folder / name, target)
    except OSError as bad:
        raise CaseError(f"{data_dir}: 恢复未完成 / is not restored: {bad}") from bad
    return manifest, kept


def _target(name: PurePosixPath, data_dir: Path, elsewhere: Mapping[str, Path]) -> Path:
    part = name.parts[0]
    return elsewhere[part].joinpath(*name.parts[1:]) if part in elsewhere else data_dir / name


def _refuse_used(folder: Path, what: str) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadForm(f"{what}: {folder} 须为空文件夹 / must be an empty folder, or none yet")


def _copied(parts: Iterable[CopiedPart], folder: Path) -> Iterator[tuple[str, Path]]:
    """Copy the parts that exist; yield each copy with its name."""
    for part in parts:
        target = folder / part.name
        if part.database and part.path.exists():
            _copy_database(part.path, target)
            yield part.name, target
        elif part.path.is_dir():
            for file in sorted(part.path.rglob("*")):
                name = f"{part.name}/{file.relative_to(part.path).as_posix()}"
                if file.is_file() and file.suffix in part.suffixes:
                    make_private_folder((folder / name).parent)
                    _copy(file, folder / name)
                    yield name, folder / name
        elif part.path.exists():
            _copy(part.path, target)
            yield part.name, target


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as there, open_private(target, "wb") as here:
        shutil.copyfileobj(there, here)
        here.flush()
        os.fsync(here.fileno())


def _copy_database(source: Path, target: Path) -> None:
    """Copy a database as of one instant, while others write to it; the copy is a single file, and is checked."""
    make_private_file(target)
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=rw", uri=True, timeout=_WAIT_SECONDS)) as there,
        closing(sqlite3.connect(target, isolation_level=None)) as here,
    ):
        there.backup(here)
        here.execute("PRAGMA journal_mode = DELETE").close()
        ((sound,),) = here.execute("PRAGMA quick_check(1)").fetchall()
        if sound != "ok":
            raise CaseError(f"{source}: 数据库已损坏 / the database is damaged: {sound}")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
