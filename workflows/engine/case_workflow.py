"""The workflow of every process: it passes time, decisions and messages to a case and performs the effects.

``drive`` sleeps until somebody acts or the nearest instant is due.  Effects are performed in order by a task of their
own, so that an outage of a platform never stops a clock, and what other cases are told by another, so that one of the
ledger stops no effect.  One durable timer runs at a time, for the nearest instant.  If somebody acts earlier it is not
cancelled: when it fires, the case just looks whether anything is due.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache, partial
from types import new_class
from typing import Any, ClassVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from cases.errors import BadForm, CaseError, PlatformRefused, UnreadableCase
from cases.messages import Report
from cases.models import read, whole_seconds
from cases.shanghai import shanghai
from statecharts.rules import Rule
from workflows.engine.activity_calls import ActivityCalls
from workflows.engine.arrivals import AS_GIVEN, MESSAGES_AT_ONCE, Arrivals, Turn
from workflows.engine.background_tasks import BackgroundTasks
from workflows.engine.case_time import CaseTime, after_reset
from workflows.engine.continue_as_new import next_input, open_machine, typed_by_hand
from workflows.engine.course import given_at
from workflows.engine.details import current_details, static_details, static_summary
from workflows.engine.limits import clip_report, refuse_oversized
from workflows.engine.machine import NOT_CANCELLED, CaseMachine
from workflows.engine.process import Process
from workflows.engine.search_attributes import attributes
from workflows.engine.sender import UNKNOWN_SENDER, InputSender, current_sender
from workflows.engine.situation import ORDER_FIELD
from workflows.engine.view import CaseSummary, CaseView, summary, view

SETTLED_BEFORE_SHOWN = "2026-11-29"
"""Since this edition a case does all that follows from its local calls before it shows how it stands.

Before, it showed first if an update had begun a local call in the same activation.  A worker without the case in its
cache gets an update together with the task before it, if that one had no commands, and a replay gets them apart: the
same commands came in another order, and the case was wedged.
"""

IN_TURN = "2026-11-30"
"""Since this edition decisions and confirmations are judged after the messages that had arrived before them.

