"""A case under virtual time: the real workflow, worker and activities on the real server, time skipped."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import WorkflowUpdateFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from cases.messages import Settlement
from cases.models import read
from cli.offsets import whole
from cli.output import silenced
from cli.running import refused_in_words
from cli.scenario import Scenario, Step
from platforms.scripted import Script
from runtime.server import temporal_binary
from runtime.settings import Settings
from workflows.attributes import KEYS
from workflows.opening import start_case

SERVER_FLAGS = [
    "--dynamic-config-value",
    "frontend.WorkflowTimeSkippingEnabled=true",
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="10ms"',
]
QUIET_SECONDS = 5.0
LONGEST = timedelta(days=400)
"""A scenario that runs longer by itself is cut off."""
RETRYING = timedelta(minutes=30)
"""How far time is skipped at once while nothing but retries goes on."""


class Simulation:
    """One run of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        """Prepare to run."""
        self.scenario = scenario
        self.refused: list[dict[str, Any]] = []
        self.ignored: list[dict[str, Any]] = []
        self.failed: list[str] = []
        self._origin = datetime.now(UTC)

    async def run(self) -> dict[str, Any]:
        """Play the scenario to its end; returns what ``simulate --json`` prints."""
        from worker import make_worker, scripted_world  # noqa: PLC0415 - loaded while the server starts

        with silenced():  # the server prints a banner, and keeps the standard output that it was started with
            environment = await WorkflowEnvironment.start_time_skipping_v2(
                data_converter=pydantic_data_converter,
                search_attributes=KEYS,
                dev_server_existing_path=temporal_binary(),
                dev_server_extra_args=SERVER_FLAGS,
                dev_server_log_level="error",
            )
        self._env = environment
        try:
            settings = Settings(task_queue="simulation", graceful_shutdown_seconds=0.1)
            origin = await _whole_second()
            self._origin = origin
            world = scripted_world(self._script(origin))
            async with make_worker(environment.client, settings, world):
                with environment.with_time_skipping_disabled():
                    self._handle = await start_case(
                        environment.client, settings.task_queue, self.scenario.process, self.scenario.opening(origin)
                    )
                for number, step in enumerate(self.scenario.file.steps):
                    await self._reach(step.at)
                    await self._take(step, number)
                await self._finish()
                return await self._result()
        finally:
            await environment.shutdown()

    def _script(self, origin: datetime) -> Script:
        answers = self.scenario.file.platform
        settle = {}
        for clock, answer in answers.settle.items():
            told: dict[str, Any] = {"rule": answer} if isinstance(answer, str) else dict(answer)
            for name in ("occurred_at", "deadline"):
                if name in told:
                    told[name] = self.scenario.instant(told[name], origin)
            settle[clock] = read(Settlement, told, f"platform.settle.{clock}")
        return Script(settle=settle, fail=answers.fail)

    async def _reach(self, at: timedelta) -> None:
        """Let virtual time come to an offset, and everything happen that is due by then."""
        await self._quiet()
        left = self._origin + at - await self._env.get_current_time(self._handle)
        if left > timedelta(0):
            await self._env.fast_forward(self._handle, left)
        await self._quiet()

    async def _quiet(self) -> None:
        """Until everything due has happened and nothing is under way but calls that wait to be retried."""
        until = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < until:
            raw = (await self._handle.describe()).raw_description
            retried = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
            waiting = [each.state == retried and each.attempt > 1 for each in raw.pending_activities]
            if all(waiting) and not raw.HasField("pending_workflow_task"):
                upcoming = (await self._handle.query("view"))["next"]
                now = await self._env.get_current_time(self._handle)
                if upcoming is None or datetime.fromisoformat(upcoming) > now:
                    return
            await asyncio.sleep(0.005)

    async def _take(self, step: Step, number: int) -> None:
        rule = step.act or step.report
        form = self.scenario.form(step, rule, self._origin) if rule else None
        if step.expect:
            await self._expect(step, number)
        elif step.act:
            await self._act(step, step.act, form)
        else:
            await self._report(step, form)

    async def _act(self, step: Step, rule: str, form: dict[str, Any] | None) -> None:
        given = form if step.order is None else {**(form or {}), "order": step.order}
        try:
            await self._handle.execute_update(rule, given)
        except WorkflowUpdateFailedError as refusal:
            self.refused.append({"at": whole(step.at), "rule": rule, "error": refused_in_words(refusal)})
        except RPCError as gone:
            if gone.status is not RPCStatusCode.NOT_FOUND:
                raise
            self.refused.append({"at": whole(step.at), "rule": rule, "error": "案件已结束 / the case is closed"})

    async def _report(self, step: Step, form: dict[str, Any] | None) -> None:
        message = {
            "message_id": step.message_id,
            "rule": step.report,
            "form": form,
            "order": step.order,
            "occurred_at": self.scenario.instant(step.occurred_at, self._origin),
            "deadline": self.scenario.instant(step.deadline, self._origin),
        }
        try:
            await self._handle.signal("report", {name: each for name, each in message.items() if each is not None})
        except RPCError as gone:
            if gone.status is not RPCStatusCode.NOT_FOUND:
                raise
            late = {"rule": step.report, "message_id": step.message_id}
            self.ignored.append({"at": whole(step.at), **late, "why": "案件已结束 / the case is closed"})

    async def _expect(self, step: Step, number: int) -> None:
        seen, wanted = await self._handle.query("view"), step.expect
        for name in ("state", "status"):
            value = getattr(wanted, name)
            found = sorted(seen[name]) if name == "state" else seen[name]
            if value is not None and found != (sorted(value) if name == "state" else value):
                line = self.scenario.document.lines.get(("steps", number), 1)
                self.failed.append(
                    f"{self.scenario.document.path}:{line}: expected {name} {_plain(value)}, found {_plain(seen[name])}"
                )

    async def _finish(self) -> None:
        """Until the asked end; else until the case closes or nothing more can happen by itself."""
        if self.scenario.file.until is not None:
            await self._reach(self.scenario.file.until)
            return
        while True:
            await self._quiet()
            seen = await self._handle.query("view")
            now = await self._env.get_current_time(self._handle)
            if seen["finished"] or now - self._origin > LONGEST:
                return
            if seen["busy"]:
                await self._env.fast_forward(self._handle, RETRYING)
            elif seen["next"] is not None and seen["status"] == "open":
                left = datetime.fromisoformat(seen["next"]) - now
                await self._env.fast_forward(self._handle, max(left, timedelta(0)))
            else:
                return

    async def _result(self) -> dict[str, Any]:
        seen = await self._handle.query("view")
        described = (await self._handle.describe()).raw_description.workflow_execution_info
        return {
            "process": seen["process"],
            "case_id": seen["case_id"],
            "status": seen["status"],
            "state": seen["state"],
            "timeline": [self._fired(entry) for entry in seen["timeline"]],
            "refused": self.refused,
            "ignored": [
                *({**each, "at": self._at(each["at"])} for each in seen["ignored"]),
                *self.ignored,
            ],
            "effects": [
                {"at": self._at(each["at"]), "effect": each["effect"], "status": each["status"]}
                for each in seen["effects"]
            ],
            "ledger": [
                {name: entry[name] for name in ("clause", "amount", "points", "status", "order")}
                for entry in seen["ledger"]
            ],
            "reminders": [
                {"at": self._at(each["at"]), "deadline": self._at(each["deadline"])} for each in seen["reminders"]
            ],
            "history": {"events": described.history_length, "bytes": described.history_size_bytes},
        }

    def _fired(self, entry: dict[str, Any]) -> dict[str, Any]:
        return {
            "at": self._at(entry["at"]),
            "rule": entry["rule"],
            "by": entry["by"],
            "from": entry["left"],
            "to": entry["reached"],
            "clause": entry["clause"],
            "order": entry["order"],
        }

    def _at(self, written: str) -> int:
        return whole(datetime.fromisoformat(written) - self._origin)


async def _whole_second() -> datetime:
    """The start of a second that has just begun: cases count whole seconds, so a run begins on one."""
    fraction = time.time() % 1
    if fraction > 0.1:  # noqa: PLR2004
        await asyncio.sleep(1 - fraction)
    return datetime.now(UTC).replace(microsecond=0)


def _plain(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)
