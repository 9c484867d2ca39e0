"""A case under virtual time: the real workflow, worker and activities on the real server, time skipped."""

from typing import Any

from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from aftersales.bootstrap import make_worker, simulated_dependencies
from aftersales.files.offsets import whole
from aftersales.runtime.sender_header import BY_COMMAND, with_sender
from aftersales.runtime.settings import Settings
from aftersales.simulation.result import history_size, in_seconds
from aftersales.simulation.scenario import LONGEST_SCENARIO, Expectation, Scenario, ScenarioStep
from aftersales.simulation.virtual_time import (
    TooSlow,
    VirtualCase,
    begun_late,
    next_second,
    time_moved_by_hand,
    virtual_server,
    wait_until,
)
from workflows.engine.decisions import CLOSED
from workflows.engine.sender import InputSender
from workflows.engine.view import CaseView
from workflows.opening import refusal_text, start_case

ATTEMPTS = 5
SENDER = InputSender(name="simulate", way=BY_COMMAND)
"""Whoever acts and reports in a scenario."""


async def simulate(scenario: Scenario) -> tuple[dict[str, Any], list[str]]:
    """Play a scenario on its own server, again if the machine was too busy; return its result and what failed."""
    for attempt in range(1, ATTEMPTS + 1):
        async with virtual_server() as server:
            simulation = Simulation(server, scenario)
            try:
                return await simulation.run(), simulation.failed
            except TooSlow:
                if attempt == ATTEMPTS:
                    raise
    raise AssertionError


class Simulation:
    """One run of a scenario on a server; ``failed`` lists the expectations that did not hold."""

    def __init__(self, server: WorkflowEnvironment, scenario: Scenario) -> None:
        """Prepare to run."""
        self.failed: list[str] = []
        self._server, self._scenario = server, scenario
        self._refused: list[dict[str, Any]] = []
        self._ignored: list[dict[str, Any]] = []

    async def run(self) -> dict[str, Any]:
        """Play the scenario to its end; return what ``simulate --json`` prints."""
        self._origin = next_second()
        opening = self._scenario.opening(self._origin)
        opened = self._scenario.process.open_case(opening)
        settings = Settings(task_queue=f"simulation-{opened.facts.own_id}", graceful_shutdown_seconds=0.1)
        console_done = self._scenario.file.platform.console == "done"
        dependencies = simulated_dependencies(self._scenario.script(self._origin), console_done=console_done)
        async with make_worker(self._server.client, settings, dependencies):
            await wait_until(self._origin)
            async with time_moved_by_hand(self._server):
                handle = await start_case(self._server.client, settings.task_queue, self._scenario.process, opening)
            handle = with_sender(self._server.client, SENDER, timed=False).get_workflow_handle(handle.id)
            self._case = VirtualCase(self._server, handle, self._origin)
            for number, step in enumerate(self._scenario.file.steps):
                await self._case.skip_to(step.at)
                await self._take(number, step)
                (await self._case.rest()).on_time(step.at)
            seen, history = await self._finish(), await handle.fetch_history()
        if opened.facts.began_at is None and begun_late(history, self._origin):
            raise TooSlow("this machine is too busy to simulate: the case began a second late")
        return {**in_seconds(seen, self._origin, self._refused, self._ignored), "history": history_size(history)}

    async def _take(self, number: int, step: ScenarioStep) -> None:
        if step.expect:
            await self._expect(step.expect, number)
        elif step.act:
            await self._act(step, step.act, self._scenario.decision(number, self._origin))
        else:
            await self._report(step, self._scenario.message(number, self._origin))

    async def _act(self, step: ScenarioStep, rule: str, values: dict[str, Any] | None) -> None:
        try:
            await self._case.watched(lambda: self._case.handle_for_change().execute_update(rule, values))
        except WorkflowUpdateFailedError as refusal:
            self._refused.append({"at": whole(step.at), "rule": rule, "error": refusal_text(refusal)})
        except RPCError as gone:
            if gone.status is not RPCStatusCode.NOT_FOUND:
                raise
            self._refused.append({"at": whole(step.at), "rule": rule, "error": CLOSED})

    async def _report(self, step: ScenarioStep, message: dict[str, Any]) -> None:
        try:
            await self._case.watched(lambda: self._case.handle_for_change().signal("report", message))
        except RPCError as gone:
            if gone.status is not RPCStatusCode.NOT_FOUND:
                raise
            late = {"rule": step.report, "message_id": step.message_id}
            self._ignored.append({"at": whole(step.at), **late, "why": CLOSED})

    async def _expect(self, wanted: Expectation, number: int) -> None:
        seen, document = (await self._case.rest()).seen, self._scenario.document
        actual = {"state": sorted(seen.state), "status": seen.status}
        expected = {"state": None if wanted.state is None else sorted(wanted.state), "status": wanted.status}
        self.failed += [
            f"{document.path}:{document.line('steps', number)}: "
            f"expected {name} {_plain(value)}, found {_plain(actual[name])}"
            for name, value in expected.items()
            if value not in (None, actual[name])
        ]

    async def _finish(self) -> CaseView:
        """Run until the scenario's end, or else until the case closes or nothing more can happen by itself.

        A case that has closed may stay open to facts told late (G-11), which do not come by themselves.
        """
        if self._scenario.file.until is not None:
            await self._case.skip_to(self._scenario.file.until)
            return (await self._case.rest()).seen
        resting = await self._case.rest()
        while not resting.closed and resting.upcoming is not None and resting.now < LONGEST_SCENARIO:
            await self._case.skip_to(resting.upcoming)
            resting = await self._case.rest()
        return resting.seen


def _plain(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
