"""What a case has under way beside its clocks: effects, settlements, notices, its outcome, each a task of its own."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from workflows import calls, performing
from workflows.docket import Docket
from workflows.record import Reminded, Told

Work = Callable[[], Coroutine[Any, Any, None]]
Key = tuple[str, int]

LASTING = ("effect", "outcome")
"""What is performed to its end, even where the case has moved on."""


def _remind(docket: Docket, reminded: Reminded) -> Coroutine[Any, Any, None]:
    """Worded when it begins, and only then: by its first step the case may have moved on."""
    return performing.remind(reminded, calls.reminder(docket, reminded))


def _tell(docket: Docket, told: Told) -> Coroutine[Any, Any, None]:
    """As a reminder is."""
    return performing.tell(told, performing.what_of(docket, told))


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

    def follow(self, docket: Docket) -> None:
        """Start what is owed and not under way; call off what the case no longer waits for."""
        wanted = dict(self._wanted(docket))
        # In the order of the record, never of a set: a replay must issue the same commands in the same order.
        for key in [each for each in self._tasks if each not in wanted and each[0] not in LASTING]:
            self._tasks[key].cancel()
        for key, work in wanted.items():
            if key not in self._tasks:
                self._start(key, work)

    def record_outcome(self, docket: Docket) -> None:
        """Begin the last thing that is left to do."""
        self._start(("outcome", 0), partial(performing.record_outcome, docket))

    def _wanted(self, docket: Docket) -> Iterator[tuple[Key, Work]]:
        record = docket.record
        if record.owed():
            yield ("effect", 0), partial(self._perform, docket)
        for settling in record.settling:
            if settling.why is None:
                yield ("settle", settling.serial), partial(performing.settle, docket, settling)
        waiting = [(number, each) for number, each in enumerate(record.reminders) if each.delivered is None]
        clocks = {(each.order, each.state, each.rule, each.due) for each in docket.deadlines()} if waiting else set()
        for number, reminded in waiting:
            if (reminded.order, reminded.state, reminded.rule, reminded.deadline) in clocks:
                yield ("remind", number), partial(_remind, docket, reminded)
        for number, told in enumerate(record.news):
            if told.delivered is None and not told.over:
                yield ("tell", number), partial(_tell, docket, told)

    def _start(self, key: Key, work: Work) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            self._moved()
            del self._tasks[key]
            if not task.cancelled():
                self.broken = self.broken or task.exception()

        self._tasks[key] = asyncio.create_task(work())
        self._tasks[key].add_done_callback(ended)

    async def _perform(self, docket: Docket) -> None:
        """Perform what the case owes, in order."""
        while owed := docket.record.owed():
            await performing.perform(docket, owed[0])
            self._moved()
