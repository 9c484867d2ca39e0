"""The background tasks of a case: effects, expiries, reminders, notifications, and its outcome."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from workflows.engine import activity_calls
from workflows.engine.machine import CaseMachine

Work = Callable[[], Coroutine[Any, Any, None]]
Key = tuple[str, int]

NEVER_CANCELLED = ("effect", "outcome")
"""The kinds of task that run to their end even if the case has moved on."""


class BackgroundTasks:
    """The running tasks of a case; ``on_progress`` is called whenever one of them makes progress."""

    def __init__(self, on_progress: Callable[[], None]) -> None:
        self._on_progress = on_progress
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self.error: BaseException | None = None

    def __bool__(self) -> bool:
        """Return whether any task is running."""
        return bool(self._tasks)

    def follow(self, machine: CaseMachine) -> None:
        """Start the tasks that the case needs, and cancel those that it no longer needs."""
        needed = dict(self._needed(machine))
        # Iterate in the order of the state, never over a set: a replay must issue the same commands in the same order.
        for key in [key for key in self._tasks if key not in needed and key[0] not in NEVER_CANCELLED]:
            self._tasks[key].cancel()
        for key, work in needed.items():
            if key not in self._tasks:
                self._start(key, work)

    def record_outcome(self, machine: CaseMachine) -> None:
        """Start the last task of a case."""
        self._start(("outcome", 0), partial(activity_calls.record_outcome, machine))

    def _needed(self, machine: CaseMachine) -> Iterator[tuple[Key, Work]]:
        state = machine.state
        if state.pending:
            yield ("effect", 0), partial(self._perform, machine)
        for expiry in state.unresolved:
            yield ("expiry", expiry.serial), partial(activity_calls.resolve_expiry, machine, expiry)
        unsent = [(number, sent) for number, sent in enumerate(state.reminders) if sent.delivered is None]
        clocks = {(clock.order, clock.state, clock.rule, clock.due) for clock in machine.deadlines() if unsent}
        for number, reminder in unsent:
            if (reminder.order, reminder.state, reminder.rule, reminder.deadline) in clocks:
                yield ("reminder", number), partial(activity_calls.remind, machine, reminder)
        for number, notification in enumerate(state.notifications):
            if notification.delivered is None and not notification.over:
                yield ("notification", number), partial(activity_calls.notify, machine, notification)

    def _start(self, key: Key, work: Work) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            self._on_progress()
            del self._tasks[key]
            if not task.cancelled():
                self.error = self.error or task.exception()

        self._tasks[key] = asyncio.create_task(work())
        self._tasks[key].add_done_callback(ended)

    async def _perform(self, machine: CaseMachine) -> None:
        """Perform the pending effects in order."""
        while pending := machine.state.pending:
            await activity_calls.perform(machine, pending[0])
            self._on_progress()
