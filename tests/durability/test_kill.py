"""A process is killed in the middle of its cases: they continue, and nothing is done twice."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path
from typing import Any

from temporalio.client import Client

from aftersales.ledger.store import SqlLedger
from aftersales.runtime.temporal.embedded_server import embedded_server
from tests.support.patience import PATIENCE_SECONDS
from tests.support.programs.durable import Handle, environment, opened
from tests.support.programs.programs import free_port, worker_process
from tests.support.temporal.life import eventually

SHORT = {"merchant_handling": "4s", "shipping": "4s", "late_facts": "1s", "reminders_before": []}
SHIPMENT = {"carrier": "SF", "tracking_no": "SF1"}


async def looked(handle: Handle, holds: Callable[[dict[str, Any]], Any]) -> None:
    """Poll the view until ``holds``."""

    async def look() -> bool:
        return bool(holds(await handle.query("view")))

    await eventually(f"{handle.id}: as it should be", look)


async def half_decided(client: Client) -> tuple[Handle, list[Handle]]:
    """Open a case that nobody handles, and some that the merchant has just agreed to."""
    silent = await opened(client, "silent", SHORT)
    agreed = [await opened(client, f"agreed{number}", {}) for number in range(3)]
    await looked(silent, lambda seen: seen["state"] == ["awaiting_merchant"])
    await asyncio.gather(*(handle.execute_update("agree") for handle in agreed))
    return silent, agreed


async def live_on(client: Client, silent: Handle, agreed: list[Handle]) -> None:
    """Let all cases run to their end."""
    for handle in agreed:
        again: Handle = client.get_workflow_handle(handle.id)
        await asyncio.wait_for(again.execute_update("ship", SHIPMENT), PATIENCE_SECONDS)
        await looked(again, lambda seen: not seen["busy"])
        for _ in range(2):
            await again.signal("report", {"message_id": "m1", "rule": "sign"})
    for handle in (silent, *agreed):
        end = await asyncio.wait_for(client.get_workflow_handle(handle.id).result(), PATIENCE_SECONDS)
        assert end["state"] == (["refunded"] if handle is silent else ["completed"])


def done_once(data: Path, silent: Handle, agreed: list[Handle]) -> None:
    rows = [json.loads(line) for line in (data / "platform.jsonl").read_text(encoding="utf-8").splitlines()]
    assert Counter(row["key"].rpartition("/")[0] for row in rows) == Counter(
        f"{handle.id}/{effect}" for handle in agreed for effect in ("agree_on_platform", "push_tracking_number")
    )
    with SqlLedger(data / "ledger.sqlite3") as ledger:
        assert [(entry.case_id, entry.clause) for entry in ledger.entries(date.min, date.max)] == [
            (silent.id, "DR-10"),
            (silent.id, "DR-11"),
        ]
        ended = {outcome.case_id: outcome.state for outcome in ledger.outcomes(date.min, date.max)}
        assert ended == {silent.id: "refunded"} | {handle.id: "completed" for handle in agreed}


async def test_a_worker_that_is_killed_loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    port = free_port()
    async with embedded_server(tmp_path / "temporal.db", port, free_port()) as server:
        async with worker_process(**environment(tmp_path, port)) as worker:
            await worker.started()
            silent, agreed = await half_decided(server.client)
            assert await worker.end(signal.SIGKILL) == -signal.SIGKILL
        async with worker_process(**environment(tmp_path, port)) as worker:
            await worker.started()
            await live_on(server.client, silent, agreed)
            done_once(tmp_path, silent, agreed)


async def test_a_server_that_is_killed_loses_nothing_and_its_worker_reconnects(tmp_path: Path) -> None:
    port, ui_port, database = free_port(), free_port(), tmp_path / "temporal.db"
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(embedded_server(database, port, ui_port))
        worker = await stack.enter_async_context(worker_process(**environment(tmp_path, port)))
        await worker.started()
        silent, agreed = await half_decided(server.client)
        for handle in agreed:
            await looked(handle, lambda seen: not seen["busy"])
        server.process.kill()
        await server.ended()
        server = await stack.enter_async_context(embedded_server(database, port, ui_port))
        await live_on(server.client, silent, agreed)
        done_once(tmp_path, silent, agreed)
        assert await worker.end(signal.SIGTERM) == 0
