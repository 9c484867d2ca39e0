"""What was done, one JSON line each, kept over restarts: a key written once is known for ever."""

import json
import os
from pathlib import Path
from typing import Any


class Journal:
    """Rows by key, in a file where a path is given, else in memory only."""

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
        """Keep a row; False, and nothing is written, where its key is known already."""
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
        self.rows[key] = row  # not before it lies on the disk: a write that fails is no write
        return True

    def _torn(self) -> bool:
        if not (self._path and self._path.exists() and self._path.stat().st_size):
            return False
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
