"""What comes to a case that is not in its worker's cache.

The SDK's core gives such a worker an update together with the tasks before it that had no commands; in a replay it
gives them one after the other (an open fault). Neither may change the commands of a case.
"""

import asyncio
import uuid
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from aftersales.simulation.virtual_time import time_moved_by_hand
from cases.editions import NEWEST
from cases.messages import Opening
from tests.support.life import eventually, whole_now
from tests.support.stage import Scene, Stage
from tests.support.task_queues import Queue
from workflows.engine.case_workflow import SETTLED_BEFORE_SHOWN
from workflows.opening import start_case
from workflows.registry import PROCESSES
from workflows.replay.replayer import replay

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


async def test_an_update_after_a_message_that_led_to_nothing_replays(queue: Queue, stage: Stage) -> None:
    handle = await opened(queue, stage)
    async with queue.worker():
        await eventually("it is opened, without a command", lambda: rests(handle))
        before = len((await handle.fetch_history()).events)
        await handle.signal("report", {"rule": "approve", "message_id": "m1"})

        async def ignored() -> bool:
            return len((await handle.fetch_history()).events) > before and await rests(handle)

        await eventually("the message is ignored", ignored)
    filing = asyncio.create_task(handle.execute_update("file", FILING))
    async with queue.worker():
        await filing
    await replay(await handle.fetch_history())
