"""The cases that wait: filtered, counted and in the order of their urgency.

The server cannot sort, so deadlines are asked for by windows of time that grow, and divided where they hold too many.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from pydantic import Field
from temporalio.client import Client, WorkflowExecution

from aftersales.runtime.case_search import ENDED_EARLY_STATUSES, OPEN, newest_runs, of_processes, quoted
from cases.models import Strict
from statecharts.rules import OPERATORS, Party
from workflows.engine import search_attributes as sa
from workflows.registry import PROCESSES, REGISTERED

CASES_ON_A_PAGE: Final = 25
"""Cases on a page."""
WINDOWS: Final = tuple(timedelta(hours=hours) for hours in (-720, 0, 2, 12, 24, 72, 240, 1080))
"""The ends of the windows in which the nearest deadlines are looked for, from now; the last has no end."""
MOST_IN_A_WINDOW: Final = 8 * CASES_ON_A_PAGE
SHORTEST_WINDOW: Final = timedelta(seconds=1)
"""Deadlines are whole seconds: within one, the server's order is as good as any, and the same for every page."""
MOST_ATTENTION: Final = 200
"""Cases that need an operator which are read, to tell what has failed from a task; more are counted, but not read."""


class WaitingGroup(StrEnum):
    """The groups of cases that are counted, and that a click leaves alone."""

    OVERDUE = "overdue"
    IN_2_HOURS = "2h"
    IN_12_HOURS = "12h"
    IN_24_HOURS = "24h"
    FAILED = "failed"
    TASKS = "tasks"
    BUYER = "buyer"
    PLATFORM = "platform"
    ENDED_EARLY = "ended_early"

    @property
    def label(self) -> str:
        """Its Chinese name."""
        return _GROUPS[self]


_GROUPS: Final = {
    WaitingGroup.OVERDUE: "已超时",
    WaitingGroup.IN_2_HOURS: "<2h",
    WaitingGroup.IN_12_HOURS: "<12h",
    WaitingGroup.IN_24_HOURS: "<24h",
    WaitingGroup.FAILED: "平台未办成",
    WaitingGroup.TASKS: "控制台任务",
    WaitingGroup.BUYER: "等买家",
    WaitingGroup.PLATFORM: "等平台",
    WaitingGroup.ENDED_EARLY: "异常终止",
}
DEADLINE_HOURS: Final[Mapping[WaitingGroup, tuple[int | None, int | None]]] = {
    WaitingGroup.OVERDUE: (None, 0),
    WaitingGroup.IN_2_HOURS: (0, 2),
    WaitingGroup.IN_12_HOURS: (0, 12),
    WaitingGroup.IN_24_HOURS: (0, 24),
}
"""The deadlines of a group, in hours from now."""


class Filters(Strict):
    """What is looked for; everything may be left out.

    ``search`` is the number of an order, an after-sale or a parcel; ``least`` an amount in CNY; ``mine`` the cases that
    the user has claimed, ``clerk`` those of another.
    """

    shop: str = ""
    platform: str = ""
    process: str = ""
    state: str = ""
    least: Decimal | None = Field(default=None, ge=0)
    clerk: str = ""
    search: str = Field(default="", max_length=64)
    group: WaitingGroup | None = None
    page: int = Field(default=1, ge=1, le=400)


