"""What comes to a case that is not in its worker's cache.

The SDK's core gives such a worker an update together with the tasks before it that had no commands; in a replay it
gives them one after the other (an open fault). Neither may change the commands of a case.
"""

import asyncio
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from aftersales.runtime.client.sender_header import with_sender
from aftersales.simulation.virtual_time import time_moved_by_hand
from cases.editions import NEWEST
from cases.messages import Opening
from tests.support.patience import PATIENCE_SECONDS
from tests.support.rules.stage import UNREACHABLE, Scene, Stage
from tests.support.temporal.life import PROCESS, eventually, facts, whole_now
from tests.support.temporal.task_queues import Queue
from workflows.engine.case_workflow import SETTLED_BEFORE_SHOWN
from workflows.engine.sender import InputSender
from workflows.opening import start_case
from workflows.registry import PROCESSES
from workflows.replay.replayer import replay

SHIPMENT = {"carrier": "SF", "tracking_no": "SF1234567890123"}
FILING = {"reason": "收件人电话空号", "evidence": [{"kind": "call_record", "url": "https://example.com/call.mp3"}]}


async def opened(queue: Queue, stage: Stage) -> WorkflowHandle[Any, Any]:
    own_id = uuid.uuid4().hex[:12]
    stage.scenes[f"jd_abnormal_order/{own_id}"] = Scene()
    ordered = whole_now().isoformat()
    facts = {"shop_id": "S1", "order_id": own_id, "ordered_at": ordered, "kind": "unreachable", "shipped": False}
    async with time_moved_by_hand(queue.environment):
        process = PROCESSES["jd_abnormal_order"]
        return await start_case(queue.environment.client, queue.name, process, Opening(facts=facts))


async def rests(handle: WorkflowHandle[Any, Any]) -> bool:
    """Return whether the last thing that happened to a case is a task without commands."""
    kinds = [event.event_type for event in (await handle.fetch_history()).events]
    return kinds[-1] == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


def test_cases_are_opened_with_the_edition_that_does_so() -> None:
    assert NEWEST >= SETTLED_BEFORE_SHOWN


async def test_an_update_of_a_case_whose_opening_had_no_commands_replays(queue: Queue, stage: Stage) -> None:
    handle = await opened(queue, stage)
    async with queue.worker():
        await eventually("it is opened, without a command", lambda: rests(handle))
    filing = asyncio.create_task(handle.execute_update("file", FILING))
    async with queue.worker():
        await filing
    await replay(await handle.fetch_history())

    async with queue.worker():
        assert (await handle.execute_update("done_by_hand"))["state"] == ["filed"]
    await replay(await handle.fetch_history())


@pytest.mark.parametrize(
    "behind", [timedelta(0), timedelta(seconds=20)], ids=["given now", "by a clock that is behind"]
)
async def test_an_update_after_a_message_that_led_to_nothing_replays(
    queue: Queue, stage: Stage, behind: timedelta
) -> None:
    handle = await opened(queue, stage)

    def by(at: datetime) -> WorkflowHandle[Any, Any]:
        sender = InputSender(way="desk", at=at)
        return with_sender(queue.environment.client, sender, timed=False).get_workflow_handle(handle.id)

    async with queue.worker():
        await eventually("it is opened, without a command", lambda: rests(handle))
        before = len((await handle.fetch_history()).events)
        await by(whole_now()).signal("report", {"rule": "approve", "message_id": "m1"})

        async def ignored() -> bool:
            return len((await handle.fetch_history()).events) > before and await rests(handle)

        await eventually("the message is ignored", ignored)
    filing = asyncio.create_task(by(whole_now() - behind).execute_update("file", FILING))
    async with queue.worker():
        await filing
    await replay(await handle.fetch_history())


async def test_a_case_typed_by_hand_goes_on_while_decisions_wait_for_each_other(
    queue: Queue, stage: Stage, client: Client
) -> None:
    own_id = uuid.uuid4().hex[:12]
    case_id = f"{PROCESS}/{own_id}"
    scene = stage.scenes[case_id] = Scene(fails={"agree_on_platform": UNREACHABLE})
    typed = {"facts": facts(own_id, applied_at=(whole_now() - timedelta(hours=1)).isoformat())}
    handle = await client.start_workflow(PROCESS, args=[typed], id=case_id, task_queue=queue.name)

    async def given(rule: str, form: dict[str, str] | None, ago: int) -> Any:
        sender = InputSender(way="desk", at=whole_now() - timedelta(seconds=ago))
        by = with_sender(client, sender, timed=False).get_workflow_handle(case_id)
        return await by.execute_update(rule, args=[form], id=rule)

    waiting = [asyncio.create_task(given("agree", None, 20))]
    await eventually("agree waits", lambda: queue.holds(case_id, "agree"))
    waiting.append(asyncio.create_task(given("ship", SHIPMENT, 15)))
    await eventually("ship waits", lambda: queue.holds(case_id, "ship"))
    async with queue.worker():
        assert (await waiting[0])["decision"] == "being_submitted"
        scene.fails.clear()
        assert (await asyncio.wait_for(waiting[1], PATIENCE_SECONDS))["state"] == ["in_transit"]

        async def at_rest() -> bool:
            return not (await client.get_workflow_handle(case_id).query("view"))["busy"]

        await eventually("it rests", at_rest)
    for run in (handle.first_execution_run_id, None):
        await replay(await client.get_workflow_handle(case_id, run_id=run).fetch_history())
