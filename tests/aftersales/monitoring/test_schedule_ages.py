"""When schedules last succeeded, by what a real server lists."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleSpec,
)
from temporalio.testing import WorkflowEnvironment

from aftersales.monitoring import schedule_ages
from aftersales.monitoring.figures import CATCH_UP_SUCCEEDED_AT, LOOK_SUCCEEDED_AT
from aftersales.monitoring.schedule_ages import ScheduleWatch, Shop
from aftersales.runtime.temporal.schedules import catch_up_schedule, look_schedule
from tests.conftest import TASK_QUEUE
from tests.support.programs.scraping import shown
from tests.support.temporal.life import eventually
from workflows.notices import SendNoticesWorkflow


async def scheduled(client: Client, own_id: str, task_queue: str, *, at_once: bool) -> ScheduleHandle:
    """Schedule a workflow that succeeds at once, if a worker serves the queue."""
    action = ScheduleActionStartWorkflow(
        SendNoticesWorkflow.run,
        {"deliveries": []},
        id=own_id,
        task_queue=task_queue,  # type: ignore[arg-type]
    )
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(days=300))])
    return await client.create_schedule(own_id, Schedule(action=action, spec=spec), trigger_immediately=at_once)


async def test_the_last_success_counts_and_without_one_when_it_was_arranged(
    worker: None, environment: WorkflowEnvironment
) -> None:
    market, began = uuid.uuid4().hex, datetime.now(UTC).timestamp()
    queue = uuid.uuid4().hex
    shops: list[Shop] = [(market, "well"), (market, "never"), (market, "missing")]
    with environment.with_time_skipping_disabled():
        client = environment.client
        well = await scheduled(client, catch_up_schedule(market, "well"), TASK_QUEUE, at_once=True)
        never = await scheduled(client, catch_up_schedule(market, "never"), queue, at_once=True)
        look = await scheduled(client, look_schedule(queue), queue, at_once=False)
        try:

            async def connected() -> Client:
                return client

            watch = ScheduleWatch(connected, queue, lambda: shops)
            arranged = {name: (await handle.describe()).info.created_at for name, handle in (("n", never), ("l", look))}

            async def succeeded() -> bool:
                await watch.look()
                made = (await well.describe()).info.created_at.timestamp()
                return shown(CATCH_UP_SUCCEEDED_AT)[market, "well"] > made

            await eventually("that a run has succeeded", succeeded)
            last = shown(CATCH_UP_SUCCEEDED_AT)
            assert last[market, "never"] == arranged["n"].timestamp()
            assert last[market, "missing"] >= began
            assert shown(LOOK_SUCCEEDED_AT) == {(): arranged["l"].timestamp()}

            shops.remove((market, "missing"))
            await watch.look()
            assert (market, "missing") not in shown(CATCH_UP_SUCCEEDED_AT)
        finally:
            for handle in (well, never, look):
                await handle.delete()


async def test_of_many_shops_each_has_its_turn(
    environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule_ages, "MOST_A_ROUND", 2)
    market = uuid.uuid4().hex
    shops = [(market, str(number)) for number in range(5)]

    async def connected() -> Client:
        return environment.client

    watch = ScheduleWatch(connected, uuid.uuid4().hex, lambda: shops)
    seen = []
    for _ in range(3):
        await watch.look()
        seen.append(len(shown(CATCH_UP_SUCCEEDED_AT)))
    assert seen == [2, 4, 5]
