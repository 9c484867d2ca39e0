"""Time that is skipped instead of waited for, on the real server."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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


class VirtualCase:
    """A case whose time is moved by hand; offsets count from ``origin``."""

    def __init__(self, environment: WorkflowEnvironment, handle: WorkflowHandle[Any, Any], origin: datetime) -> None:
        """Take a case that was just opened."""
        self._environment, self.handle, self._origin = environment, handle, origin

    async def now(self) -> timedelta:
        """How much time has passed for the case."""
        return await self._environment.get_current_time(self.handle) - self._origin

    async def view(self) -> dict[str, Any]:
        """What the case says of itself."""
        seen: dict[str, Any] = await self.handle.query("view")
        return seen

    async def ahead(self) -> timedelta | None:
        """How long until something happens by itself; None: nothing will."""
        await self.rest()
        seen = await self.view()
        if seen["finished"]:
            return None
        if seen["busy"]:
            return RETRYING
        return datetime.fromisoformat(seen["next"]) - self._origin - await self.now() if seen["next"] else None

    async def reach(self, at: timedelta) -> None:
        """Let time come to an offset, one happening after the other; for a case that has ended no time passes."""
        while (left := at - await self.now()) > timedelta(0):
            ahead = await self.ahead()
            if not await self._skip(left if ahead is None else min(left, ahead)):
                return
        await self.rest()
        await self.on_time(at)

    async def _skip(self, length: timedelta) -> bool:
        try:
            return await self._environment.fast_forward(self.handle, length)
        except RPCError as ended:
            if ended.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False

    async def on_time(self, at: timedelta) -> None:
        """Raise TooSlow where the second that begins at an offset is over for a case that goes on."""
        if await self.now() >= at + SECOND and not (await self.view())["finished"]:
            raise TooSlow("this machine is too busy to simulate: real time overtook the scenario")

    async def rest(self) -> None:
        """Until everything due has happened and nothing is under way but calls that wait to be retried."""
        until = time.monotonic() + REST_SECONDS
        while not await self._rests():
            if time.monotonic() > until:
                raise CaseError(f"{self.handle.id} does not come to rest: its workflow or an activity hangs")
            await asyncio.sleep(0.005)

    async def _rests(self) -> bool:
        # First what the case waits for, then what is under way: the other way round an instant could pass between.
        upcoming = (await self.view())["next"]
        described = (await self.handle.describe()).raw_description
        retried = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
        waiting = (each.state == retried and each.attempt > 1 for each in described.pending_activities)
        if described.HasField("pending_workflow_task") or not all(waiting):
            return False
        return upcoming is None or datetime.fromisoformat(upcoming) - self._origin > await self.now()
