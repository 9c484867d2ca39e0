"""A query that comes while a local call is in flight.

If it were answered then, the SDK's core would end the workflow task with the call, and give what follows from it to the
next task; a replay puts both into one.
"""

import asyncio
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from cases.messages import EffectCall, EffectOutcome, Opening
from tests.support.rules.stage import Scene, Stage
from tests.support.temporal.life import PROCESS, eventually, facts
from tests.support.temporal.task_queues import Queue
from workflows.engine import case_workflow
from workflows.engine.view import CaseView, view
from workflows.opening import start_case
from workflows.registry import PROCESSES
from workflows.replay.replayer import replay

SOON = "47h59m57s"
"""How long before its deadline of 48 h a case reminds: three seconds after it was opened."""
QUERIES = 3
ASKED_SECONDS = 0.5
"""How long a call waits for a query that is answered at once."""
HELD_BACK_SECONDS = 1.5
"""The SDK takes a query that is not answered in 2 s for a deadlock."""
ON_ITS_WAY_SECONDS = 0.1
"""How long the result of a local call may take from the activity to the SDK's core."""

Kinds = list["EventType.ValueType"]


async def kinds(handle: WorkflowHandle[Any, Any]) -> Kinds:
    return [event.event_type for event in (await handle.fetch_history()).events]


async def when(handle: WorkflowHandle[Any, Any], what: str, holds: Callable[[Kinds], bool]) -> None:
    async def look() -> bool:
        return holds(await kinds(handle))

    await eventually(f"{handle.id}: {what}", look)


def was_split(seen: Kinds) -> bool:
    """Return whether a workflow task ended after the local call and before what follows from it."""
    called = seen.index(EventType.EVENT_TYPE_MARKER_RECORDED)
    answered = seen.index(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED)
    return EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED in seen[called:answered]


class Meanwhile(Stage):
    """A platform that answers while a query is being answered, if one is: only then the task would be split."""

    def __init__(self) -> None:
        super().__init__()
        self._asked, self._answered = threading.Event(), threading.Event()

    async def perform(self, call: EffectCall) -> EffectOutcome:
        await asyncio.to_thread(self._asked.wait, ASKED_SECONDS)
        outcome = await super().perform(call)
        asyncio.get_running_loop().call_later(ON_ITS_WAY_SECONDS, self._answered.set)
        return outcome

    def view(self, *about: Any) -> CaseView:
        """Answer a query once the platform has answered."""
        self._asked.set()
        self._answered.wait(HELD_BACK_SECONDS)
        return view(*about)


async def test_a_query_beside_a_local_call_does_not_split_the_task_and_is_answered_after_it(
    environment: WorkflowEnvironment, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Meanwhile()
    queue = Queue(environment, stage)
    own_id = uuid.uuid4().hex[:12]
    stage.scenes[f"{PROCESS}/{own_id}"] = Scene(channels={"robot": None})
    async with queue.worker():
        opening = Opening(facts=facts(own_id), policy={"reminders_before": [SOON]})
        handle = await start_case(client, queue.name, PROCESSES[PROCESS], opening)
        await when(handle, "it waits", lambda seen: seen[-1] == EventType.EVENT_TYPE_TIMER_STARTED)
    await when(handle, "it is time to remind", lambda seen: EventType.EVENT_TYPE_TIMER_FIRED in seen)
    waiting = [asyncio.create_task(handle.query("view")) for _ in range(QUERIES)]
    waiting.append(asyncio.create_task(handle.execute_update("agree", id="k1")))
    await eventually("the server has the decision", lambda: queue.holds(handle.id, "k1"))
    monkeypatch.setattr(case_workflow, "view", stage.view)
    async with queue.worker():
        *seen, _ = await asyncio.gather(*waiting)

    assert [view["state"] for view in seen] == [["awaiting_shipment"]] * QUERIES
    assert not was_split(await kinds(handle))
    await replay(await handle.fetch_history())
