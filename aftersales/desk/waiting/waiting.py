"""The cases that wait: filtered, counted and in the order of their urgency."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from temporalio.client import Client, WorkflowExecution

from aftersales.desk.waiting.filters import DEADLINE_HOURS, Filters, WaitingGroup
from aftersales.runtime.client.case_search import (
    ENDED_EARLY_STATUSES,
    OPEN,
    newest_runs,
    numbered,
    of_processes,
    one_of,
    quoted,
)
from aftersales.runtime.client.known_cases import EARLY_ENDINGS
from aftersales.runtime.client.nearest_cases import (
    by_deadline,
    count_cases,
    deadlines_between,
    is_between,
    nearest_cases,
)
from statecharts.rules import OPERATORS, Party
from workflows.engine import search_attributes as sa
from workflows.registry import PROCESSES, REGISTERED

MOST_ATTENTION: Final = 200
"""Cases that need an operator which are read, to tell what has failed from a task, and cases of a search that are."""
MOST_ENDED_EARLY: Final = 200
"""Cases that ended early which are listed."""
MOST_ENDED: Final = 10
"""Cases that have ended which a search shows if none that it finds is open."""
RUNS_LOOKED_AT: Final = 50
"""Runs among which the ended cases of a search are looked for: a case that was reset has several."""


class Needing(NamedTuple):
    """The cases in which something waits for a person, and how many there are beside those that are listed."""

    listed: Sequence[WorkflowExecution]
    more: int = 0


class ListedEarly(NamedTuple):
    """The cases whose workflow ended without its case, and whether there are others."""

    listed: Sequence[WorkflowExecution]
    more: bool = False


class WaitingCases:
    """The cases of one query that wait: the query says whose, and which of them."""

    def __init__(self, client: Client, query: str, now: datetime | None = None, *, few: bool = False) -> None:
        """Take the query of the cases, and the instant from which deadlines are looked at.

        ``few``: the query leaves so few cases that they need not be looked for by windows.
        """
        self.query, self._few = query, few
        self._client = client
        self._now = (now or datetime.now(UTC)).replace(microsecond=0)

    async def needing_operator(self) -> Needing:
        """Return the cases in which something waits for a person; if they are too many, those with nearest deadline."""
        query = f"{self._open} AND {sa.NEEDS_OPERATOR.name} = true"
        listed = [execution async for execution in self._client.list_workflows(query, limit=MOST_ATTENTION + 1)]
        if len(listed) <= MOST_ATTENTION:
            return Needing(sorted(listed, key=by_deadline))
        nearest, number = await asyncio.gather(
            nearest_cases(self._client, query, MOST_ATTENTION, self._now), count_cases(self._client, query)
        )
        return Needing(nearest, max(number - len(nearest), 0))

    async def ended_early(self) -> ListedEarly:
        """Return the cases whose workflow ended without its case: nobody keeps their clocks."""
        query = f"{self.query} AND {ENDED_EARLY_STATUSES}"
        listed = [execution async for execution in self._client.list_workflows(query, limit=MOST_ENDED_EARLY + 1)]
        newest = await newest_runs(self._client, listed[:MOST_ENDED_EARLY])
        return ListedEarly(self._last_first(newest), more=len(listed) > MOST_ENDED_EARLY)

    async def ended(self) -> list[WorkflowExecution]:
        """Return the cases that have ended, the newest first, at most a few; some still run, for facts told late."""
        listed = [execution async for execution in self._client.list_workflows(self.query, limit=RUNS_LOOKED_AT)]
        newest = await newest_runs(self._client, listed)
        return self._last_first([case for case in newest if _has_ended(case)])[:MOST_ENDED]

    async def count(self, group: WaitingGroup) -> int:
        """Count the cases of a group that the server can tell."""
        query = f"{self._open} AND {_waits_for(_waited_for(group))}"
        return await count_cases(self._client, query + deadlines_between(*self._deadlines(group)))

    async def nearest(
        self, group: WaitingGroup | None, wanted: int, after: datetime | None = None
    ) -> list[WorkflowExecution]:
        """Return the cases of a group by deadline, nearest first; without a group, those of the shop.

        Those without a deadline come last.  With ``after``, none whose deadline is before it.
        """
        begin, end = self._deadlines(group)
        undated = begin is None and end is None
        if after is not None:
            begin = after if begin is None else max(begin, after)
        return await self._nearest(_waited_for(group), wanted, begin, end, undated=undated)

    async def nearest_of_others(self, wanted: int) -> list[WorkflowExecution]:
        """Return the cases in which the clocks of others run, nearest first."""
        return await self._nearest((Party.BUYER, Party.PLATFORM), wanted, undated=True)

    async def _nearest(
        self,
        parties: Sequence[Party],
        wanted: int,
        begin: datetime | None = None,
        end: datetime | None = None,
        *,
        undated: bool,
    ) -> list[WorkflowExecution]:
        query = f"{self._open} AND {_waits_for(parties)}"
        if not self._few:
            return await nearest_cases(self._client, query, wanted, self._now, begin, end, undated=undated)
        listed = [execution async for execution in self._client.list_workflows(query, limit=MOST_ATTENTION)]
        listed = [execution for execution in listed if is_between(execution, begin, end, undated=undated)]
        return sorted(listed, key=by_deadline)[:wanted]

    def _last_first(self, cases: Sequence[WorkflowExecution]) -> list[WorkflowExecution]:
        return sorted(cases, key=lambda case: (case.close_time or self._now, case.start_time, case.id), reverse=True)

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
    filters: Filters, shops: Sequence[str] | None, claimed: Sequence[str] | None, of_parcel: Sequence[str]
) -> str:
    """Return the query for the cases that are looked for.

    ``shops`` are those that the user sees, None for all; ``claimed`` the cases of the clerk who is asked for;
    ``of_parcel`` the orders and cases that the number stands for if it is a parcel's.
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
        parts.append(numbered([filters.search.strip(), *of_parcel], names))
    return " AND ".join(parts)


def _has_ended(case: WorkflowExecution) -> bool:
    """Return whether a listed case came to its end: it waits for nobody, and its workflow did not end without it."""
    attributes = case.typed_search_attributes
    return (
        case.status not in EARLY_ENDINGS
        and attributes.get(sa.STATE) is not None
        and not attributes.get(sa.WAITS_FOR)
        and not attributes.get(sa.NEEDS_OPERATOR)
    )


def _waited_for(group: WaitingGroup | None) -> Sequence[Party]:
    if group is WaitingGroup.BUYER:
        return (Party.BUYER,)
    return (Party.PLATFORM,) if group is WaitingGroup.PLATFORM else OPERATORS


def _waits_for(parties: Sequence[Party]) -> str:
    return one_of(sa.WAITS_FOR.name, [party.label for party in parties])
