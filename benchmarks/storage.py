"""Measure what cases take on disk: ``python -m benchmarks.storage [NUMBER]``.

Starts an embedded server in a new folder, opens as many reships, takes each to its end, and prints after each step the
bytes that a case has added to Temporal's database and to the ledger, and how long a backup takes.
"""

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle

from aftersales.bootstrap import default_dependencies, make_worker
from aftersales.runtime.data_copies import CopiedPart, back_up
from aftersales.runtime.settings import Settings
from aftersales.runtime.telemetry.logs import configure_logs
from aftersales.runtime.temporal.embedded_server import embedded_server
from cases.messages import Opening
from workflows.opening import start_case
from workflows.registry import PROCESSES

NUMBER, AT_ONCE = 500, 20
PORT, UI_PORT = 17233, 18233
SHIPPED = {"carrier": "SF", "tracking_no": "SF1234567890"}
Handle = WorkflowHandle[Any, Any]


def opening(number: int) -> Opening:
    """Return the opening of a reship."""
    facts = {
        "shop_id": "4463798",
        "after_sale_id": f"73010000000{number:08}",
        "order_id": f"69200000000{number:08}",
        "category_id": "20219",
        "reason": "never_received",
        "order_amount": "199.00",
        "applied_at": datetime.now(UTC).replace(microsecond=0).isoformat(),
        "description": "包裹显示已签收,但一直没有收到,请补寄一件同款同色的商品。",
    }
    return Opening(facts=facts, policy={"late_facts": "0s"})


def size(database: Path) -> int:
    """Return the size of a database, with all that was written in the file itself."""
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return sum(file.stat().st_size for file in database.parent.glob(f"{database.name}*"))


async def each(number: int, work: Callable[[int], Awaitable[Any]]) -> None:
    """Do something for every case, some at a time."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(case: int) -> None:
        async with turn:
            await work(case)

    await asyncio.gather(*(one(case) for case in range(number)))


async def main(number: int) -> None:
    """Print what each step has added."""
    configure_logs("ERROR", "json")
    process = PROCESSES["douyin_reship"]
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), pretend_platforms=True)
        temporal, ledger = settings.data_dir / "temporal.db", settings.data_dir / "ledger.sqlite3"
        async with embedded_server(temporal, PORT, UI_PORT) as server:
            client = server.client

            def handle(case: int) -> Handle:
                return client.get_workflow_handle(f"{process.name}/73010000000{case:08}")

            async def ended(case: int) -> None:
                await handle(case).signal("report", {"message_id": f"m{case}", "rule": "sign"})
                await handle(case).result()

            steps: dict[str, Callable[[int], Awaitable[Any]]] = {
                "opened": lambda case: start_case(client, settings.task_queue, process, opening(case)),
                "agreed": lambda case: handle(case).execute_update("agree"),
                "shipped": lambda case: handle(case).execute_update("ship", SHIPPED),
                "signed, ended": ended,
            }
            with default_dependencies(settings) as dependencies:
                dependencies.ledger.known([])
                async with make_worker(client, settings, dependencies):
                    before = size(temporal), size(ledger)
                    print(f"{number} reships; empty: temporal.db {before[0]:,} bytes, ledger.sqlite3 {before[1]:,}")
                    for name, step in steps.items():
                        await each(number, step)
                        now = size(temporal), size(ledger)
                        added = (round((now[part] - before[part]) / number) for part in (0, 1))
                        print("{:14} temporal.db {:,} bytes a case, ledger.sqlite3 {:,}".format(name, *added))
                    began = time.perf_counter()
                    databases = [CopiedPart(file.name, file, database=True) for file in (temporal, ledger)]
                    back_up(databases, settings.data_dir / "backup", "measured")
                    print(f"a backup of both takes {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else NUMBER))
    os._exit(0)  # the SDK's own threads now and then abort a process that winds down by itself
