"""The books of the best form by hand: what a worker of ours keeps by default, in the fewest statements that keep it.

A platform's calls go into a journal, once by their key and on disk before they count, as with ours; facts for other
cases, outcomes and decisions go into SQLite, in a thread.  Nothing else is stored: no ledger entries, no losses.
"""

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from temporalio import activity

TABLES = """
CREATE TABLE cases (case_id TEXT PRIMARY KEY, "order" TEXT);
CREATE INDEX cases_by_order ON cases ("order");
CREATE TABLE told (key TEXT PRIMARY KEY, "order" TEXT, rule TEXT);
CREATE TABLE decisions (case_id TEXT, state TEXT, at TEXT);
CREATE TABLE outcomes (case_id TEXT PRIMARY KEY, state TEXT);
"""


class BooksByHand:
    """A journal and a database in a folder."""

    def __init__(self, folder: Path) -> None:
        """Open both."""
        self._journal = (folder / "platform.jsonl").open("ab")
        self._called: set[str] = set()
        self._thread = ThreadPoolExecutor(1)
        self._database = sqlite3.connect(folder / "books.sqlite3", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(TABLES)

    def activities(self) -> list[Callable[..., Any]]:
        """Return the activities that keep the books."""

        @activity.defn
        async def tell_platform(call: dict[str, Any]) -> dict[str, Any]:
            self._call(call["key"])
            return {"said": None, "key": call["key"]}

        @activity.defn
        async def tell_cases(fact: dict[str, Any]) -> None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._tell, fact)

        @activity.defn
        async def close(outcome: dict[str, Any]) -> None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close, outcome)

        return [tell_platform, tell_cases, close]

    def _call(self, key: str) -> None:
        if key not in self._called:
            self._journal.write(json.dumps({"key": key}).encode() + b"\n")
            self._journal.flush()
            os.fsync(self._journal.fileno())
            self._called.add(key)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._database.execute("BEGIN IMMEDIATE")
        with self._database:
            yield self._database

    def _tell(self, fact: dict[str, Any]) -> list[str]:
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?)", (fact["key"], fact["order"], fact["rule"]))
        found = self._database.execute('SELECT case_id FROM cases WHERE "order" = ?', (fact["order"],))
        return [case_id for (case_id,) in found]

    def _close(self, outcome: dict[str, Any]) -> None:
        case_id = outcome["case_id"]
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO cases VALUES (?, ?)", (case_id, outcome["order"]))
            database.execute("DELETE FROM decisions WHERE case_id = ?", (case_id,))
            decided = [(case_id, step["to"], step["at"]) for step in outcome["timeline"]]
            database.executemany("INSERT INTO decisions VALUES (?, ?, ?)", decided)
            database.execute("INSERT OR REPLACE INTO outcomes VALUES (?, ?)", (case_id, outcome["state"]))
