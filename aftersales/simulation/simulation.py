"""A case under virtual time: the real workflow, worker and activities on the real server, time skipped."""

from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from aftersales.bootstrap import make_worker, simulated_dependencies
from aftersales.files.offsets import whole
from aftersales.ledger.in_memory import InMemoryLedger
from aftersales.runtime.client.sender_header import BY_COMMAND, with_sender
from aftersales.runtime.settings import Settings
from aftersales.simulation.result import history_size, in_seconds
from aftersales.simulation.scenario import LONGEST_SCENARIO, Expectation, Scenario, ScenarioStep
from aftersales.simulation.virtual_time import (
    TooSlow,
    VirtualCase,
    answered,
    begun_late,
    next_second,
    time_moved_by_hand,
    virtual_server,
    wait_until,
)
from cases.messages import Opening
from workflows.engine.decisions import CLOSED
from workflows.engine.process import Process
from workflows.engine.sender import InputSender
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


class PlayedCase:
    """A case of a scenario, with what it refused or ignored because it had closed."""

    def __init__(self, name: str | None, case: VirtualCase, process: Process) -> None:
        """Take a case that was just opened."""
        self.name, self.case, self.process = name, case, process
        self.refused: list[dict[str, Any]] = []
        self.ignored: list[dict[str, Any]] = []

    async def act(self, step: ScenarioStep, rule: str, values: dict[str, Any] | None) -> None:
        """Let a person fire a rule."""
        try:
            await self.case.watched(lambda: self.case.handle_for_change().execute_update(rule, values))
        except WorkflowUpdateFailedError as refusal:
            self.refused.append({"at": whole(step.at), "rule": rule, "error": refusal_text(refusal)})
        except RPCError as gone:
            if gone.status is not RPCStatusCode.NOT_FOUND:
                raise
            self.refused.append({"at": whole(step.at), "rule": rule, "error": CLOSED})

    async def report(self, step: ScenarioStep, message: dict[str, Any]) -> None:
        """Let the platform report something."""
        try:
            await self.case.watched(lambda: self.case.handle_for_change().signal("report", message))
        except RPCError as gone:
            if gone.status is not RPCStatusCode.NOT_FOUND:
                raise
            late = {"rule": step.report, "message_id": step.message_id}
            self.ignored.append({"at": whole(step.at), **late, "why": CLOSED})

    async def result(self, origin: datetime, ledger: InMemoryLedger) -> dict[str, Any]:
        """Return what ``simulate --json`` prints of the case; what other cases took back is reversed in the ledger."""
        seen, history = (await self.case.rest()).seen, await self.case.handle.fetch_history()
        reversed_ = {entry.key for entry in ledger.entries() if entry.status == "reversed"}
        entries = [
            entry.model_copy(update={"status": "reversed"}) if entry.key in reversed_ else entry
            for entry in seen.ledger
        ]
        seen = seen.model_copy(update={"ledger": entries})
        if self.process.open_case(Opening(facts=seen.facts)).facts.began_at is None and begun_late(history, origin):
            raise TooSlow("this machine is too busy to simulate: the case began a second late")
        return {**in_seconds(seen, origin, self.refused, self.ignored), "history": history_size(history)}


