"""What 待办 lists: which cases, in which order, and how many there are of every group."""

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from temporalio.client import WorkflowExecution

from aftersales.desk.access.users import User
from aftersales.desk.handling.team import known_by_parcel
from aftersales.desk.services import DeskServices
from aftersales.desk.waiting.filters import CASES_ON_A_PAGE, LISTED_WHOLE, Filters, WaitingGroup
from aftersales.desk.waiting.kept_counts import CountAge, Counts
from aftersales.desk.waiting.waiting import WaitingCases, query_of
from aftersales.runtime.client.nearest_cases import by_deadline, is_between
from workflows.engine import search_attributes as sa
from workflows.engine.view import CaseView

READ_SECONDS: Final = 0.4
"""How long the list waits for what only the cases know; it is shown without what comes later."""
LATE_ROWS_SECONDS: Final = 0.1
"""How much longer it waits for rows that came to the page by what was read of others."""
COUNTS_OF_PAGES: Final = CountAge(fresh=8, shown=60)
OTHER_CLOCKS_SHOWN: Final = 10
_SHOWN: Final = (sa.STATE, sa.DEADLINE, sa.WAITS_FOR, sa.NEEDS_OPERATOR, sa.AT_STAKE)
"""What a row shows of what the server knows."""


@dataclass(frozen=True)
class Found:
    """What the server knows of a page: the cases that wait for a person, those that ended early, and the deadlines.

    ``own`` are the shop's deadlines up to the page's last with one more, ``others`` the clocks of others.  ``more``
    wait for a person beside those that are listed; ``more_early``: others ended early, too.
    """

    waiting: Sequence[WorkflowExecution]
    early: Sequence[WorkflowExecution]
    own: Sequence[WorkflowExecution]
    others: Sequence[WorkflowExecution]
    counted: Counts
    more: int = 0
    more_early: bool = False

    @property
    def case_ids(self) -> list[str]:
        """The cases, each once."""
        return list(dict.fromkeys(_ids([*self.own, *self.others, *self.early, *self.waiting])))

    @property
    def shape(self) -> Hashable:
        """What differs if the page would look different."""
        listed = [*self.waiting, *self.early, *self.own, *self.others]
        return tuple(self.counted.of.items()), self.more, self.more_early, tuple(map(_looks, listed))


@dataclass(frozen=True)
class Listing:
    """The cases of one page, and the counts of the groups.

    ``top`` are those that failed or ended early, ``own`` the shop's own deadlines, ``others`` the clocks of others;
    ``found`` is what the server knows of them, ``seen`` what was read of them.  ``following`` leads to the next page.
    ``ended`` are cases that have ended, if a search found no other.
    """

    found: Found
    top: Sequence[WorkflowExecution]
    own: Sequence[WorkflowExecution]
    others: Sequence[WorkflowExecution]
    following: Filters | None
    counts: Mapping[WaitingGroup, int]
    seen: Mapping[str, CaseView]
    ended: Sequence[WorkflowExecution] = ()

    @property
    def case_ids(self) -> list[str]:
        """The cases of the page."""
        return _ids([*self.top, *self.own, *self.others])

    @property
    def unread(self) -> list[str]:
        """The cases of the page of which only what the server knows is shown, though their workflows run.

        Also those that wait for a person without anybody knowing yet for what: they are counted in no group.
        """
        early = set(_ids(self.found.early))
        shown = dict.fromkeys([*self.case_ids, *_ids(self.found.waiting)])
        return [case_id for case_id in shown if case_id not in self.seen and case_id not in early]


async def find_cases(services: DeskServices, filters: Filters, user: User, now: datetime, counts: CountAge) -> Found:
    """Ask the server for the cases that a user sees and that the filters leave, and for counts that may be kept."""
    query, group = await _query(services, filters, user), filters.group
    cases = WaitingCases(services.client, query, now, few=bool(filters.search))
    needed = wanted = 0 if group in LISTED_WHOLE else _rows(filters).stop + 1
    of_others = 0 if group or filters.page > 1 else OTHER_CLOCKS_SHOWN
    waiting, early, counted, own, others = await asyncio.gather(
        cases.needing_operator(),
        cases.ended_early(),
        services.counts.of(cases, counts),
        cases.nearest(group, wanted, filters.after),
        cases.nearest_of_others(of_others),
    )
    apart = set(_ids(waiting.listed))
    # Those that wait for a person may all be shown above the others: without them there must still be enough.
    while not group and len(own) >= wanted and (short := needed - sum(one.id not in apart for one in own)) > 0:
        wanted += short
        own = await cases.nearest(group, wanted, filters.after)
    return Found(waiting.listed, early.listed, own, others, counted, waiting.more, early.more)


