"""Virtual time: skipped instead of waited for, on the real server."""

import asyncio
import contextlib
import signal
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.client import (
    RPCTimeoutOrCancelledError,
    WorkflowHandle,
    WorkflowHistory,
    WorkflowQueryFailedError,
)
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from aftersales.runtime.telemetry.logs import logging_runtime
from aftersales.runtime.temporal.embedded_server import ONE_PARTITION, silenced, temporal_binary
from aftersales.runtime.temporal.temporal_errors import UNANSWERED_STATUSES
from cases.errors import CaseError
from statecharts.rules import Party
from workflows.engine.search_attributes import KEYS
from workflows.engine.view import CaseView, EffectView
from workflows.worker_options import DEADLOCK

SERVER_FLAGS = [
    *ONE_PARTITION,
    "--dynamic-config-value",
    "frontend.WorkflowTimeSkippingEnabled=true",
    # Without this the server waits up to a second before each timer that it skips to.
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="10ms"',
]
START_ATTEMPTS = 3
REST_SECONDS = 30.0
SECOND = timedelta(seconds=1)
_openings: WeakKeyDictionary[WorkflowEnvironment, asyncio.Lock] = WeakKeyDictionary()
FIRST_STEP = EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED
OVERSHOT = timedelta(minutes=1)
"""Real time that may pass unseen while a case is skipped to an offset; more was skipped too far."""
RETRYING = timedelta(minutes=30)
"""The step of skipping while only retries are pending: the server skips at most a hundred times in a row."""


LOOK_SECONDS = 1.0
"""How often a case that is at work is checked for progress."""
FAILED_ATTEMPTS = 3
"""The attempt of a workflow task at which its workflow is taken to fail for good."""
FAILED_STATES = ("Workflow Task in failed state", "unexpected workflow task failure")
"""The server's answers to queries and updates while a workflow task fails."""
_REPEATS = 100
"""How often a clock may fire in one state."""
Answer = TypeVar("Answer")


class TooSlow(CaseError):
    """The machine was too busy: real time passed when none should have, so that something happened a second late."""


@contextmanager
def answered() -> Iterator[None]:
    """Raise TooSlow where the server has not answered in time."""
    try:
        yield
    except (RPCError, RPCTimeoutOrCancelledError) as failed:
        if isinstance(failed, RPCError) and failed.status not in UNANSWERED_STATUSES:
            raise
        raise TooSlow("this machine is too busy to simulate: the Temporal server did not answer in time") from failed


def _check_repeats(seen: CaseView) -> None:
    """Raise CaseError, naming rule and state, if a clock fires again and again."""
    clocks = (entry for entry in seen.timeline if entry.by == Party.CLOCK.value)
    for (rule, state), fired in Counter((entry.rule, ", ".join(entry.left)) for entry in clocks).items():
        if fired > _REPEATS:
            raise CaseError(f"{seen.case_id}: rule {rule!r} never stops: it fired {fired} times in state {state}")


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM end the program as an interrupt does, so that no server is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


async def _started() -> WorkflowEnvironment:
    """Start the server; a busy machine, on which it does not answer within the SDK's five seconds, gets more tries."""
    binary = temporal_binary()
    for attempt in range(1, START_ATTEMPTS + 1):
        try:
            with silenced():  # the server prints a banner, and logs errors when the machine is busy
                return await WorkflowEnvironment.start_time_skipping_v2(
                    data_converter=pydantic_data_converter,
                    search_attributes=KEYS,
                    dev_server_existing_path=binary,
                    dev_server_extra_args=SERVER_FLAGS,
                    dev_server_log_level="error",
                    runtime=logging_runtime(),
                )
        except RuntimeError as failed:  # all that the SDK raises
            if attempt == START_ATTEMPTS:
                raise CaseError(f"the Temporal server for virtual time did not start: {failed}") from failed
    raise AssertionError


@asynccontextmanager
async def virtual_server() -> AsyncIterator[WorkflowEnvironment]:
    """Start a server in memory on which every case has its own time; raises CaseError where it does not start."""
    environment = await _started()
    with _terminated_like_interrupted():
        try:
            yield environment
        finally:
            await environment.shutdown()


