"""A journal of calls, one JSON line a call, that survives restarts; a key is written once."""

import json
import os
from pathlib import Path
from typing import Any


class Journal:
    """Rows by key, in a file, or in memory without a path."""

    def __init__(self, path: Path | None = None) -> None:
        """Read what an earlier process wrote; a last line torn by a crash counts as not written."""
        self._path = path
        self.rows: dict[str, dict[str, Any]] = {}
        # Split by bytes: a crash tears characters too, and a text may hold other separators of lines.
        lines = path.read_bytes().split(b"\n") if path and path.exists() else []
        for line in lines:
            try:
                row = json.loads(line)
                self.rows[row["key"]] = row
            except (ValueError, TypeError, KeyError):
                continue

    def write(self, key: str, row: dict[str, Any]) -> bool:
        """Write a row; return False, and write nothing, if its key was written before."""
        if key in self.rows:
            return False
        row = {"key": key, **row}
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            start = "\n" if self._torn() else ""
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{start}{json.dumps(row, ensure_ascii=False)}\n")
                file.flush()
                os.fsync(file.fileno())
        self.rows[key] = row  # only now: a write that failed does not count
        return True

    def _torn(self) -> bool:
        if not (self._path and self._path.exists() and self._path.stat().st_size):
            return False
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
