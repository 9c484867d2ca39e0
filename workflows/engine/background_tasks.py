"""What a case has under way beside its clocks: effects, settlements, notices, its outcome, each a task of its own."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from workflows.engine import activity_calls, activity_inputs
from workflows.engine.machine import CaseMachine
from workflows.engine.state import Notification, SentReminder

Work = Callable[[], Coroutine[Any, Any, None]]
Key = tuple[str, int]

LASTING = ("effect", "outcome")
"""What is performed to its end, even where the case has moved on."""


def _remind(machine: CaseMachine, reminded: SentReminder) -> Coroutine[Any, Any, None]:
    """Worded when it begins, and only then: by its first step the case may have moved on."""
    return activity_calls.remind(reminded, activity_inputs.reminder(machine, reminded))


def _tell(machine: CaseMachine, told: Notification) -> Coroutine[Any, Any, None]:
    """As a reminder is."""
    return activity_calls.tell(told, activity_calls.what_of(machine, told))


class UnderWay:
    """The tasks; ``moved`` is called whenever one of them has got somewhere."""

    def __init__(self, moved: Callable[[], None]) -> None:
        """Nothing is under way."""
        self._moved = moved
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self.broken: BaseException | None = None

    def __bool__(self) -> bool:
        """Whether anything is under way."""
        return bool(self._tasks)

    def follow(self, machine: CaseMachine) -> None:
        """Start what is owed and not under way; call off what the case no longer waits for."""
        wanted = dict(self._wanted(machine))
        # In the order of the record, never of a set: a replay must issue the same commands in the same order.
        for key in [each for each in self._tasks if each not in wanted and each[0] not in LASTING]:
            self._tasks[key].cancel()
        for key, work in wanted.items():
            if key not in self._tasks:
                self._start(key, work)

    def record_outcome(self, machine: CaseMachine) -> None:
        """Begin the last thing that is left to do."""
        self._start(("outcome", 0), partial(activity_calls.record_outcome, machine))

    def _wanted(self, machine: CaseMachine) -> Iterator[tuple[Key, Work]]:
        record = machine.record
        if record.owed():
            yield ("effect", 0), partial(self._perform, machine)
        for settling in record.settling:
            if settling.why is None:
                yield ("settle", settling.serial), partial(activity_calls.settle, machine, settling)
        waiting = [(number, each) for number, each in enumerate(record.reminders) if each.delivered is None]
        clocks = {(each.order, each.state, each.rule, each.due) for each in machine.deadlines()} if waiting else set()
        for number, reminded in waiting:
            if (reminded.order, reminded.state, reminded.rule, reminded.deadline) in clocks:
                yield ("remind", number), partial(_remind, machine, reminded)
        for number, told in enumerate(record.news):
            if told.delivered is None and not told.over:
                yield ("tell", number), partial(_tell, machine, told)

    def _start(self, key: Key, work: Work) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            self._moved()
            del self._tasks[key]
            if not task.cancelled():
                self.broken = self.broken or task.exception()

        self._tasks[key] = asyncio.create_task(work())
        self._tasks[key].add_done_callback(ended)

    async def _perform(self, machine: CaseMachine) -> None:
        """Perform what the case owes, in order."""
        while owed := machine.record.owed():
            await activity_calls.perform(machine, owed[0])
            self._moved()
