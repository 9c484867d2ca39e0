"""The reference case without Temporal: on DBOS with SQLite, and in a table that is polled.

``python -m benchmarks.peers dbos 60`` measures one of them in a process of its own and prints the figures as JSON.  It
is worker and client in one, so that its CPU includes what others leave to the server and to the client.  The duties
are those of ``by_hand.Best``: a case waits, is agreed to, shipped, signed for, and late if nobody acts.
"""

import argparse
import asyncio
import importlib.util
import json
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

DBOS, POLL = "DBOS on SQLite", "polled table"
PEERS = {DBOS: "dbos", POLL: "poll"}
"""The peers, and their names on the command line."""
AT_ONCE = 20
STEPS = (("awaiting_merchant", "agree"), ("awaiting_shipment", "ship"), ("in_transit", "sign"))
LIMIT = timedelta(hours=48)
LISTENS_EVERY = 0.05
"""Seconds between two looks at the database, for DBOS and for the polled table alike."""
Figures = dict[str, float]


async def measured(peer: str, cases: int) -> Figures:
    """Measure a peer in a process of its own; return nothing for one that is not installed."""
    if peer == DBOS and importlib.util.find_spec("dbos") is None:
        print("DBOS is not installed, so it is left out: pip install -c constraints.txt '.[bench]'", file=sys.stderr)
        return {}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.peers", PEERS[peer], str(cases)), stdout=asyncio.subprocess.PIPE
    )
    written, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{peer} ended with {process.returncode}")
    figures: Figures = json.loads(written.splitlines()[-1])
    return figures


