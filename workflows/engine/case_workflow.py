"""The interpreter: hand time, decisions and messages to a case, perform what it owes.  It knows no process.

``drive`` sleeps until somebody acts or the nearest instant is due; what is owed is performed beside it, in order, so
that an outage of a platform never stops a clock.  One durable timer runs at a time, for the nearest instant; it is
not cancelled when somebody acts earlier, only looked at when it fires.
"""

import asyncio
from datetime import datetime
from typing import Any, ClassVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from cases.errors import CaseError
from cases.shanghai import shanghai
from workflows.engine import activity_calls, decisions, notifications, reports
from workflows.engine.background_tasks import UnderWay
from workflows.engine.continue_as_new import carried, is_pinned, open_machine
from workflows.engine.details import current_details
from workflows.engine.machine import CaseMachine
from workflows.engine.process import Process
from workflows.engine.search_attributes import attributes
from workflows.engine.updates import add_updates
from workflows.engine.view import standing, view


def _refusal(bad: CaseError) -> ApplicationError:
    return ApplicationError(str(bad), type=type(bad).__name__, non_retryable=True)


def _add_run(owner: "type[CaseWorkflow]") -> None:
    """Give a workflow class ``__init__`` and ``run`` of its own: Temporal does not take inherited ones."""

    def __init__(self: CaseWorkflow, *opening: Any) -> None:  # noqa: N807
        CaseWorkflow.__init__(self, *opening)

    async def run(self: CaseWorkflow, *opening: Any) -> dict[str, Any]:
        del opening
        return await self.drive()

    for method in (__init__, run):
        method.__qualname__ = f"{owner.__qualname__}.{method.__name__}"
        method.__module__ = owner.__module__
    setattr(owner, "__init__", workflow.init(__init__))  # noqa: B010
    setattr(owner, "run", workflow.run(run))  # noqa: B010


