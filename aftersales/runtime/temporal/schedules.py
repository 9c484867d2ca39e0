"""Schedules on the Temporal server: every shop is reconciled, and cases that ended early are looked for."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

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
from temporalio.service import RPCError, RPCStatusCode

from cases.messages import CatchUpScope
from workflows.ended_cases import LookForEndedWorkflow
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
        await _schedule(
            client,
            catch_up_schedule(platform, shop_id),
            CatchUpWorkflow.run,
            task_queue,
            every,
            CatchUpScope(platform=platform, shop_id=shop_id).model_dump(exclude_none=True),
        )
        for shop_id in shop_ids
    ]


async def look_again(client: Client, platform: str, shop_id: str, since: datetime) -> bool:
    """Reconcile a shop once more from an instant on; return False if the shop is not reconciled at all."""
    try:
        described = await client.get_schedule_handle(catch_up_schedule(platform, shop_id)).describe()
    except RPCError as missing:
        if missing.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    action = described.schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)  # noqa: S101 - the only action there is
    scope = CatchUpScope(platform=platform, shop_id=shop_id, since=since)
    await client.start_workflow(
        CatchUpWorkflow.run,
        scope.model_dump(mode="json"),
        id=f"{catch_up_schedule(platform, shop_id)}/again/{uuid.uuid4()}",
        task_queue=action.task_queue,
    )
    return True


async def schedule_look_for_ended(client: Client, task_queue: str, every: timedelta = EVERY) -> str:
    """Schedule the look for cases of a queue that ended early, the first one at once; return the schedule's id."""
    return await _schedule(client, look_schedule(task_queue), LookForEndedWorkflow.run, task_queue, every)


def look_schedule(task_queue: str) -> str:
    """Return the id of the schedule that looks for cases of a queue that ended early."""
    return f"look-for-ended/{task_queue}"


def catch_up_schedule(platform: str, shop_id: str) -> str:
    """Return the id of the schedule that reconciles a shop."""
    return f"catch-up/{platform}/{shop_id}"


async def _schedule(
    client: Client, own_id: str, run: Callable[..., Any], task_queue: str, every: timedelta, *arguments: Any
) -> str:
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(run, args=list(arguments), id=own_id, task_queue=task_queue),
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
