"""A worker hangs just before a deadline and the one that takes over is killed: no case is wedged."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from aftersales.runtime.temporal.embedded_server import embedded_server
from tests.support.patience import PATIENCE_SECONDS
from tests.support.programs.durable import Handle, environment, opened
from tests.support.programs.programs import WorkerProcess, free_port, worker_process
from tests.support.temporal.life import eventually, failed_tasks, whole_now

CASES = 6
"""Cases for every way of speaking to one in the window."""
POLICY = {"merchant_handling": "1h", "shipping": "5s", "late_facts": "0s", "reminders_before": []}
AHEAD = timedelta(seconds=8)
"""How long before it a deadline is told."""
HANGS, ASKED, SPOKEN = (timedelta(seconds=seconds) for seconds in (5, 3, 2))
"""How long before the deadline the worker hangs, a case is asked, and a case is spoken to."""
FIRED = EventType.EVENT_TYPE_TIMER_FIRED
COMPLETED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


async def asked(handle: Handle) -> Any:
    return await handle.query("view")


async def reported(handle: Handle) -> Any:
    await asked(handle)
    await handle.signal("report", {"message_id": "m2", "rule": "agree", "occurred_at": whole_now().isoformat()})


async def decided(handle: Handle) -> Any:
    await asked(handle)
    return await handle.execute_update("agree")


WAYS: dict[str, Callable[[Handle], Awaitable[Any]]] = {"asked": asked, "reported": reported, "decided": decided}


async def until(instant: datetime) -> None:
    await asyncio.sleep((instant - datetime.now(UTC)).total_seconds())


async def opened_on(client: Client) -> dict[str, list[Handle]]:
    """Open the cases, and wait until the only worker has them."""
    cases = {way: [await opened(client, f"{way}{number}", POLICY) for number in range(CASES)] for way in WAYS}
    for handle in (handle for handles in cases.values() for handle in handles):
        await handle.query("view")
    return cases


async def told_a_deadline(handles: list[Handle]) -> datetime:
    """Tell all cases one deadline, and return it."""
    deadline = whole_now() + AHEAD
    message = {"message_id": "m1", "deadline": deadline.isoformat()}
    await asyncio.gather(*(handle.signal("report", message) for handle in handles))
    return deadline


async def fails_over(hanging: WorkerProcess, taking_over: WorkerProcess, cases: dict[str, list[Handle]]) -> None:
    """Let one worker hang before the deadline and the other die after it, while people speak to the cases."""
    handles = [handle for handles in cases.values() for handle in handles]
    deadline = await told_a_deadline(handles)
    await until(deadline - HANGS)
    hanging.process.send_signal(signal.SIGSTOP)
    await until(deadline - ASKED)
    speaking = [asyncio.create_task(WAYS[way](handle)) for way, handles in cases.items() for handle in handles]
    await until(deadline)
    for handle in handles:
        await eventually(f"{handle.id}: a workflow task after its clock", lambda handle=handle: clock_seen(handle))
    await taking_over.end(signal.SIGKILL)
    for task in speaking:
        task.cancel()
    await asyncio.gather(*speaking, return_exceptions=True)


async def clock_seen(handle: Handle) -> bool:
    """Return whether a workflow task was completed after the last timer fired."""
    kinds = [event.event_type async for event in handle.fetch_history_events()]
    return FIRED in kinds and COMPLETED in kinds[kinds.index(FIRED) :]


async def wedged(handle: Handle) -> list[str]:
    """Return what keeps a case from having ended as it should, after giving it time."""
    try:
        end = await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
    except TimeoutError:
        pending = (await handle.describe()).raw_description.pending_workflow_task
        return [f"open, attempt {pending.attempt}", *failed_tasks(await handle.fetch_history())]
    return failed_tasks(await handle.fetch_history()) if end["state"] == ["refunded"] else [str(end)]


async def test_a_worker_that_hangs_before_a_deadline_and_one_that_dies_after_it_wedge_no_case(tmp_path: Path) -> None:
    variables = environment(tmp_path, port := free_port())
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(embedded_server(tmp_path / "temporal.db", port, free_port()))
        hanging = await stack.enter_async_context(worker_process(**variables))
        await hanging.started()
        cases = await opened_on(server.client)
        taking_over = await stack.enter_async_context(worker_process(**variables))
        await taking_over.started()
        await fails_over(hanging, taking_over, cases)
        last = await stack.enter_async_context(worker_process(**variables))
        await last.started()
        handles = [server.client.get_workflow_handle(handle.id) for handles in cases.values() for handle in handles]
        found = await asyncio.gather(*(wedged(handle) for handle in handles))
        assert {handle.id: faults for handle, faults in zip(handles, found, strict=True) if faults} == {}
