"""Time that is skipped instead of waited for, on the real server."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from cases.errors import CaseError
from cli.output import silenced
from runtime.server import temporal_binary
from workflows.attributes import KEYS

SERVER_FLAGS = [
    "--dynamic-config-value",
    "frontend.WorkflowTimeSkippingEnabled=true",
    # Without this the server waits up to a second before each timer that it skips to.
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="10ms"',
]
REST_SECONDS = 30.0
SECOND = timedelta(seconds=1)
RETRYING = timedelta(minutes=30)
"""How far time is skipped at once while nothing but retries goes on: the server skips a hundred times in one go."""


class TooSlow(CaseError):
    """The machine was too busy: more than a second of real time went by where none should in virtual time."""


@asynccontextmanager
async def virtual_server() -> AsyncIterator[WorkflowEnvironment]:
    """A server in memory on which every case has its own time."""
    with silenced():  # the server prints a banner, and keeps the standard output that it was started with
        environment = await WorkflowEnvironment.start_time_skipping_v2(
            data_converter=pydantic_data_converter,
            search_attributes=KEYS,
            dev_server_existing_path=temporal_binary(),
            dev_server_extra_args=SERVER_FLAGS,
            dev_server_log_level="error",
        )
    try:
        yield environment
    finally:
        await environment.shutdown()


def next_second() -> datetime:
    """The start of the next second: cases count whole seconds, so what is exact begins on one."""
    return datetime.now(UTC).replace(microsecond=0) + SECOND


async def wait_until(instant: datetime) -> None:
    """Wait, in real time, until an instant that is near; raises TooSlow where it has passed for long."""
    await asyncio.sleep(max(0.0, (instant - datetime.now(UTC)).total_seconds()))
    if datetime.now(UTC) - instant >= SECOND:
        raise TooSlow("this machine is too busy to simulate: it lost a second at the start")


@dataclass(frozen=True)
class Still:
    """A case at rest: what it says of itself, and how much time has passed for it."""

    seen: dict[str, Any]
    now: timedelta
    upcoming: timedelta | None

    @property
    def ahead(self) -> timedelta | None:
        """How long until something happens by itself; None: nothing will."""
        if self.seen["finished"]:
            return None
        if self.seen["busy"]:
            return RETRYING
        return None if self.upcoming is None else self.upcoming - self.now


class VirtualCase:
    """A case whose time is moved by hand; offsets count from ``origin``."""

    def __init__(self, environment: WorkflowEnvironment, handle: WorkflowHandle[Any, Any], origin: datetime) -> None:
        """Take a case that was just opened."""
        self._environment, self.handle, self._origin = environment, handle, origin

    async def reach(self, at: timedelta) -> Still:
        """Let time come to an offset, one happening after the other; for a case that has ended no time passes."""
        still = await self.rest()
        while not still.seen["finished"] and still.now < at:
            target = at if still.ahead is None else min(at, still.now + still.ahead)
            await self._skip(target - still.now)
            still = await self.rest()
            on_time(still.now, target)
        return still

    async def rest(self) -> Still:
        """Until everything due has happened and nothing is under way but calls that wait to be retried."""
        until = time.monotonic() + REST_SECONDS
        while (still := await self._still()) is None:
            if time.monotonic() > until:
                raise CaseError(f"{self.handle.id} does not come to rest: its workflow or an activity hangs")
            await asyncio.sleep(0.005)
        return still

    async def _still(self) -> Still | None:
        if await self._idle() is None:
            return None
        seen = await self.handle.query("view")
        # Asked once more: what was due may have begun to happen before the case was looked at.
        now = await self._idle()
        upcoming = datetime.fromisoformat(seen["next"]) - self._origin if seen["next"] else None
        return None if now is None or (upcoming is not None and upcoming <= now) else Still(seen, now, upcoming)

    async def _idle(self) -> timedelta | None:
        """The case's time; None while a step of its workflow or the first try of a call is under way."""
        described = (await self.handle.describe()).raw_description
        retried = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
        waiting = (each.state == retried and each.attempt > 1 for each in described.pending_activities)
        if described.HasField("pending_workflow_task") or not all(waiting):
            return None
        skipping = described.workflow_extended_info.time_skipping_info
        told = skipping.current_time.ToDatetime(UTC) if skipping.HasField("current_time") else datetime.now(UTC)
        return told - self._origin

    async def _skip(self, length: timedelta) -> None:
        try:
            await self._environment.fast_forward(self.handle, length)
        except RPCError as ended:
            if ended.status is not RPCStatusCode.NOT_FOUND:
                raise


def on_time(now: timedelta, at: timedelta) -> None:
    """Raise TooSlow where the second that begins at an offset is over."""
    if now >= at + SECOND:
        raise TooSlow("this machine is too busy to simulate: real time overtook the scenario")