class WaitingCases:
    """The cases of one query that wait: the query says whose, and which of them."""

    def __init__(self, client: Client, query: str, now: datetime | None = None) -> None:
        """Take the query of the cases, and the instant from which deadlines are looked at."""
        self._client, self._query = client, query
        self._now = (now or datetime.now(UTC)).replace(microsecond=0)

    async def needing_operator(self) -> list[WorkflowExecution]:
        """Return the cases in which something waits for a person, at most a certain number of them."""
        query = f"{self._open} AND {sa.NEEDS_OPERATOR.name} = true"
        return [execution async for execution in self._client.list_workflows(query, limit=MOST_ATTENTION)]

    async def ended_early(self) -> list[WorkflowExecution]:
        """Return the cases whose workflow ended without its case: nobody keeps their clocks."""
        query = f"{self._query} AND {ENDED_EARLY_STATUSES}"
        listed = [execution async for execution in self._client.list_workflows(query, limit=MOST_ATTENTION)]
        newest = await newest_runs(self._client, listed)
        return sorted(newest, key=lambda execution: (execution.close_time or self._now, execution.id), reverse=True)

    async def count(self, group: WaitingGroup) -> int:
        """Count the cases of a group that the server can tell."""
        begin, end = DEADLINE_HOURS.get(group, (None, None))
        parties = _waited_for(group)
        return await self._count(f"{self._open} AND {_waits_for(parties)}{self._between(begin, end)}")

    async def nearest(self, group: WaitingGroup | None, wanted: int) -> list[WorkflowExecution]:
        """Return the cases of a group by deadline, nearest first; without a group, those of the shop.

        Those without a deadline come last.
        """
        if not wanted:
            return []
        hours = DEADLINE_HOURS.get(group, (None, None)) if group else (None, None)
        begin, end = (None if hour is None else self._now + timedelta(hours=hour) for hour in hours)
        query = f"{self._open} AND {_waits_for(_waited_for(group))}{_from_to(begin, end)}"
        if await self._count(query) <= MOST_IN_A_WINDOW:
            listed = [execution async for execution in self._client.list_workflows(query)]
            return sorted(listed, key=self._urgency)[:wanted]
        found: list[WorkflowExecution] = []
        for window in [self._now + window for window in WINDOWS] + [None]:
            if begin is not None and window is not None and window <= begin:
                continue
            stop = end if end is not None and (window is None or window > end) else window
            found += await self._in_window(query, begin, stop, wanted - len(found))
            begin = stop
            if len(found) >= wanted or begin is None or begin == end:
                break
        if len(found) < wanted and end is None:
            query = f"{query} AND {sa.DEADLINE.name} IS NULL"
            found += [found async for found in self._client.list_workflows(query, limit=wanted - len(found))]
        return found[:wanted]

    async def _in_window(
        self, query: str, begin: datetime | None, end: datetime | None, wanted: int
    ) -> list[WorkflowExecution]:
        """Return the cases with a deadline in a window, by deadline; a window that holds too many is divided."""
        bounded = f"{query} AND {sa.DEADLINE.name} IS NOT NULL{_from_to(begin, end)}"
        floor = begin or (end or self._now) - timedelta(days=365)
        ceiling = end or floor + timedelta(days=365)
        if ceiling - floor <= SHORTEST_WINDOW:
            return [execution async for execution in self._client.list_workflows(bounded, limit=wanted)]
        number = await self._count(bounded)
        if not number:
            return []
        if number > max(MOST_IN_A_WINDOW, 2 * wanted):
            middle = (floor + (ceiling - floor) / 2).replace(microsecond=0)
            found = await self._in_window(query, begin, middle, wanted)
            if len(found) < wanted:
                found += await self._in_window(query, middle, end, wanted - len(found))
            return found
        return sorted([execution async for execution in self._client.list_workflows(bounded)], key=self._urgency)

    def _urgency(self, execution: WorkflowExecution) -> tuple[bool, datetime, str]:
        """Return what cases are sorted by: the deadline, with those that have none at the end."""
        deadline = deadline_of(execution)
        return deadline is None, deadline or self._now, execution.id

    async def _count(self, query: str) -> int:
        return (await self._client.count_workflows(query)).count

    @property
    def _open(self) -> str:
        return f"{self._query} AND {OPEN}"

    def _between(self, begin: int | None, end: int | None) -> str:
        return _from_to(*(None if hours is None else self._now + timedelta(hours=hours) for hours in (begin, end)))


def deadline_of(execution: WorkflowExecution) -> datetime | None:
    """Return the nearest deadline of a listed case."""
    return execution.typed_search_attributes.get(sa.DEADLINE)


def query_of(
    filters: Filters, shops: Sequence[str] | None, claimed: Sequence[str] | None, orders: Sequence[str]
) -> str:
    """Return the query for the cases that are looked for.

    ``shops`` are those that the user sees, None for all; ``claimed`` the cases of the clerk who is asked for;
    ``orders`` those that a parcel's number was used for.
    """
    names = [name for name in PROCESSES if filters.process in ("", name) and filters.platform in ("", REGISTERED[name])]
    parts = [of_processes(names or ["-"])]
    if shops is not None:
        parts.append(_in(sa.SHOP.name, shops))
    if filters.shop:
        parts.append(_in(sa.SHOP.name, [filters.shop]))
    if filters.state:
        parts.append(f"{sa.STATE.name} STARTS_WITH {quoted(filters.state)}")
    if filters.least is not None:
        parts.append(f"{sa.AT_STAKE.name} >= {filters.least}")
    if claimed is not None:
        parts.append(_in("WorkflowId", claimed))
    if filters.search:
        number = filters.search.strip()
        ids = [number, *(f"{name}/{number}" for name in names)]
        parts.append(f"({_in(sa.ORDERS.name, [number, *orders])} OR {_in('WorkflowId', ids)})")
    return " AND ".join(parts)


async def counted(cases: WaitingCases) -> dict[WaitingGroup, int]:
    """Count the groups that the server can tell apart."""
    groups = [*DEADLINE_HOURS, WaitingGroup.BUYER, WaitingGroup.PLATFORM]
    return dict(zip(groups, await asyncio.gather(*(cases.count(group) for group in groups)), strict=True))


def _waited_for(group: WaitingGroup | None) -> Sequence[Party]:
    if group is WaitingGroup.BUYER:
        return (Party.BUYER,)
    return (Party.PLATFORM,) if group is WaitingGroup.PLATFORM else OPERATORS


def _waits_for(parties: Sequence[Party]) -> str:
    return _in(sa.WAITS_FOR.name, [party.label for party in parties])


def _in(name: str, values: Sequence[str]) -> str:
    return f"{name} IN ({', '.join(quoted(value) for value in values) or quoted('-')})"


def _from_to(begin: datetime | None, end: datetime | None) -> str:
    said = f" AND {sa.DEADLINE.name} >= '{begin.isoformat()}'" if begin else ""
    return said + (f" AND {sa.DEADLINE.name} < '{end.isoformat()}'" if end else "")
