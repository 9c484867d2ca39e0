"""The cases that wait: filtered, counted and in the order of their urgency."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from pydantic import Field
from temporalio.client import Client, WorkflowExecution

from aftersales.runtime.case_search import (
    ENDED_EARLY_STATUSES,
    OPEN,
    newest_runs,
    numbered,
    of_processes,
    one_of,
    quoted,
)
from aftersales.runtime.nearest_cases import by_deadline, count_cases, deadlines_between, nearest_cases
from cases.labels import LabelledEnum
from cases.models import Strict
from statecharts.rules import OPERATORS, Party
from workflows.engine import search_attributes as sa
from workflows.registry import PROCESSES, REGISTERED

CASES_ON_A_PAGE: Final = 25
"""Cases on a page."""
MOST_KEPT_COUNTS: Final = 200
MOST_ATTENTION: Final = 200
"""Cases that need an operator which are read, to tell what has failed from a task; more are counted, but not read."""


LARGEST_AMOUNT: Final = 10**9


class WaitingGroup(LabelledEnum):
    """The groups of cases that are counted, and that a click leaves alone."""

    OVERDUE = "overdue", "已超时"
    IN_2_HOURS = "2h", "<2h"
    IN_12_HOURS = "12h", "<12h"
    IN_24_HOURS = "24h", "<24h"
    FAILED = "failed", "平台未办成"
    TASKS = "tasks", "控制台任务"
    BUYER = "buyer", "等买家"
    PLATFORM = "platform", "等平台"
    ENDED_EARLY = "ended_early", "异常终止"


DEADLINE_HOURS: Final[Mapping[WaitingGroup, tuple[int | None, int | None]]] = {
    WaitingGroup.OVERDUE: (None, 0),
    WaitingGroup.IN_2_HOURS: (0, 2),
    WaitingGroup.IN_12_HOURS: (0, 12),
    WaitingGroup.IN_24_HOURS: (0, 24),
}
"""The deadlines of a group, in hours from now."""


class Filters(Strict):
    """What is looked for; everything may be left out.

    ``search`` is the number of an order, an after-sale or a parcel; ``least`` an amount in CNY; ``clerk`` whoever has
    claimed the cases.
    """

    shop: str = ""
    platform: str = ""
    process: str = ""
    state: str = ""
    least: Decimal | None = Field(default=None, ge=0, le=LARGEST_AMOUNT, decimal_places=2)
    clerk: str = ""
    search: str = Field(default="", max_length=64)
    group: WaitingGroup | None = None
    page: int = Field(default=1, ge=1, le=400)

    @property
    def narrowed(self) -> int:
        """How many filters are set besides search, group and page, which the page shows by themselves."""
        return len(self.model_dump(exclude_defaults=True, exclude={"search", "group", "page"}))


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
        query = f"{self._open} AND {_waits_for(_waited_for(group))}"
        return await count_cases(self._client, query + deadlines_between(*self._deadlines(group)))

    async def nearest(self, group: WaitingGroup | None, wanted: int) -> list[WorkflowExecution]:
        """Return the cases of a group by deadline, nearest first; without a group, those of the shop.

        Those without a deadline come last.
        """
        return await self._nearest(_waited_for(group), wanted, *self._deadlines(group))

    async def nearest_of_others(self, wanted: int) -> list[WorkflowExecution]:
        """Return the cases in which the clocks of others run, nearest first."""
        return await self._nearest((Party.BUYER, Party.PLATFORM), wanted)

    async def _nearest(
        self, parties: Sequence[Party], wanted: int, begin: datetime | None = None, end: datetime | None = None
    ) -> list[WorkflowExecution]:
        query = f"{self._open} AND {_waits_for(parties)}"
        if not self._few:
            return await nearest_cases(self._client, query, wanted, self._now, begin, end)
        query += deadlines_between(begin, end)
        listed = [execution async for execution in self._client.list_workflows(query, limit=MOST_ATTENTION)]
        return sorted(listed, key=by_deadline)[:wanted]

    @property
    def _open(self) -> str:
        return f"{self.query} AND {OPEN}"

    def _deadlines(self, group: WaitingGroup | None) -> tuple[datetime | None, datetime | None]:
        """Return between which instants the deadlines of a group are."""
        begin, end = (None, None) if group is None else DEADLINE_HOURS.get(group, (None, None))
        return self._after(begin), self._after(end)

    def _after(self, hours: int | None) -> datetime | None:
        return None if hours is None else self._now + timedelta(hours=hours)


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
        parts.append(one_of(sa.SHOP.name, shops))
    if filters.shop:
        parts.append(one_of(sa.SHOP.name, [filters.shop]))
    if filters.state:
        parts.append(f"{sa.STATE.name} STARTS_WITH {quoted(filters.state)}")
    if filters.least is not None:
        parts.append(f"{sa.AT_STAKE.name} >= {filters.least:f}")
    if claimed is not None:
        parts.append(one_of("WorkflowId", claimed))
    if filters.search:
        parts.append(numbered([filters.search.strip(), *orders], names))
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
    return one_of(sa.WAITS_FOR.name, [party.label for party in parties])
