"""The background tasks of a case: effects, submissions, expiries, reminders, notifications, and the ledger's record."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from workflows.engine.activity_calls import ActivityCalls
from workflows.engine.case_record import fingerprint
from workflows.engine.machine import CaseMachine
from workflows.engine.situation import TELLING_AMENDED
from workflows.engine.state import CaseState, EffectState

Work = Callable[[], Coroutine[Any, Any, None]]
Key = tuple[Any, ...]

NEVER_CANCELLED = ("effect", "tell", "hear")
"""The kinds of tasks that run to their end even if the case has moved on."""


class BackgroundTasks:
    """The running tasks of a case; ``on_progress`` is called whenever one of them makes progress."""

    def __init__(self, calls: ActivityCalls, on_progress: Callable[[], None]) -> None:
        self._calls, self._on_progress = calls, on_progress
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._submitting: set[int] = set()
        self._hears_late = False
        self.error: BaseException | None = None

    def __bool__(self) -> bool:
        """Return whether any task is running."""
        return bool(self._tasks)

    def leave_to_update(self, serial: int) -> None:
        """Leave a decision to the update that gave it, which submits it at once."""
        self._submitting.add(serial)

    def take_over(self, serial: int) -> None:
        """Go on submitting a decision that the platform has not answered at once."""
        self._submitting.discard(serial)

    def follow(self, machine: CaseMachine) -> None:
        """Start the tasks that the case needs, and cancel those that it no longer needs."""
        needed = dict(self._needed(machine))
        # Iterate in the order of the state, never over a set: a replay must issue the same commands in the same order.
        for key in [key for key in self._tasks if key not in needed and key[0] not in NEVER_CANCELLED]:
            self._tasks[key].cancel()
        for key, work in needed.items():
            if key not in self._tasks:
                self._start(key, work)

    def _needed(self, machine: CaseMachine) -> Iterator[tuple[Key, Work]]:
        state = machine.state
        if machine.to_hear:
            yield ("hear",), partial(self._calls.hear, self._go_on_unheard)
        # What others are told waits for the ledger without a limit, and nothing that an operator must do waits for it.
        if _next_effect(machine, telling=False):
            yield ("effect",), partial(self._perform, machine)
        if machine.to_withdraw or _next_effect(machine, telling=True):
            yield ("tell",), partial(self._tell, machine)
        yield from self._asking(state)
        yield from self._telling(machine)
        settled = not (machine.busy or self._submitting)
        known = fingerprint(machine)
        if known != state.recorded and (settled or not machine.closed):
            yield ("record", known), partial(self._calls.record, closing=machine.closed)

    def _asking(self, state: CaseState) -> Iterator[tuple[Key, Work]]:
        """Yield the tasks that wait for the platform's answer."""
        for decision in state.submissions:
            if decision.status == "pending" and decision.serial not in self._submitting:
                locally = decision.by == "default"
                yield ("submission", decision.serial), partial(self._calls.submit, decision.serial, locally=locally)
        for expiry in state.unresolved:
            key = ("expiry", expiry.serial, expiry.asked)
            yield key, partial(self._calls.resolve_expiry, expiry.serial)

    def _telling(self, machine: CaseMachine) -> Iterator[tuple[Key, Work]]:
        """Yield the tasks that tell operators something."""
        state = machine.state
        unsent = [sent for sent in state.reminders if sent.delivered is None]
        if machine.to_hear and not self._hears_late and machine.case.opened_since(TELLING_AMENDED):
            unsent = []  # what it hears may end the deadline
        clocks = {(clock.order, clock.state, clock.rule, clock.due) for clock in machine.deadlines() if unsent}
        for reminder in unsent:
            about = (reminder.order, reminder.state, reminder.rule, reminder.deadline)
            if about in clocks:
                yield ("reminder", *about, reminder.at), partial(self._calls.remind, reminder)
        for notification in state.notifications:
            if notification.delivered is None and not notification.over:
                yield ("notification", notification.serial, notification.at), partial(self._calls.notify, notification)

    def _go_on_unheard(self) -> None:
        """Do what need not wait for what was told before, as the ledger does not answer at once."""
        self._hears_late = True
        self._on_progress()

    def _start(self, key: Key, work: Work) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            self._on_progress()
            del self._tasks[key]
            if not task.cancelled():
                self.error = self.error or task.exception()

        self._tasks[key] = asyncio.create_task(work())
        self._tasks[key].add_done_callback(ended)

    async def _perform(self, machine: CaseMachine) -> None:
        """Perform the pending effects in order, but those that tell other cases something."""
        while effect := _next_effect(machine, telling=False):
            await self._calls.perform(effect.serial)
            self._on_progress()

    async def _tell(self, machine: CaseMachine) -> None:
        """Withdraw what was told and has been taken back, and tell other cases what is to be told, one by one."""
        while machine.to_withdraw or _next_effect(machine, telling=True):
            for fact in machine.to_withdraw:
                await self._calls.withdraw(fact)
                self._on_progress()
            if effect := _next_effect(machine, telling=True):
                await self._calls.perform(effect.serial)
                self._on_progress()


def _next_effect(machine: CaseMachine, *, telling: bool) -> EffectState | None:
    """Return the first pending effect that tells other cases something, or the first of the others."""
    declared = machine.process.effects()
    found = (one for one in machine.state.pending if (declared[one.effect].telling is not None) is telling)
    return next(found, None)