class CaseWorkflow:
    """The base of every process's workflow: ``class XWorkflow(CaseWorkflow, process=Process(...))`` is all it takes."""

    process: ClassVar[Process]

    def __init_subclass__(cls, *, process: Process, **options: Any) -> None:
        """Define a Temporal workflow under the process's name, with an update for every rule of its chart."""
        super().__init_subclass__(**options)
        cls.process = process
        add_updates(cls, process)
        _add_run(cls)
        workflow.defn(name=process.name)(cls)

    def __init__(self, *opening: Any) -> None:
        """Open the case, or resume it; ``drive`` fails the workflow where the opening cannot be read."""
        self._moves, self._logged = 0, 0
        self._recorded = False
        self._timer: asyncio.Task[None] | None = None
        self._timer_due: datetime | None = None
        self._under_way = UnderWay(self._moved)
        self._pinned = is_pinned(opening)
        self._opened: CaseMachine | CaseError
        try:
            info = workflow.info()
            self._opened = open_machine(
                self.process, info.workflow_id, opening, activity_calls.now(), resumed=info.continued_run_id is not None
            )
            self._logged = len(self._opened.record.timeline)
        except CaseError as bad:
            self._opened = bad

    @property
    def _machine(self) -> CaseMachine:
        if isinstance(self._opened, CaseError):
            raise _refusal(self._opened)
        return self._opened

    async def drive(self) -> dict[str, Any]:
        """Live the case's whole life; returns where it ended."""
        machine = self._machine
        if not self._pinned:  # figures of the code may change, an open case's never (G-9)
            await self._carry_on()
        while True:
            seen = self._moves
            reports.judge_again(machine, activity_calls.now())
            machine.advance(activity_calls.now())
            self._gather_news()
            self._under_way.follow(machine)
            self._show()
            if machine.finished and self._has_ended():
                break
            if workflow.info().is_continue_as_new_suggested() and not self._under_way:
                await self._carry_on()
            await self._sleep(seen)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return standing(machine)

    def _has_ended(self) -> bool:
        """Whether nothing is left to do of a case that is finished; recording its outcome is the last of it."""
        if not self._recorded and self._may_record():
            self._recorded = True
            self._under_way.record_outcome(self._machine)
        return not self._under_way

    def _may_record(self) -> bool:
        # A case with news tells and records at once; one from before them waits, and one from before outcomes has none.
        return bool(self._machine.record.news) or (not self._under_way and workflow.patched("outcome"))

    def _moved(self) -> None:
        self._moves += 1

    def _gather_news(self) -> None:
        notifications.drop(self._machine)
        found = notifications.untold(self._machine, activity_calls.now())
        if found and workflow.patched("news"):
            self._machine.record.news += found

    async def _carry_on(self) -> None:
        """Go on in a new run with all that is known."""
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(carried(self._machine))

    async def _sleep(self, seen: int) -> None:
        """Until somebody acts, something performed has ended, or the nearest instant is due."""
        nearest = self._machine.next_instant(activity_calls.now())
        if nearest and not (self._timer and self._timer_due and self._timer_due <= nearest):
            if self._timer:
                self._timer.cancel()
            summary = f"{self.process.label}:{shanghai(nearest)}"
            self._timer_due = nearest
            self._timer = asyncio.create_task(workflow.sleep(nearest - workflow.now(), summary=summary))
        try:
            await workflow.wait_condition(
                lambda: self._moves > seen or (self._timer is not None and self._timer.done())
            )
        except asyncio.CancelledError:  # the platform's clocks go on whatever we do: a case cannot be called off
            reports.decline_cancellation(self._machine, activity_calls.now())
        if self._timer and self._timer.done():
            self._timer = None
        if self._under_way.broken:
            raise self._under_way.broken

    def _show(self) -> None:
        """Tell the log what happened and operators where the case stands; of the attributes only what changed."""
        for entry in self._machine.record.timeline[self._logged :]:
            about = {
                "shop": self._machine.case.facts.shop,
                "rule": entry.rule,
                "by": entry.by,
                "reached": entry.reached,
            }
            workflow.logger.info("rule fired", extra=about)
        self._logged = len(self._machine.record.timeline)
        workflow.set_current_details(current_details(self._machine))
        known = workflow.info().typed_search_attributes
        changed = [
            key.value_set(value) if value is not None else key.value_unset()
            for key, value in attributes(self._machine).items()
            if known.get(key) != value
        ]
        if changed:
            workflow.upsert_search_attributes(changed)

    def may_fire(self, rule: str, form: Any) -> None:
        """Refuse what the rules do not allow now, before anything is written (G-4)."""
        try:
            decisions.check(self._machine.as_of(activity_calls.now()), rule, form)
        except CaseError as bad:
            raise _refusal(bad) from bad

    def fire(self, rule: str, form: Any) -> dict[str, Any]:
        """Do what a person decided; overdue clocks go first."""
        try:
            decisions.act(self._machine, rule, form, activity_calls.now())
        except CaseError as bad:
            raise _refusal(bad) from bad
        self._moved()
        return standing(self._machine)

    @workflow.update(description="重试卡住的步骤 {serial?}")
    async def retry_effect(self, which: Any = None) -> dict[str, Any]:
        """Try a stuck effect again (G-7)."""
        decisions.retry_effect(self._machine, which)
        self._moved()
        return standing(self._machine)

    @retry_effect.validator
    def _may_retry(self, which: Any = None) -> None:
        self._may_touch(which, retry=True)

    @workflow.update(description="已人工办妥卡住的步骤或控制台任务 {serial?, note?}")
    async def done_by_hand(self, which: Any = None) -> dict[str, Any]:
        """Take a stuck effect or a console task as done by the operator (G-7, G-8)."""
        decisions.done_by_hand(self._machine, which, activity_calls.now())
        self._moved()
        return standing(self._machine)

    @done_by_hand.validator
    def _may_take(self, which: Any = None) -> None:
        self._may_touch(which, retry=False)

    def _may_touch(self, which: Any, *, retry: bool) -> None:
        try:
            decisions.stuck(self._machine, which, retry=retry)
        except CaseError as bad:
            raise _refusal(bad) from bad

    @workflow.signal(description="平台消息 {message_id, rule, form?, order?, occurred_at?, deadline?}")
    def report(self, message: Any = None) -> None:
        """Take a message of the platform; one that does not apply is kept as ignored (G-3)."""
        if isinstance(self._opened, CaseMachine):
            reports.receive(self._opened, message, activity_calls.now())
            self._moved()

    @workflow.query(description="案件全貌:状态、时限、可做的动作、时间线、待办")
    def view(self) -> dict[str, Any]:
        """Everything about the case."""
        return view(self._machine, activity_calls.now())