async def timed(step: Callable[[str], Awaitable[None]], case_ids: list[str]) -> list[float]:
    """Take a step of every case, some at once; return how many milliseconds each took."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(case_id: str) -> float:
        async with gate:
            began = time.perf_counter()
            await step(case_id)
            return (time.perf_counter() - began) * 1000

    return list(await asyncio.gather(*(one(case_id) for case_id in case_ids)))


async def on_dbos(folder: Path, cases: int) -> Figures:  # noqa: C901 - the whole peer in one place
    """Run the cases on DBOS."""
    from dbos import DBOS as Engine  # noqa: N811, PLC0415 - an extra, and its name is the peer's here
    from dbos import SetWorkflowID  # noqa: PLC0415

    database = folder / "dbos.sqlite3"
    Engine(
        config={
            "name": "bench",
            "system_database_url": f"sqlite:///{database}",
            "log_level": "ERROR",
            "run_admin_server": False,
            "notification_listener_polling_interval_sec": LISTENS_EVERY,
        }
    )

    @Engine.step()
    async def tell_platform(key: str) -> str:
        return key

    @Engine.workflow()
    async def case(facts: dict[str, Any]) -> str:
        for state, rule in STEPS:
            given = await Engine.recv_async(rule, timeout_seconds=LIMIT.total_seconds())
            if given is None:
                return f"late in {state}"
            if rule != "sign":
                await tell_platform(f"{facts['after_sale_id']}/{rule}")
            await Engine.set_event_async(rule, state)
        return "completed"

    Engine.launch()
    opened: dict[str, Any] = {}

    async def open_case(case_id: str) -> None:
        with SetWorkflowID(case_id):
            opened[case_id] = await Engine.start_workflow_async(case, {"after_sale_id": case_id, "order_id": "O1"})

    def decide(rule: str) -> Callable[[str], Awaitable[None]]:
        async def one(case_id: str) -> None:
            await Engine.send_async(case_id, {"form": None}, rule)
            await Engine.get_event_async(case_id, rule, timeout_seconds=60)

        return one

    async def over(case_id: str) -> None:
        if await opened[case_id].get_result() != "completed":
            raise SystemExit(f"{case_id} has not been completed")

    try:
        return await _lived(cases, open_case, decide, over, database)
    finally:
        Engine.destroy()


async def in_a_polled_table(folder: Path, cases: int) -> Figures:
    """Run the cases in a table, each decision in a transaction, with a loop that looks for what is due."""
    database = folder / "cases.sqlite3"
    with closing(sqlite3.connect(database, isolation_level=None)) as table:
        table.execute("PRAGMA journal_mode=WAL")
        table.execute("CREATE TABLE cases (id TEXT PRIMARY KEY, state TEXT, due TEXT, facts TEXT)")
        table.execute("CREATE INDEX cases_due ON cases (due)")
        table.execute("CREATE TABLE done (id TEXT, rule TEXT, at TEXT, PRIMARY KEY (id, rule))")

        def now() -> datetime:
            return datetime.now(UTC)

        async def poll() -> None:
            while True:
                late = table.execute("SELECT id FROM cases WHERE due <= ?", (now().isoformat(),)).fetchall()
                table.executemany("UPDATE cases SET state = 'late', due = NULL WHERE id = ?", late)
                await asyncio.sleep(LISTENS_EVERY)

        async def open_case(case_id: str) -> None:
            row = (case_id, STEPS[0][0], (now() + LIMIT).isoformat(), json.dumps({"order_id": "O1"}))
            table.execute("INSERT INTO cases VALUES (?, ?, ?, ?)", row)

        def decide(rule: str) -> Callable[[str], Awaitable[None]]:
            states = [state for state, _ in STEPS]
            place = [own for _, own in STEPS].index(rule)
            following = [*states, "completed"][place + 1]

            async def one(case_id: str) -> None:
                due = None if following == "completed" else (now() + LIMIT).isoformat()
                table.execute("BEGIN IMMEDIATE")
                table.execute("INSERT INTO done VALUES (?, ?, ?)", (case_id, rule, now().isoformat()))
                moved = table.execute(
                    "UPDATE cases SET state = ?, due = ? WHERE id = ? AND state = ?",
                    (following, due, case_id, states[place]),
                )
                table.execute("COMMIT")
                if moved.rowcount != 1:
                    raise SystemExit(f"{case_id} could not be decided: {rule}")

            return one

        async def over(case_id: str) -> None:
            (state,) = table.execute("SELECT state FROM cases WHERE id = ?", (case_id,)).fetchone()
            if state != "completed":
                raise SystemExit(f"{case_id} is {state}")

        polling = asyncio.create_task(poll())
        try:
            return await _lived(cases, open_case, decide, over, database)
        finally:
            polling.cancel()


async def _lived(
    cases: int,
    open_case: Callable[[str], Awaitable[None]],
    decide: Callable[[str], Callable[[str], Awaitable[None]]],
    over: Callable[[str], Awaitable[None]],
    database: Path,
) -> Figures:
    """Open cases and bring each to its end, as ``cases.live`` does; return the figures."""
    ids = [uuid.uuid4().hex[:12] for _ in range(cases)]
    began = time.process_time()
    opening = await timed(open_case, ids)
    decisions = [ms for rule in ("agree", "ship") for ms in await timed(decide(rule), ids)]
    await timed(decide("sign"), ids)
    await timed(over, ids)
    size = sum(file.stat().st_size for file in database.parent.glob(f"{database.name}*"))
    return {
        "worker CPU, ms": (time.process_time() - began) * 1000 / cases,
        "history, KB": size / 1000 / cases,
        "opening, ms": statistics.median(opening),
        "decision, ms": statistics.median(decisions),
    }


async def main(peer: str, cases: int) -> None:
    """Measure a peer and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        run = on_dbos if peer == PEERS[DBOS] else in_a_polled_table
        print(json.dumps(await run(Path(folder), cases)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure the reference case without Temporal.")
    parser.add_argument("peer", choices=list(PEERS.values()), help="which one")
    parser.add_argument("cases", type=int, help="how many cases")
    asked = parser.parse_args()
    asyncio.run(main(asked.peer, asked.cases))
