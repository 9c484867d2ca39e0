"""A workflow that is reset gives its inputs again, later: nothing that has happened changes."""

import asyncio
import contextlib
import json
import uuid
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, ResetReapplyType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client

from aftersales.ledger.store import SqlLedger
from aftersales.runtime.client.sender_header import operator, with_sender
from aftersales.runtime.temporal.embedded_server import embedded_server
from cases.messages import Opening
from tests.support.patience import PATIENCE_SECONDS
from tests.support.processes.delays import SHIPMENT
from tests.support.programs.durable import QUEUE, Handle, environment, opened
from tests.support.programs.programs import WorkerProcess, free_port, worker_process
from tests.support.temporal.life import eventually, failed_tasks, whole_now
from workflows.engine.course import HELD_UP
from workflows.opening import start_case
from workflows.registry import PROCESSES

PROMISED = timedelta(seconds=12)
"""How long after its opening an order is promised to be shipped."""
COMPLETED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
NOTICES = ("console task", "needs operator", "case closed", "reminder")
KEPT = ("status", "state", "deadlines", "effects", "ledger", "timeline")
"""What a view shows of what has happened."""


async def reset(client: Client, case_id: str) -> None:
    """Reset a case to the end of its first workflow task, and give it all its inputs again."""
    events = client.get_workflow_handle(case_id).fetch_history_events()
    first = [event.event_id async for event in events if event.event_type == COMPLETED][0]  # noqa: RUF015
    await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=case_id),
            reason="a test",
            workflow_task_finish_event_id=first,
            request_id=uuid.uuid4().hex,
            reset_reapply_type=ResetReapplyType.RESET_REAPPLY_TYPE_ALL_ELIGIBLE,
        ),
        retry=True,
    )


def told(worker: WorkerProcess) -> list[dict[str, Any]]:
    """Return the notices in a worker's log, without the instants at which they were written.

    The log may repeat a notice; the operators' channels send one once, by its key.
    """
    return [
        {name: value for name, value in line.items() if name not in ("timestamp", "run_id", "activity_id", "attempt")}
        for line in worker.logged()
        if line["event"] in NOTICES
    ]


def on_the_books(data: Path) -> tuple[Any, ...]:
    """Return what cases have entered in the ledger and not taken back, and what was called on the platform."""
    with SqlLedger(data / "ledger.sqlite3") as ledger:
        entries = [entry for entry in ledger.entries(date.min, date.max) if entry.status != "reversed"]
        outcomes = [outcome.model_dump(mode="json") for outcome in ledger.outcomes(date.min, date.max)]
    calls = [json.loads(line) for line in (data / "platform.jsonl").read_text(encoding="utf-8").splitlines()]
    return entries, calls, outcomes


async def shipped_in_time(client: Client) -> Handle:
    """Open a delay card, confirm by hand that it was sent, and ship before the promised time."""
    facts = {
        "shop_id": "S1",
        "order_id": "reset",
        "reason": "仓库盘点",
        "promised_ship_at": (whole_now() + PROMISED).isoformat(),
        "proposed_ship_at": (whole_now() + timedelta(days=5)).isoformat(),
    }
    opening = Opening(facts=facts, policy={"reminders_before": []})
    case = await start_case(client, QUEUE, PROCESSES["jd_delay_card"], opening)
    handle: Handle = client.get_workflow_handle(case.id)
    await eventually("a console task", partial(waits_for_a_person, handle))
    await handle.execute_update("done_by_hand", {"note": "已在咚咚发送"})
    await handle.execute_update("ship", SHIPMENT)
    return handle


def what_happened(seen: dict[str, Any]) -> dict[str, Any]:
    """Return what a view shows of what has happened; when the case learned of it is another matter.

    So is when it told other cases, and what its clocks did before its inputs were given again: that is taken back.
    """
    kept = {name: seen[name] for name in KEPT}
    return {
        **kept,
        "timeline": [{**entry, "told": None} for entry in seen["timeline"]],
        "effects": [{**effect, "at": None} for effect in seen["effects"]],
        "ledger": [entry for entry in seen["ledger"] if entry["status"] != "reversed"],
    }


SERIALS = {"serial", "input"}


def alike(later: Any, earlier: Any) -> bool:
    """Return whether views, or outcomes, agree.

    What was handled at once bears the instant at which it was handled, or given.  Serial numbers count what
    came first to this run: they are the case's own, and name nothing outside it.
    """
    if isinstance(later, dict) and isinstance(earlier, dict):
        names = later.keys() - SERIALS
        return names == earlier.keys() - SERIALS and all(alike(later[name], earlier[name]) for name in names)
    if isinstance(later, list) and isinstance(earlier, list):
        return len(later) == len(earlier) and all(map(alike, later, earlier))
    if isinstance(later, str) and isinstance(earlier, str):
        with contextlib.suppress(ValueError):
            return abs(datetime.fromisoformat(later) - datetime.fromisoformat(earlier)) < HELD_UP
    return bool(later == earlier)


async def waits_for_a_person(handle: Handle) -> bool:
    return any(effect["status"] == "console_task" for effect in (await handle.query("view"))["effects"])


async def at_rest(handle: Handle) -> dict[str, Any] | None:
    seen: dict[str, Any] = await handle.query("view")
    return None if seen["busy"] else seen


async def test_g_11_a_reset_changes_nothing_that_has_happened(tmp_path: Path) -> None:
    port = free_port()
    async with (
        embedded_server(tmp_path / "temporal.db", port, free_port()) as server,
        worker_process(**environment(tmp_path, port)) as worker,
    ):
        await worker.started()
        client = with_sender(server.client, operator("王五"))
        shipped = await shipped_in_time(client)
        agreed = client.get_workflow_handle((await opened(client, "agreed", {"reminders_before": []})).id)
        await agreed.execute_update("agree")
        outcome = await asyncio.wait_for(shipped.result(), PATIENCE_SECONDS)
        before = [await eventually("at rest", partial(at_rest, handle)) for handle in (shipped, agreed)]
        books, notices = on_the_books(tmp_path), told(worker)
        # So long that the promised time has passed, and that no difference of clocks explains it.
        await asyncio.sleep((PROMISED + HELD_UP).total_seconds())

        for handle in (shipped, agreed):
            await reset(client, handle.id)

        again = client.get_workflow_handle(shipped.id)
        assert (await asyncio.wait_for(again.result(), PATIENCE_SECONDS))["state"] == outcome["state"]
        assert outcome["state"] == ["shipped_on_time"]
        after = [
            await eventually("at rest", partial(at_rest, client.get_workflow_handle(handle.id)))
            for handle in (shipped, agreed)
        ]
        for earlier, later in zip(before, after, strict=True):
            assert alike(what_happened(later), what_happened(earlier))
        (*entered, outcomes), (*entered_before, outcomes_before) = on_the_books(tmp_path), books
        assert entered == entered_before
        assert alike(outcomes, outcomes_before)
        assert {notice["key"] for notice in told(worker)} == {notice["key"] for notice in notices}
        for handle in (shipped, agreed):
            history = await client.get_workflow_handle(handle.id).fetch_history()
            assert [fault for fault in failed_tasks(history) if "RESET_WORKFLOW" not in fault] == []
