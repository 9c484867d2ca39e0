"""The cases of a query by deadline, nearest first.

The server cannot sort, so deadlines are asked for by windows of time that grow, and divided where they hold too many.
"""

from datetime import datetime, timedelta
from typing import Final

from temporalio.client import Client, WorkflowExecution

from cases.models import LATEST
from workflows.engine import search_attributes as sa

WINDOWS: Final = tuple(timedelta(hours=hours) for hours in (-720, 0, 2, 12, 24, 72, 240, 1080))
"""The ends of the windows in which the nearest deadlines are looked for, from now; the last has no end."""
READ_WHOLE: Final = 200
"""Cases that are read and sorted without dividing their window."""
SHORTEST_WINDOW: Final = timedelta(seconds=1)
"""Deadlines are whole seconds: within one, the server's order is as good as any, and the same every time."""
_YEAR: Final = timedelta(days=365)


async def nearest_cases(
    client: Client, query: str, wanted: int, now: datetime, begin: datetime | None = None, end: datetime | None = None
) -> list[WorkflowExecution]:
    """Return so many cases of a query by deadline, nearest first; those without a deadline come last.

    With ``begin`` or ``end``, only those whose deadline is not before the one, and before the other.
    """
    if not wanted:
        return []
    now = now.replace(microsecond=0)
    bounded = f"{query}{deadlines_between(begin, end)}"
    if await count_cases(client, bounded) <= READ_WHOLE:
        return sorted([case async for case in client.list_workflows(bounded)], key=by_deadline)[:wanted]
    found: list[WorkflowExecution] = []
    start = begin
    for window in [*(now + window for window in WINDOWS), None]:
        if start is not None and window is not None and window <= start:
            continue
        stop = end if end is not None and (window is None or window > end) else window
        found += await _in_window(client, query, start, stop, wanted - len(found))
        start = stop
        if len(found) >= wanted or start is None or start == end:
            break
    if len(found) < wanted and begin is None and end is None:
        without = f"{query} AND {sa.DEADLINE.name} IS NULL"
        found += [case async for case in client.list_workflows(without, limit=wanted - len(found))]
    return found[:wanted]


async def _in_window(
    client: Client, query: str, begin: datetime | None, end: datetime | None, wanted: int
) -> list[WorkflowExecution]:
    """Return the cases with a deadline in a window, by deadline; a window that holds too many is divided."""
    bounded = f"{query} AND {sa.DEADLINE.name} IS NOT NULL{deadlines_between(begin, end)}"
    floor = begin or (end or LATEST) - _YEAR
    ceiling = end or floor + _YEAR
    if ceiling - floor <= SHORTEST_WINDOW:
        return [case async for case in client.list_workflows(bounded, limit=wanted)]
    number = await count_cases(client, bounded)
    if not number:
        return []
    if number > max(READ_WHOLE, 2 * wanted):
        middle = (floor + (ceiling - floor) / 2).replace(microsecond=0)
        found = await _in_window(client, query, begin, middle, wanted)
        if len(found) < wanted:
            found += await _in_window(client, query, middle, end, wanted - len(found))
        return found
    return sorted([case async for case in client.list_workflows(bounded)], key=by_deadline)


async def count_cases(client: Client, query: str) -> int:
    """Return how many cases a query finds."""
    return (await client.count_workflows(query)).count


def deadline_of(case: WorkflowExecution) -> datetime | None:
    """Return the nearest deadline of a listed case."""
    return case.typed_search_attributes.get(sa.DEADLINE)


def by_deadline(case: WorkflowExecution) -> tuple[bool, float, str]:
    """Return what listed cases are sorted by: the deadline, with those that have none at the end."""
    deadline = deadline_of(case)
    return deadline is None, deadline.timestamp() if deadline else 0.0, case.id


def deadlines_between(begin: datetime | None, end: datetime | None) -> str:
    """Return the part of a query for the deadlines that are not before one instant, and before another."""
    said = f" AND {sa.DEADLINE.name} >= '{begin.isoformat()}'" if begin else ""
    return said + (f" AND {sa.DEADLINE.name} < '{end.isoformat()}'" if end else "")
