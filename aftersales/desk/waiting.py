"""The cases that wait: filtered, counted and in the order of their urgency.

The server cannot sort, so deadlines are asked for by windows of time that grow, and divided where they hold too many.
"""

import asyncio
import time
from collections import OrderedDict
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
SHORTEST_WINDOW: Final = timedelta(seconds=1)
"""Deadlines are whole seconds: within one, the server's order is as good as any, and the same for every page."""
MOST_KEPT_COUNTS: Final = 200
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

    def __init__(self, client: Client, query: str, now: datetime | None = None, *, few: bool = False) -> None:
        """Take the query of the cases, and the instant from which deadlines are looked at.

        ``few``: the query leaves so few cases that they need not be looked for by windows.
        """
        self.query, self._few = query, few
        self._client = client
        self._now = (now or datetime.now(UTC)).replace(microsecond=0)

    async def needing_operator(self) -> list[WorkflowExecution]:
        """Return the cases in which something waits for a person, at most a certain number of them."""
        query = f"{self._open} AND {sa.NEEDS_OPERATOR.name} = true"
        return [execution async for execution in self._client.list_workflows(query, limit=MOST_ATTENTION)]

    async def ended_early(self) -> list[WorkflowExecution]:
        """Return the cases whose workflow ended without its case: nobody keeps their clocks."""
        query = f"{self.query} AND {ENDED_EARLY_STATUSES}"
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
        hours = DEADLINE_HOURS.get(group, (None, None)) if group else (None, None)
        return await self._nearest(_waited_for(group), hours, wanted)

    async def nearest_of_others(self, wanted: int) -> list[WorkflowExecution]:
        """Return the cases in which the clocks of others run, nearest first."""
        return await self._nearest((Party.BUYER, Party.PLATFORM), (None, None), wanted)

    async def _nearest(
        self, parties: Sequence[Party], hours: tuple[int | None, int | None], wanted: int
    ) -> list[WorkflowExecution]:
        if not wanted:
            return []
        begin, end = (None if hour is None else self._now + timedelta(hours=hour) for hour in hours)
        query = f"{self._open} AND {_waits_for(parties)}"
        if self._few:
            query += _from_to(begin, end)
            listed = [execution async for execution in self._client.list_workflows(query, limit=MOST_ATTENTION)]
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
        self, query: str, begin: datetime | None, end: datetime | None, wanted: int, number: int | None = None
    ) -> list[WorkflowExecution]:
        """Return the cases with a deadline in a window, by deadline; a window that holds too many is divided."""
        bounded = f"{query} AND {sa.DEADLINE.name} IS NOT NULL{_from_to(begin, end)}"
        if number is None:
            number = await self._count(bounded)
        if not number:
            return []
        floor = begin or (end or self._now) - timedelta(days=365)
        ceiling = end or floor + timedelta(days=365)
        if ceiling - floor <= SHORTEST_WINDOW:
            return [execution async for execution in self._client.list_workflows(bounded, limit=wanted)]
        if number <= max(CASES_ON_A_PAGE, 2 * wanted):
            return sorted([execution async for execution in self._client.list_workflows(bounded)], key=self._urgency)
        found: list[WorkflowExecution] = []
        for inner in await self._divided(query, (begin, floor, ceiling, end), number):
            if len(found) < wanted:
                found += await self._in_window(query, *inner[:2], wanted - len(found), inner[2])
        return found

    async def _divided(
        self, query: str, window: tuple[datetime | None, datetime, datetime, datetime | None], number: int
    ) -> list[tuple[datetime | None, datetime | None, int]]:
        """Divide a window in halves or, if one of them holds everything, around the second in which a case is due.

        Many cases are due in the same second if they were opened by one import: halving would lead there slowly.
        """
        begin, floor, ceiling, end = window
        middle = (floor + (ceiling - floor) / 2).replace(microsecond=0)
        first = await self._count(f"{query}{_from_to(begin, middle)}")
        if 0 < first < number:
            return [(begin, middle, first), (middle, end, number - first)]
        one = [case async for case in self._client.list_workflows(f"{query}{_from_to(floor, ceiling)}", limit=1)]
        due = deadline_of(one[0]) if one else None
        if due is None or not floor <= due < ceiling:
            return [(begin, middle, first), (middle, end, number - first)]
        after = due + SHORTEST_WINDOW
        before, crowd = await asyncio.gather(
            self._count(f"{query}{_from_to(begin, due)}"), self._count(f"{query}{_from_to(due, after)}")
        )
        return [(begin, due, before), (due, after, crowd), (after, end, number - before - crowd)]

    def _urgency(self, execution: WorkflowExecution) -> tuple[bool, datetime]:
        """Return what cases are sorted by: the deadline, with those that have none at the end.

        Those of one second stay in the server's order, however they were found: so they are the same on every page.
        """
        deadline = deadline_of(execution)
        return deadline is None, deadline or self._now

    async def _count(self, query: str) -> int:
        return (await self._client.count_workflows(query)).count

    @property
    def _open(self) -> str:
        return f"{self.query} AND {OPEN}"

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


class KeptCounts:
    """Keeps for a few seconds how many cases wait for others.

    Deadlines are found in an index, but these cases must be counted one by one, which takes the longest of all.
    """

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._kept: OrderedDict[tuple[str, WaitingGroup], tuple[float, int]] = OrderedDict()

    async def of(self, cases: WaitingCases, oldest: float) -> dict[WaitingGroup, int]:
        """Count the groups that the server can tell apart; a count that is kept may be so many seconds old."""
        groups = [*DEADLINE_HOURS, WaitingGroup.BUYER, WaitingGroup.PLATFORM]
        numbers = await asyncio.gather(*(self._count(cases, group, oldest) for group in groups))
        return dict(zip(groups, numbers, strict=True))

    async def _count(self, cases: WaitingCases, group: WaitingGroup, oldest: float) -> int:
        if group in DEADLINE_HOURS:
            return await cases.count(group)
        key, now = (cases.query, group), time.monotonic()
        kept = self._kept.get(key)
        if kept is None or now - kept[0] >= oldest:
            kept = self._kept[key] = now, await cases.count(group)
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT_COUNTS:
                self._kept.popitem(last=False)
        return kept[1]


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
