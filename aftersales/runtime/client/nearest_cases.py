"""The cases of a query by deadline, nearest first.

The server cannot sort, so deadlines are asked for by windows of time that grow, and divided where they hold too many.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from temporalio.client import Client, WorkflowExecution

from cases.models import LATEST
from workflows.engine import search_attributes as sa

WINDOWS: Final = tuple(timedelta(hours=hours) for hours in (-720, 0, 2, 12, 24, 72, 240, 1080))
"""The ends of the windows in which the nearest deadlines are looked for, from now; the last has no end."""
READ_WHOLE: Final = 25
"""Cases of a window that are read and sorted without dividing it."""
SHORTEST_WINDOW: Final = timedelta(seconds=1)
"""Deadlines are whole seconds: within one, the server's order is as good as any, and the same every time."""
_YEAR: Final = timedelta(days=365)


class _Window(NamedTuple):
    """The deadlines from one instant until another, either of which may be open, and how many there are if known."""

    begin: datetime | None
    end: datetime | None
    number: int | None = None


async def nearest_cases(
    client: Client,
    query: str,
    wanted: int,
    now: datetime,
    begin: datetime | None = None,
    end: datetime | None = None,
    *,
    undated: bool | None = None,
) -> list[WorkflowExecution]:
    """Return so many cases of a query by deadline, nearest first; those without a deadline come last.

    With ``begin`` or ``end``, only those whose deadline is not before the one, and before the other; and those without
    a deadline if they are asked for as ``undated``.
    """
    if undated is None:
        undated = begin is None and end is None
    search, found, start = _Search(client, query), list[WorkflowExecution](), begin
    for after_now in [*WINDOWS, None] if wanted else []:
        window = None if after_now is None else now.replace(microsecond=0) + after_now
        if start is not None and window is not None and window <= start:
            continue
        stop = end if end is not None and (window is None or window > end) else window
        found += await search.nearest_in(_Window(start, stop), wanted - len(found))
        start = stop
        if len(found) >= wanted or start is None or start == end:
            break
    if len(found) < wanted and undated:
        without = f"{query} AND {sa.DEADLINE.name} IS NULL"
        found += [case async for case in client.list_workflows(without, limit=wanted - len(found))]
    return found[:wanted]


class _Search:
    def __init__(self, client: Client, query: str) -> None:
        self._client, self._query = client, f"{query} AND {sa.DEADLINE.name} IS NOT NULL"

    async def nearest_in(self, window: _Window, wanted: int) -> list[WorkflowExecution]:
        """Return the cases of a window by deadline; a window that holds too many is divided."""
        begin, end, number = window
        if number is None:
            number = await self._count(begin, end)
        if not number:
            return []
        floor = begin or (end or LATEST) - _YEAR
        ceiling = end or floor + _YEAR
        query = f"{self._query}{deadlines_between(begin, end)}"
        if ceiling - floor <= SHORTEST_WINDOW:
            return [case async for case in self._client.list_workflows(query, limit=wanted)]
        if number <= max(READ_WHOLE, 2 * wanted):
            return sorted([case async for case in self._client.list_workflows(query)], key=by_deadline)
        found: list[WorkflowExecution] = []
        for part in await self._divided(_Window(begin, end, number), floor, ceiling):
            if len(found) < wanted:
                found += await self.nearest_in(part, wanted - len(found))
        return found

    async def _divided(self, window: _Window, floor: datetime, ceiling: datetime) -> list[_Window]:
        """Divide a window in halves or, if one of them holds everything, around the second in which a case is due.

        Many cases are due in the same second if they were opened by one import: halving would lead there slowly.
        """
        begin, end, number = window
        assert number is not None  # noqa: S101 - it was counted
        middle = (floor + (ceiling - floor) / 2).replace(microsecond=0)
        first = await self._count(begin, middle)
        halves = [_Window(begin, middle, first), _Window(middle, end, number - first)]
        if 0 < first < number:
            return halves
        query = f"{self._query}{deadlines_between(floor, ceiling)}"
        one = [case async for case in self._client.list_workflows(query, limit=1)]
        due = deadline_of(one[0]) if one else None
        if due is None or not floor <= due < ceiling:
            return halves
        after = due + SHORTEST_WINDOW
        before, crowd = await asyncio.gather(self._count(begin, due), self._count(due, after))
        return [_Window(begin, due, before), _Window(due, after, crowd), _Window(after, end, number - before - crowd)]

    async def _count(self, begin: datetime | None, end: datetime | None) -> int:
        return await count_cases(self._client, f"{self._query}{deadlines_between(begin, end)}")


async def count_cases(client: Client, query: str) -> int:
    """Return how many cases a query finds."""
    return (await client.count_workflows(query)).count


def deadline_of(case: WorkflowExecution) -> datetime | None:
    """Return the nearest deadline of a listed case."""
    return case.typed_search_attributes.get(sa.DEADLINE)


def is_between(case: WorkflowExecution, begin: datetime | None, end: datetime | None, *, undated: bool) -> bool:
    """Return whether a listed case's deadline is not before one instant, and before another."""
    due = deadline_of(case)
    return undated if due is None else (begin is None or due >= begin) and (end is None or due < end)


def by_deadline(case: WorkflowExecution) -> tuple[bool, datetime]:
    """Return what listed cases are sorted by: the deadline, with those that have none at the end.

    Those of one second stay in the server's order, however they were found: so they are the same on every page.
    """
    deadline = deadline_of(case)
    return deadline is None, deadline or LATEST


def deadlines_between(begin: datetime | None, end: datetime | None) -> str:
    """Return the part of a query for the deadlines that are not before one instant, and before another."""
    said = f" AND {sa.DEADLINE.name} >= '{begin.isoformat()}'" if begin else ""
    return said + (f" AND {sa.DEADLINE.name} < '{end.isoformat()}'" if end else "")