@asynccontextmanager
async def time_moved_by_hand(server: WorkflowEnvironment) -> AsyncIterator[None]:
    """Move the time of the cases opened in the block by hand.

    The switch is the server's: two that turn it at once would turn it back under each other.
    """
    async with _openings.setdefault(server, asyncio.Lock()):
        with server.with_time_skipping_disabled():
            yield


def next_second() -> datetime:
    """Return the start of the next second: cases count whole seconds, so an exact run begins on one."""
    return datetime.now(UTC).replace(microsecond=0) + SECOND


async def wait_until(instant: datetime) -> None:
    """Wait, in real time, until an instant; raises TooSlow if it passed a second ago or more."""
    await asyncio.sleep(max(0.0, (instant - datetime.now(UTC)).total_seconds()))
    if datetime.now(UTC) - instant >= SECOND:
        raise TooSlow("this machine is too busy to simulate: it lost a second at the start")


def begun_late(history: WorkflowHistory, origin: datetime) -> bool:
    """Return whether the first workflow task was a second late: a case without a start of its own begins with it."""
    started = [event.event_time.ToDatetime(UTC) for event in history.events if event.event_type == FIRST_STEP]
    return bool(started) and started[0] - origin >= SECOND


@dataclass(frozen=True)
class RestingCase:
    """A case at rest: its view, the time that has passed for it since ``origin``, and the length of its history."""

    seen: CaseView
    origin: datetime
    now: timedelta
    events: int

    @property
    def closed(self) -> bool:
        """Whether the case has closed, and nothing that it owes is under way."""
        return self.seen.finished or (self.seen.status == "closed" and not self.seen.busy)

    @property
    def upcoming(self) -> timedelta | None:
        """The offset at which something happens by itself; None if nothing will."""
        if self.seen.finished:
            return None
        if self.seen.busy:
            return self.now + RETRYING
        return self.seen.next - self.origin if self.seen.next else None

    def not_beyond(self, at: timedelta) -> None:
        """Raise TooSlow if the server skipped further than it was asked to."""
        if not self.seen.finished and self.now - at >= OVERSHOT:
            raise TooSlow("this machine is too busy to simulate: time was skipped beyond the next step")

    def on_time(self, at: timedelta) -> None:
        """Raise TooSlow if anything that happened by an offset was recorded later."""
        seen = self.seen
        instants = (
            *(entry.at for entry in seen.timeline),
            *(message.at for message in seen.ignored),
            *(effect.at for effect in seen.effects if isinstance(effect, EffectView)),
            *(reminder.at for reminder in seen.reminders),
        )
        if any(instant - self.origin >= at + SECOND for instant in instants):
            raise TooSlow("this machine is too busy to simulate: real time overtook the scenario")