async def list_cases(services: DeskServices, filters: Filters, user: User, now: datetime) -> Listing:
    """List the cases of a page, with what could be read of them in time.

    Those that wait for a person are read first: only what is read of them tells whether they come before all others.
    """
    found = await find_cases(services, filters, user, now, COUNTS_OF_PAGES)
    probable = [*found.waiting, *found.own[_rows(filters)], *found.others]
    looks = {execution.id: _looks(execution) for execution in [*found.own, *found.others, *found.waiting]}
    seen = await services.cases.read_some(_ids(probable), READ_SECONDS, looks)
    shown = _listing(found, filters, seen)
    late = [case_id for case_id in shown.case_ids if case_id not in seen]
    if late:
        # What comes late may tell that a case has failed: then it has another place.
        seen = {**seen, **await services.cases.read_some(late, LATE_ROWS_SECONDS, looks)}
        shown = _listing(found, filters, seen)
    if filters.search and not shown.case_ids:
        shown = replace(shown, ended=await _ended(services, filters, user, now))
    return shown


def _listing(found: Found, filters: Filters, seen: Mapping[str, CaseView]) -> Listing:
    """Return the cases of a page by what was read of them."""
    rows = _rows(filters)
    failed = [execution for execution in found.waiting if _has_failed(seen.get(execution.id))]
    tasks = [execution for execution in found.waiting if execution.id in seen and execution not in failed]
    top, own, others = _ordered(found, filters, failed, tasks)
    return Listing(
        found=found,
        top=top,
        own=own[rows],
        others=others,
        following=filters.page_after(own[: rows.stop]) if len(own) > rows.stop else None,
        counts={
            **found.counted.of,
            WaitingGroup.FAILED: len(failed),
            WaitingGroup.TASKS: len(tasks),
            WaitingGroup.ENDED_EARLY: len(found.early),
        },
        seen=seen,
    )


def _ordered(
    found: Found, filters: Filters, failed: list[WorkflowExecution], tasks: list[WorkflowExecution]
) -> tuple[list[WorkflowExecution], list[WorkflowExecution], list[WorkflowExecution]]:
    """Return what failed or ended early, the deadlines of the page and those before it, and the clocks of others."""
    if filters.group is WaitingGroup.FAILED:
        return [], failed, []
    if filters.group is WaitingGroup.TASKS:
        return [], sorted(tasks, key=by_deadline), []
    if filters.group is WaitingGroup.ENDED_EARLY:
        return [], list(found.early), []
    if filters.group is not None:
        return [], list(found.own), []
    top = [*found.early, *failed]
    above = set(_ids(top))
    # Of what could not be read yet, nobody knows whether it is a task: it has a place by its deadline all the same.
    later = [case for case in found.waiting if is_between(case, filters.after, None, undated=True)]
    ours = {execution.id: execution for execution in [*later, *found.own] if execution.id not in above}
    theirs = [execution for execution in found.others if execution.id not in {*ours, *above}]
    first_page = filters.page == 1
    return (
        top if first_page else [],
        sorted(ours.values(), key=by_deadline),
        sorted(theirs, key=by_deadline)[:OTHER_CLOCKS_SHOWN] if first_page else [],
    )


def _rows(filters: Filters) -> slice:
    """Return which of the cases that are looked for the page shows."""
    first = filters.skipped if filters.after else (filters.page - 1) * CASES_ON_A_PAGE
    return slice(first, first + CASES_ON_A_PAGE)


async def _ended(services: DeskServices, filters: Filters, user: User, now: datetime) -> list[WorkflowExecution]:
    return await WaitingCases(services.client, await _query(services, filters, user), now).ended()


async def _query(services: DeskServices, filters: Filters, user: User) -> str:
    claimed = await asyncio.to_thread(services.ledger.claimed_by, filters.clerk) if filters.clerk else None
    of_parcel = await known_by_parcel(services.ledger, filters.search.strip())
    return query_of(filters, user.shops, claimed, of_parcel)


def _looks(execution: WorkflowExecution) -> Hashable:
    attributes = execution.typed_search_attributes
    return execution.run_id, execution.status, *(attributes.get(key) for key in _SHOWN)


def _ids(executions: Sequence[WorkflowExecution]) -> list[str]:
    return [execution.id for execution in executions]


def _has_failed(case: CaseView | None) -> bool:
    return case is not None and any(effect.status == "needs_operator" for effect in case.effects)
