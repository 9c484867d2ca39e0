"""Schedules on the Temporal server that reconcile every shop regularly."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from cases.messages import CatchUpScope
from workflows.reconcile import CatchUpWorkflow

EVERY = timedelta(minutes=10)
MISSED = timedelta(minutes=1)
"""A run that is later than this is skipped: the next one goes back to where the last ended."""


async def schedule_catch_up(
    client: Client, task_queue: str, platform: str, shop_ids: Iterable[str], every: timedelta = EVERY
) -> list[str]:
    """Schedule the reconciliation of each shop, the first one at once; return the ids of the schedules.

    An existing schedule gets the new settings, keeps its past, and stays paused if it was.
    """
    return [
        await _schedule(client, task_queue, CatchUpScope(platform=platform, shop_id=shop_id), every)
        for shop_id in shop_ids
    ]


async def _schedule(client: Client, task_queue: str, scope: CatchUpScope, every: timedelta) -> str:
    own_id = f"catch-up/{scope.platform}/{scope.shop_id}"
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            CatchUpWorkflow.run, args=[scope.model_dump()], id=own_id, task_queue=task_queue
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=MISSED),
    )

    def changed(current: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(replace(schedule, state=current.description.schedule.state))

    try:
        await client.create_schedule(own_id, schedule, trigger_immediately=True)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(own_id).update(changed)
    return own_id