class VirtualCase:
    """A case whose time is moved by hand; offsets count from ``origin``."""

    def __init__(self, environment: WorkflowEnvironment, handle: WorkflowHandle[Any, Any], origin: datetime) -> None:
        """Take a case that was just opened."""
        self._environment, self.handle, self._origin = environment, handle, origin
        self._rested: RestingCase | None = None
        self._doubted = False

    def handle_for_change(self) -> WorkflowHandle[Any, Any]:
        """Return the handle for changing the case, and forget what was last seen of it."""
        self._rested = None
        return self.handle

    def look_again(self) -> None:
        """Doubt what was last seen of the case: another may have told it something."""
        self._doubted = True

    async def begin(self, ahead: timedelta) -> None:
        """Skip to the beginning of a case that was started to begin some time ahead."""
        await self._environment.fast_forward(self.handle, ahead)

    async def skip_to(self, at: timedelta) -> None:
        """Skip to an offset, stopping wherever something happens; no time passes for a case that has ended."""
        resting = await self.rest()
        while not resting.seen.finished and resting.now < at:
            target = at if resting.upcoming is None else min(at, resting.upcoming)
            await self._skip(target - resting.now)
            if not resting.seen.busy and target != resting.upcoming:
                return
            resting = await self.rest()
            resting.on_time(target)

    async def rest(self) -> RestingCase:
        """Wait until everything due has happened and only activities waiting for a retry are pending.

        A case at rest stays so until something is done to it or its time is moved: it is not queried twice.
        """
        waited, now = 0.0, time.monotonic()
        looked = now
        if self._doubted and self._rested:
            self._rested = await self._unchanged(self._rested)
        self._doubted = False
        while (resting := self._rested or await self._resting()) is None:
            before, now = now, time.monotonic()
            waited += min(now - before, LOOK_SECONDS)  # a machine that stood still took longer for nothing
            if waited > REST_SECONDS:
                raise CaseError(f"{self.handle.id} does not come to rest: its workflow or an activity hangs")
            if now > looked + LOOK_SECONDS:
                await self._check_progress()
                looked = time.monotonic()
            await asyncio.sleep(0.02)
        _check_repeats(resting.seen)
        self._rested = resting
        return resting

    async def watched(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make a call to the case; raises CaseError if its workflow fails again and again meanwhile."""
        while True:
            answer = asyncio.ensure_future(call())
            try:
                while not (await asyncio.wait({answer}, timeout=LOOK_SECONDS))[0]:
                    await self._check_workflow()
                return await answer
            except RPCError as refused:
                if not any(text in refused.message for text in FAILED_STATES):
                    raise
                await self._check_workflow()
                await asyncio.sleep(0.1)
            finally:
                answer.cancel()

    async def _view(self, attempts: int = FAILED_ATTEMPTS) -> CaseView:
        try:
            seen: CaseView = await self.handle.query("view", result_type=CaseView)
        except WorkflowQueryFailedError as failed:
            if DEADLOCK in str(failed) and attempts > 1:  # the machine may only be busy
                return await self._view(attempts - 1)
            raise CaseError(f"{self.handle.id}: its workflow fails: {failed}") from failed
        return seen

    async def _check_progress(self) -> None:
        """Raise CaseError if a case that does not come to rest never will."""
        await self._check_workflow()
        with contextlib.suppress(RPCError):
            _check_repeats(await self.watched(self._view))

    async def _check_workflow(self) -> None:
        described = (await self.handle.describe()).raw_description
        attempt = described.pending_workflow_task.attempt
        if attempt < FAILED_ATTEMPTS:
            return
        history = await self.handle.fetch_history()
        failed = [event for event in history.events if event.HasField("workflow_task_failed_event_attributes")]
        why = failed[-1].workflow_task_failed_event_attributes.failure.message if failed else "no worker completes it"
        if DEADLOCK in why and attempt < 2 * FAILED_ATTEMPTS:  # the machine may only be busy
            return
        raise CaseError(f"{self.handle.id}: its workflow fails again and again: {why}")

    async def _resting(self) -> RestingCase | None:
        if await self._idle() is None:
            return None
        seen = await self.watched(self._view)
        # Asked once more: what was due may have begun to happen before the case was looked at.
        return await self._still(seen)

    async def _unchanged(self, rested: RestingCase) -> RestingCase | None:
        """Return a case as it was seen if nothing has happened to it since, else None: it is seen without a query."""
        still = await self._still(rested.seen)
        return still if still and still.events == rested.events else None

    async def _still(self, seen: CaseView) -> RestingCase | None:
        idle = await self._idle()
        if idle is None or (seen.next and seen.next - self._origin <= idle[0]):
            return None
        return RestingCase(seen, self._origin, *idle)

    async def _idle(self) -> tuple[timedelta, int] | None:
        """Return the case's time and the length of its history.

        None while a workflow task or the first attempt of an activity is running.
        """
        described = (await self.handle.describe()).raw_description
        retried = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
        waiting = (activity.state == retried and activity.attempt > 1 for activity in described.pending_activities)
        if described.HasField("pending_workflow_task") or not all(waiting):
            return None
        skipping = described.workflow_extended_info.time_skipping_info
        now = skipping.current_time.ToDatetime(UTC) if skipping.HasField("current_time") else datetime.now(UTC)
        return now - self._origin, described.workflow_execution_info.history_length

    async def _skip(self, length: timedelta) -> None:
        try:
            await self.watched(lambda: self._environment.fast_forward(self.handle_for_change(), length))
        except RPCError as ended:
            if ended.status is not RPCStatusCode.NOT_FOUND:
                raise