class Simulation:
    """One run of a scenario on a server; ``failed`` lists the expectations that did not hold."""

    def __init__(self, server: WorkflowEnvironment, scenario: Scenario) -> None:
        """Prepare to run."""
        self.failed: list[str] = []
        self._server, self._scenario = server, scenario
        self._played: dict[str | None, PlayedCase] = {}
        self._unopened = sorted(scenario.file.also, key=lambda case: case.at)

    async def run(self) -> dict[str, Any]:
        """Play the scenario to its end; return what ``simulate --json`` prints."""
        self._origin = next_second()
        opened = self._scenario.process.open_case(self._scenario.opening(self._origin))
        self._settings = Settings(task_queue=f"simulation-{opened.facts.own_id}", graceful_shutdown_seconds=0.1)
        console_done = self._scenario.file.platform.console == "done"
        ledger = InMemoryLedger()
        dependencies = simulated_dependencies(self._scenario.script(self._origin), ledger, console_done=console_done)
        async with make_worker(self._server.client, self._settings, dependencies):
            with answered():
                results = await self._played_to_its_end(ledger)
        own = results.pop(None)
        return {**own, "also": results} if results else own

    async def _played_to_its_end(self, ledger: InMemoryLedger) -> dict[str | None, dict[str, Any]]:
        await wait_until(self._origin)
        await self._open(None)
        for number, step in enumerate(self._scenario.file.steps):
            await self._skip_to(step.at)
            await self._take(number, step)
            for played in await self._at_rest():
                (await played.case.rest()).on_time(step.at)
        await self._finish()
        return {name: await played.result(self._origin, ledger) for name, played in self._played.items()}

    async def _open(self, name: str | None, at: timedelta = timedelta(0)) -> None:
        """Open a case at an offset of its own time: that of the other cases has been skipped, but not the server's."""
        process, opening = self._scenario.process_of(name), self._scenario.opening(self._origin, name)
        ahead = self._origin + at - datetime.now(UTC) if at else None
        async with time_moved_by_hand(self._server):
            handle = await start_case(self._server.client, self._settings.task_queue, process, opening, begins_in=ahead)
        handle = with_sender(self._server.client, SENDER, timed=False).get_workflow_handle(handle.id)
        case = VirtualCase(self._server, handle, self._origin)
        if ahead is not None:
            await case.begin(ahead)
        self._played[name] = PlayedCase(name, case, process)

    # The time of the world: that of all its cases.

    async def _skip_to(self, at: timedelta) -> None:
        """Skip to an offset in all cases, stopping wherever something happens in any of them."""
        while True:
            coming = [
                resting.upcoming
                for resting in [await played.case.rest() for played in await self._at_rest()]
                if resting.upcoming is not None and resting.upcoming > resting.now
            ]
            target = min([at, *coming, *(case.at for case in self._unopened)])
            await self._move(target)
            for played in await self._at_rest():
                (await played.case.rest()).not_beyond(target)
            if target == at:
                return

    async def _move(self, target: timedelta) -> None:
        """Move all cases to an instant at which something happens in some of them, those last."""
        upcoming = {name: (await played.case.rest()).upcoming for name, played in self._played.items()}
        for name in sorted(self._played, key=lambda name: (upcoming[name] or LONGEST_SCENARIO) <= target):
            await self._played[name].case.skip_to(target)
            await self._at_rest()
        while self._unopened and self._unopened[0].at <= target:
            case = self._unopened.pop(0)
            await self._open(case.name, case.at)
            await self._played[case.name].case.skip_to(target)
            await self._at_rest()

    async def _at_rest(self) -> list[PlayedCase]:
        """Return all cases once none of them has anything to do: what one has told another may have moved it."""
        played = list(self._played.values())
        for _ in range(len(played)) if len(played) > 1 else ():
            for one in played:
                one.case.look_again()
                await one.case.rest()
        return played

    # The steps.

    async def _take(self, number: int, step: ScenarioStep) -> None:
        played = self._played[step.case]
        if step.expect:
            await self._expect(played, step.expect, number)
        elif step.act:
            await played.act(step, step.act, self._scenario.decision(number, self._origin))
        else:
            await played.report(step, self._scenario.message(number, self._origin))

    async def _expect(self, played: PlayedCase, wanted: Expectation, number: int) -> None:
        seen, document = (await played.case.rest()).seen, self._scenario.document
        actual = {"state": sorted(seen.state), "status": seen.status}
        expected = {"state": None if wanted.state is None else sorted(wanted.state), "status": wanted.status}
        self.failed += [
            f"{document.path}:{document.line('steps', number)}: "
            f"expected {name} {_plain(value)}, found {_plain(actual[name])}"
            for name, value in expected.items()
            if value not in (None, actual[name])
        ]

    async def _finish(self) -> None:
        """Run until the scenario's end, or else until all cases close or nothing more can happen by itself.

        A case that has closed may stay open to facts told late (G-11), which do not come by themselves.
        """
        if self._scenario.file.until is not None:
            await self._skip_to(self._scenario.file.until)
            return
        while True:
            resting = [await played.case.rest() for played in await self._at_rest()]
            coming = [one.upcoming for one in resting if not one.closed and one.upcoming is not None]
            coming += [case.at for case in self._unopened]
            if not coming or min(coming) >= LONGEST_SCENARIO:
                return
            await self._skip_to(min(coming))


def _plain(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