A reset gives a case all its inputs again, in one task.  Before, a decision was then judged, and lost, before the
messages that had made it possible were taken in.
"""


@contextmanager
def _refusals_to_callers() -> Iterator[None]:
    """Turn a refusal into a failed update instead of a failed workflow task."""
    try:
        yield
    except CaseError as bad:
        raise _failure(bad) from bad


def _failure(bad: CaseError) -> ApplicationError:
    return ApplicationError(str(bad), type=type(bad).__name__, non_retryable=True)


def take_message(machine: CaseMachine, message: Any, instant: datetime, sender: InputSender = UNKNOWN_SENDER) -> None:
    """Read a message and pass it to the case; one that cannot be read, or is too large, is kept clipped as ignored."""
    try:
        refuse_oversized(message, "report")
        report = read(Report, message, "report")
    except BadForm as bad:
        machine.ignore(str(bad), instant, clip_report(message))
    else:
        machine.receive(report, instant, sender=sender)


def update_description(process: Process, rule: Rule) -> str:
    """Return the description of an update in the Web UI: label, clauses and fields."""
    label = process.action_label(rule.id)
    fields = process.case.form_type(rule.form).model_fields
    names = [name + ("" if field.is_required() else "?") for name, field in fields.items()]
    if process.names_order(rule.id):
        names.insert(0, ORDER_FIELD)
    return f"{label} ({', '.join(rule.clauses)})" + (f" · {{{', '.join(names)}}}" if names else "")


def _update(rule: str, description: str) -> Callable[..., Any]:
    async def handle(self: "CaseWorkflow", form: Any = None) -> CaseSummary:
        return await self.decide(rule, form)

    def validate(self: "CaseWorkflow", form: Any = None) -> None:
        self.may_decide(rule, form)

    handle.__name__, validate.__name__ = rule, f"may_{rule}"
    handler = workflow.update(name=rule, description=description)(handle)
    handler.validator(validate)
    return handler


def _add_run(owner: "type[CaseWorkflow]") -> None:
    """Define ``__init__`` and ``run`` on a workflow class itself: Temporal does not accept inherited ones."""

    def __init__(self: CaseWorkflow, *opening: Any) -> None:  # noqa: N807
        CaseWorkflow.__init__(self, *opening)

    async def run(self: CaseWorkflow, *opening: Any) -> CaseSummary:
        del opening
        return await self.drive()

    for method in (__init__, run):
        method.__qualname__ = f"{owner.__qualname__}.{method.__name__}"
        method.__module__ = owner.__module__
    setattr(owner, "__init__", workflow.init(__init__))  # noqa: B010
    setattr(owner, "run", workflow.run(run))  # noqa: B010


class CaseWorkflow:
    """The base of the workflow of every process."""

    process: ClassVar[Process]

    def __init_subclass__(cls, *, process: Process, **options: Any) -> None:
        """Define a Temporal workflow under the process's name, with an update for every rule of its chart."""
        super().__init_subclass__(**options)
        cls.process = process
        for name, rule in process.rules.items():
            if rule.clock is None:  # the Web UI offers every update (G-4)
                setattr(cls, f"update_{name}", _update(name, update_description(process, rule)))
        _add_run(cls)
        workflow.defn(name=process.name)(cls)

    def __init__(self, *opening: Any) -> None:
        """Open the case, or resume it; if the opening cannot be read, ``drive`` fails the workflow."""
        self._progress, self._fired = 0, 0
        self._followed, self._confirming = False, 0
        self._time = CaseTime()
        self._arrivals = Arrivals()
        self._timer: asyncio.Task[None] | None = None
        self._timer_due: datetime | None = None
        self._shown: dict[str, Any] | None = None
        self._typed_by_hand = typed_by_hand(opening)
        self._opened: CaseMachine | CaseError
        try:
            info = workflow.info()
            resumed = info.continued_run_id is not None
            started = whole_seconds(info.workflow_start_time)  # a reset repeats the first task, but later
            self._opened = open_machine(self.process, info.workflow_id, opening, started, resumed=resumed)
            self._fired = self._opened.state.fired_in_all
            self._calls = ActivityCalls(self._opened, self._time)
            self._tasks = BackgroundTasks(self._calls, self._note_progress)
        except CaseError as bad:
            self._opened = bad

    @property
    def _machine(self) -> CaseMachine:
        if isinstance(self._opened, UnreadableCase):  # fails the task, which is tried again until a worker can read it
            raise self._opened
        if isinstance(self._opened, CaseError):
            raise _failure(self._opened)
        return self._opened

    async def drive(self) -> CaseSummary:
        """Run the case until it is over; return its final state.

        It cannot be cancelled, whatever it is waiting for: the platform's clocks go on.
        """
        machine, life = self._machine, asyncio.create_task(self._live())
        while True:
            try:
                return await asyncio.shield(life)
            except asyncio.CancelledError:
                if life.done():  # the worker gives the case up, and cancels whatever runs
                    raise
                machine.ignore(NOT_CANCELLED, self._time.now())
                self._note_progress()

    async def _live(self) -> CaseSummary:
        machine = self._machine
        if self._typed_by_hand:  # the edition in force may change, that of an open case never (G-9)
            while self._take_messages():
                await self._begin_another_task()
            await self._go_on_for_decisions()
            await self._continue_as_new()
        while True:
            seen = self._progress
            more = self._take_messages()
            machine.advance(self._time.now())
            self._notify()
            self._tasks.follow(machine)
            self._followed = True
            await workflow.wait_condition(lambda: not self._calls.local)
            if self._progress != seen and not more and machine.case.opened_since(SETTLED_BEFORE_SHOWN):
                continue
            if self._as_given and not more and self._messages_due():
                continue
            self._show()
            if more:
                await self._begin_another_task()
                continue
            if self._progress == seen and not self._tasks and not self._arrivals.messages:
                if machine.finished(self._time.now()):
                    break
                if workflow.info().is_continue_as_new_suggested():
                    await self._continue_as_new()
            await self._sleep(seen)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return summary(machine)

    async def _go_on_for_decisions(self) -> None:
        """Do what is owed as long as decisions wait, which may be for that."""

        def moved_on(seen: int) -> bool:
            return self._progress > seen or not self._arrivals.turns

        while self._arrivals.turns:
            seen = self._progress
            self._machine.advance(self._time.now())
            self._tasks.follow(self._machine)
            await workflow.wait_condition(partial(moved_on, seen))
            if self._tasks.error:
                raise self._tasks.error
            while self._take_messages():
                await self._begin_another_task()

    def _note_progress(self) -> None:
        self._progress += 1

    def _notify(self) -> None:
        self._machine.end_notifications()
        self._machine.notify(self._machine.unnotified(), self._time.now())

    async def _continue_as_new(self) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)
        while self._take_messages():  # those that have arrived while a decision was being submitted
            pass
        workflow.continue_as_new(next_input(self._machine))

    async def _sleep(self, seen: int) -> None:
        """Wait until somebody acts, a task makes progress, or the nearest instant is due."""
        nearest = self._machine.next_instant(self._time.now())
        if nearest and not (self._timer and self._timer_due and self._timer_due <= nearest):
            if self._timer:
                self._timer.cancel()
            timer_summary = f"{self.process.label}:{shanghai(nearest)}"
            self._timer_due = nearest
            self._timer = asyncio.create_task(self._time.sleep_until(nearest, timer_summary))
        await workflow.wait_condition(lambda: self._progress > seen or (self._timer is not None and self._timer.done()))
        if self._timer and self._timer.done():
            self._timer = None
        if self._tasks.error:
            raise self._tasks.error

    def _show(self) -> None:
        """Log the rules that fired, and upsert the search attributes that changed."""
        state = self._machine.state
        for entry in state.timeline[len(state.timeline) - max(0, state.fired_in_all - self._fired) :]:
            about = {
                "shop": self._machine.case.facts.shop,
                "rule": entry.rule,
                "by": entry.by,
                "actor": entry.actor,
                "reached": entry.reached,
            }
            workflow.logger.info("rule fired", extra=about)
        self._fired = state.fired_in_all
        if self._shown is None:
            self._shown = {pair.key.name: pair.value for pair in workflow.info().typed_search_attributes}
        current = attributes(self._machine)
        changed = {key: value for key, value in current.items() if self._shown.get(key.name) != value}
        if changed:
            workflow.upsert_search_attributes(
                [key.value_unset() if value is None else key.value_set(value) for key, value in changed.items()]
            )
            self._shown.update((key.name, value) for key, value in changed.items())

    def details(self) -> str:
        """Return the current details; in a later run with what Temporal has forgotten of the first: its static ones."""
        current = current_details(self._machine, self._time.now())
        if workflow.info().continued_run_id is None:
            return current
        return "\n".join((current, "", static_summary(self._machine), "", static_details(self._machine)))

    def may_decide(self, rule: str, form: Any) -> None:
        """Refuse a decision that the rules do not allow now, before anything is written (G-4)."""
        with _refusals_to_callers():
            refuse_oversized(form, rule)
            if machine := self._found_now():
                machine.check(rule, form, self._time.now(), key=_update_id(), sender=current_sender())

    @property
    def _in_turn(self) -> bool:
        return self._machine.case.opened_since(IN_TURN)

    def _found_now(self) -> CaseMachine | None:
        """Return the case as an input that arrives now will find it; read-only; None if that cannot be told yet."""
        machine = self._machine
        if not self._in_turn or not self._arrivals:
            return machine
        if self._arrivals.turns or len(self._arrivals.messages) > MESSAGES_AT_ONCE:
            return None
        trial = machine.fork()
        for message in self._arrivals.messages:
            take_message(trial, message.content, self._time.now(), message.sender)
        return trial

    @property
    def _as_given(self) -> bool:
        return self._machine.case.opened_since(AS_GIVEN)

    @property
    def _given_again(self) -> bool:
        """Whether what arrives now is given again, as the case has been reset."""
        return after_reset() and self._as_given

    def _messages_due(self) -> int:
        """Return how many of the oldest messages may be taken in now.

        None while a local call is in flight: that may be of a decision that was given before them.
        """
        if self._as_given and self._calls.local:
            return 0
        return self._arrivals.due()

    def _may_take_messages(self) -> bool:
        return not self._calls.local and self._messages_due() > 0

    async def _wait_for_turn(self, sender: InputSender, rule: str | None, held_up: Callable[[], bool]) -> None:
        """Wait until the messages before an input are taken in, and what is given again has been judged in order."""
        told, again = given_at(sender, self._time.now()), self._given_again
        turn = None if told is None else Turn(told if again else None, rule, held_up)
        with self._arrivals.waiting(turn):
            if again:
                await asyncio.sleep(0)  # by now all that this task gives the case has arrived
            before = self._arrivals.received

            def its_turn() -> bool:
                return self._arrivals.is_turn_of(turn, before)

            while not its_turn():
                await workflow.wait_condition(lambda: its_turn() or self._may_take_messages())
                if self._may_take_messages() and self._take_messages():
                    await self._begin_another_task()
        if turn is not None and again:
            self._note_progress()  # messages may have waited for it

    async def decide(self, rule: str, form: Any) -> CaseSummary:
        """Submit a decision (G-10), and answer what became of it."""
        machine, key, sender = self._machine, _update_id(), current_sender()
        again = self._given_again
        if not again and self._may_take_messages():  # what arrived before the decision goes first
            self._take_messages()

        def held_up() -> bool:
            now = self._time.now()
            if machine.must_wait(now, sender):
                return True
            return again and bool(self._arrivals.messages) and not machine.admits(rule, form, now, key, sender)

        if self._in_turn:
            await self._wait_for_turn(sender, rule, held_up)
        elif self._confirming or machine.must_wait(self._time.now(), sender):
            await workflow.wait_condition(lambda: not (self._confirming or machine.must_wait(self._time.now(), sender)))
        with _refusals_to_callers():
            decision = machine.submit(rule, form, self._time.now(), key=key, sender=sender)
        if decision.status == "pending":
            self._tasks.leave_to_update(decision.serial)
            try:
                await self._calls.submit_at_once(decision.serial)
            finally:
                self._tasks.take_over(decision.serial)
        self._note_progress()
        decision = machine.state.decision(key) or decision
        if decision.status == "refused":
            raise _failure(PlatformRefused(decision.why or ""))
        return summary(machine, decision)

    @workflow.update(description="重试卡住的步骤 {serial?}")
    async def retry_effect(self, which: Any = None) -> CaseSummary:
        """Try a stuck step again (G-7)."""
        with _refusals_to_callers():
            self._machine.retry_effect(which, sender=current_sender())
        self._note_progress()
        return summary(self._machine)

    @retry_effect.validator
    def _may_retry(self, which: Any = None) -> None:
        with _refusals_to_callers():
            refuse_oversized(which, "retry_effect")
            self._machine.check_step(which, self._time.now(), retry=True, sender=current_sender())

    @workflow.update(description="已人工办妥卡住的步骤或控制台任务 {serial?, note?, occurred_at?}")
    async def done_by_hand(self, which: Any = None) -> CaseSummary:
        """Mark a stuck step or a console task as done by the operator (G-7, G-8); a decision then counts (G-10)."""
        sender = current_sender()
        if self._in_turn:
            with _refusals_to_callers():  # a form that cannot be read is refused here: a condition must not raise
                self._machine.prepares_step(which, self._time.now(), sender)
            await self._wait_for_turn(
                sender, None, lambda: self._machine.prepares_step(which, self._time.now(), sender)
            )
        else:
            self._confirming += 1
            try:
                await workflow.wait_condition(lambda: not self._prepares_step(which, sender))
            finally:
                self._confirming -= 1
        with _refusals_to_callers():
            self._machine.done_by_hand(which, self._time.now(), sender=sender)
        self._note_progress()
        return summary(self._machine)

    def _prepares_step(self, which: Any, sender: InputSender) -> bool:
        """Return whether a step that was confirmed earlier is still to come, as in the first task after a reset."""
        if self._followed and not self._calls.local:
            return False
        return self._machine.prepares_step(which, self._time.now(), sender)

    @done_by_hand.validator
    def _may_take(self, which: Any = None) -> None:
        with _refusals_to_callers():
            refuse_oversized(which, "done_by_hand")
            if machine := self._found_now():
                machine.check_step(which, self._time.now(), retry=False, sender=current_sender())

    @workflow.signal(description="平台消息 {message_id, rule, form?, order?, occurred_at?, deadline?}")
    def report(self, message: Any = None) -> None:
        """Pass a message of the platform to the case; one that does not apply is kept as ignored (G-3)."""
        if isinstance(self._opened, CaseMachine):
            self._arrivals.add(message, current_sender(), again=self._given_again)
            self._note_progress()

    @workflow.signal(dynamic=True)
    def unknown(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Drop a signal of an unknown name; but look whether so many have come that the case must continue as new."""
        del name, arguments
        self._note_progress()

    async def _begin_another_task(self) -> None:
        await workflow.sleep(timedelta(milliseconds=1), summary="继续处理积压的消息")

    def _take_messages(self) -> bool:
        """Take in the oldest messages that have arrived and may be taken in; return whether more of them are left."""
        for message in self._arrivals.take(self._messages_due()):
            take_message(self._machine, message.content, self._time.now(), message.sender)
        return self._messages_due() > 0

    @workflow.query(description="案件全貌:状态、时限、可做的动作、时间线、待办")
    def view(self) -> CaseView:
        """Return everything about the case."""
        return view(self._machine, self._time.now())


@cache
def workflow_of(process: Process) -> type[CaseWorkflow]:
    """Return the workflow of a process: a class of the process's name, as Temporal knows it."""
    module = {"__module__": f"workflows.{process.name}"}
    return new_class(process.name, (CaseWorkflow,), {"process": process}, lambda namespace: namespace.update(module))


def _update_id() -> str:
    current = workflow.current_update_info()
    return current.id if current else ""
