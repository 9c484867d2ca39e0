"""What a case does beside its clocks, each as a task: effects, expiries, reminders, notifications, its outcome."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from workflows.engine import activity_calls
from workflows.engine.machine import CaseMachine

Work = Callable[[], Coroutine[Any, Any, None]]
Key = tuple[str, int]

LASTING = ("effect", "outcome")
"""What is performed to its end, even where the case has moved on."""


class BackgroundTasks:
    """The tasks of a case; ``on_progress`` is called whenever one of them has got somewhere."""

    def __init__(self, on_progress: Callable[[], None]) -> None:
        self._on_progress = on_progress
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self.error: BaseException | None = None

    def __bool__(self) -> bool:
        """Return whether any task is running."""
        return bool(self._tasks)

    def follow(self, machine: CaseMachine) -> None:
        """Start what the case wants done, and cancel what it no longer waits for."""
        wanted = dict(self._wanted(machine))
        # In the order of the state, never of a set: a replay must issue the same commands in the same order.
        for key in [key for key in self._tasks if key not in wanted and key[0] not in LASTING]:
            self._tasks[key].cancel()
        for key, work in wanted.items():
            if key not in self._tasks:
                self._start(key, work)

    def record_outcome(self, machine: CaseMachine) -> None:
        """Start the last thing that is left to do."""
        self._start(("outcome", 0), partial(activity_calls.record_outcome, machine))

    def _wanted(self, machine: CaseMachine) -> Iterator[tuple[Key, Work]]:
        state = machine.state
        if state.pending:
            yield ("effect", 0), partial(self._perform, machine)
        for expiry in state.unresolved:
            yield ("expiry", expiry.serial), partial(activity_calls.resolve_expiry, machine, expiry)
        on_their_way = [(number, sent) for number, sent in enumerate(state.reminders) if sent.delivered is None]
        clocks = {(clock.order, clock.state, clock.rule, clock.due) for clock in machine.deadlines() if on_their_way}
        for number, reminder in on_their_way:
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
