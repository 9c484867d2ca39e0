"""A case on a time-skipping server, and what a test does with it."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import WorkflowHandle, WorkflowHistory, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from aftersales.runtime.client.sender_header import with_sender
from cases.durations import parse_duration
from cases.messages import ExpiryOutcome
from tests.support.patience import PATIENCE_SECONDS
from tests.support.rules.stage import Scene
from workflows.engine.sender import InputSender

PROCESS = "douyin_reship"
PASSING = ("not scheduled yet", "Workflow Task in failed state", "no poller seen")
"""Why a case does not answer yet.

It has just continued as new; a step took too long on a busy machine, and is tried again; the worker has just started.
"""
CALLED_OFF = (
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
)
"""Why the server itself calls a workflow task off: more arrived meanwhile, or so much that it did not fit beside it."""


def facts(own_id: str, **changes: Any) -> dict[str, Any]:
    """Return the facts of a reship that was applied for just now."""
    return {
        "shop_id": "S1",
        "after_sale_id": own_id,
        "order_id": "O1",
        "category_id": "C1",
        "reason": "never_received",
        "order_amount": "100.00",
        "applied_at": whole_now().isoformat(),
        **changes,
    }


def whole_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


async def eventually(what: str, holds: Callable[[], Awaitable[Any]], within: float = PATIENCE_SECONDS) -> Any:
    """Poll until ``holds`` gives something true, and return it; fails after a deadline."""
    begun, why = time.monotonic(), ""
    while True:
        try:
            result = await holds()
        except RPCError as error:
            if not any(text in error.message for text in PASSING):
                raise
            result, why = None, f" ({error.message})"
        if result:
            return result
        waited = time.monotonic() - begun
        assert waited < within, f"never came true: {what}{why}"
        await asyncio.sleep(max(0.01, waited / 20))  # what takes long is asked for less often


class Life:
    """One case: what people and the platform do to it, and how time passes for it."""

    def __init__(
        self, environment: WorkflowEnvironment, handle: WorkflowHandle[Any, Any], scene: Scene, opened: datetime
    ) -> None:
        self.environment, self.handle, self.scene, self.opened = environment, handle, scene, opened

    @property
    def id(self) -> str:
        return self.handle.id

    async def act(self, rule: str, *form: Any, key: str | None = None, sender: InputSender | None = None) -> Any:
        """Give a decision, under a key if one is named, and as a sender."""
        return await self._handle_of(sender).execute_update(rule, args=list(form), id=key)

    async def refused(self, rule: str, *form: Any, key: str | None = None) -> ApplicationError:
        """Give a decision that is refused; return why."""
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await self.act(rule, *form, key=key)
        assert isinstance(failed.value.cause, ApplicationError)
        return failed.value.cause

    async def report(self, *, sender: InputSender | None = None, **message: Any) -> None:
        """Report a message of the platform, or of another sender."""
        await self._handle_of(sender).signal("report", message)

    def _handle_of(self, sender: InputSender | None) -> WorkflowHandle[Any, Any]:
        if sender is None:
            return self.handle
        return with_sender(self.environment.client, sender, timed=False).get_workflow_handle(self.id)

    async def view(self) -> dict[str, Any]:
        return await eventually("an answer", lambda: self.handle.query("view"))  # type: ignore[no-any-return]

    async def now(self) -> datetime:
        return await self.environment.get_current_time(self.handle)

    async def pass_time(self, length: str) -> None:
        """Let virtual time pass."""
        await self.environment.fast_forward(self.handle, parse_duration(length))

    async def reach(self, offset: str) -> None:
        """Let virtual time come to an offset from the application."""
        await self.environment.fast_forward(self.handle, self.opened + parse_duration(offset) - await self.now())

    async def until(self, what: str, holds: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        async def look() -> dict[str, Any] | None:
            seen = await self.view()
            return seen if holds(seen) else None

        return await eventually(f"{self.id}: {what}", look)  # type: ignore[no-any-return]

    async def until_state(self, state: str) -> dict[str, Any]:
        return await self.until(f"state {state}", lambda seen: seen["state"] == [state] and not seen["busy"])

    async def until_closed(self) -> dict[str, Any]:
        """Wait until the case has ended and owes nothing; it may still run on for facts told late (G-11)."""
        return await self.until("closed", lambda seen: seen["status"] == "closed" and not seen["busy"])

    async def until_recorded(self, *states: str) -> None:
        """Wait until the ledger has had these outcomes one after the other, and has what the case says now."""

        async def recorded() -> bool:
            kept = self.scene.records[-1] if self.scene.records else None
            return [outcome.state for outcome in self.scene.outcomes] == list(states) and kept is not None

        await eventually(f"{self.id}: recorded", recorded)

    async def until_over(self) -> Any:
        """Wait until the workflow has completed; return what it returns."""
        return await asyncio.wait_for(self.handle.result(), PATIENCE_SECONDS)

    async def histories(self) -> list[WorkflowHistory]:
        """Return the histories of all runs, in order."""
        histories, run = [], self.handle.first_execution_run_id
        while run:
            handle = self.environment.client.get_workflow_handle(self.id, run_id=run)
            histories.append(await handle.fetch_history())
            run = histories[-1].events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
        return histories

    async def kinds(self) -> list[str]:
        """Return the kinds of the events of all runs."""
        return [
            EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")
            for history in await self.histories()
            for event in history.events
        ]

    async def wedged(self) -> list[str]:
        """Causes and texts of failed workflow tasks; one that the server itself calls off is none."""
        return [failed for history in await self.histories() for failed in failed_tasks(history)]


def failed_tasks(history: WorkflowHistory) -> list[str]:
    """Return causes and texts of failed workflow tasks; one that the server itself calls off is none."""
    failed = [
        event.workflow_task_failed_event_attributes
        for event in history.events
        if event.HasField("workflow_task_failed_event_attributes")
    ]
    return [
        f"{WorkflowTaskFailedCause.Name(task.cause)}: {task.failure.message}"
        for task in failed
        if task.cause not in CALLED_OFF
    ]


def fired(seen: dict[str, Any]) -> list[str]:
    """Return the rules that fired, in order."""
    return [entry["rule"] for entry in seen["timeline"]]


def at(seen: dict[str, Any], rule: str) -> datetime:
    """Return when a rule last fired."""
    return next(datetime.fromisoformat(entry["at"]) for entry in reversed(seen["timeline"]) if entry["rule"] == rule)


def due(seen: dict[str, Any]) -> datetime:
    """Return the nearest deadline."""
    return datetime.fromisoformat(seen["deadlines"][0]["due"])


def settled(rule: str | None = None, **answer: Any) -> ExpiryOutcome:
    return ExpiryOutcome.model_validate_json(json.dumps({"rule": rule, **answer}, default=str))


Open = Callable[..., Awaitable[Life]]
