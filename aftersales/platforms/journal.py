"""A journal of calls, one JSON line a call, that survives restarts; a key is written once, by whichever process."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from aftersales.runtime.data_folder import open_private


class Journal:
    """Rows by key, in a file that several processes may share, or in memory without a path."""

    def __init__(self, path: Path | None = None) -> None:
        """Read what earlier processes wrote; a last line torn by a crash counts as not written."""
        self._path = path
        self._read = 0
        self.rows: dict[str, dict[str, Any]] = {}
        if path and path.exists():
            with path.open("rb") as file:
                self._take_in(file)

    def write(self, key: str, row: dict[str, Any]) -> bool:
        """Write a row; return False, and write nothing, if its key was written before."""
        if key in self.rows:
            return False
        row = {"key": key, **row}
        if self._path:
            line = f"{json.dumps(row, ensure_ascii=False)}\n".encode()
            with self._locked(self._path) as file:
                is_whole = self._take_in(file)
                if key in self.rows:
                    return False
                file.write(line if is_whole else b"\n" + line)
                file.flush()
                os.fsync(file.fileno())
                if is_whole:
                    self._read += len(line)
        self.rows[key] = row  # only now: a write that failed does not count
        return True

    @staticmethod
    @contextmanager
    def _locked(path: Path) -> Iterator[BinaryIO]:
        """Open the file, and keep other processes out until it is closed."""
        with open_private(path, "a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _take_in(self, file: BinaryIO) -> bool:
        """Take in the lines that others have added; return whether the last one is whole, else it is read again."""
        end = file.seek(0, os.SEEK_END)
        if end < self._read:  # somebody has cut the file
            self._read = 0
        if end > self._read:
            file.seek(self._read)
            added = file.read()
            self._read += added.rfind(b"\n") + 1
            # Split by bytes: a crash tears characters too, and a text may hold other separators of lines.
            for line in added.split(b"\n"):
                try:
                    row = json.loads(line)
                    self.rows[row["key"]] = row
                except (ValueError, TypeError, KeyError, RecursionError):
                    continue
        return self._read == end
