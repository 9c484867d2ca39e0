"""待办: the cases that wait, the most urgent first."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from temporalio.client import WorkflowExecution

from aftersales.desk.rendering import page, user_of
from aftersales.desk.rows import rows_of
from aftersales.desk.services import DeskServices
from aftersales.desk.users import User
from aftersales.desk.waiting import (
    CASES_ON_A_PAGE,
    Filters,
    WaitingCases,
    WaitingGroup,
    counted,
    deadline_of,
    query_of,
)
from aftersales.platforms.marketplace import installed_marketplaces
from workflows.engine.view import CaseView
from workflows.registry import PROCESSES

READ_SECONDS: Final = 0.6
"""How long the list waits for what only the cases know; it is shown without what comes later."""
OTHER_CLOCKS_SHOWN: Final = 10
WITHOUT_DEADLINE: Final = datetime.max.replace(tzinfo=UTC)


async def home(request: Request) -> Response:
    """Show the open cases that the user sees, filtered by what the address says."""
    services: DeskServices = request.app.state.services
    user, now = user_of(request), datetime.now(UTC)
    filters, unusable = read_filters(request.query_params)
    cases = WaitingCases(services.client, await _query(services, filters, user), now)
    waiting, early, counts = await asyncio.gather(cases.needing_operator(), cases.ended_early(), counted(cases))
    seen = await services.cases.read_some([execution.id for execution in waiting], READ_SECONDS)
    failed = [execution for execution in waiting if _has_failed(seen.get(execution.id))]
    tasks = [execution for execution in waiting if execution not in failed]
    counts |= {WaitingGroup.FAILED: len(failed), WaitingGroup.TASKS: len(tasks), WaitingGroup.ENDED_EARLY: len(early)}
    top, own, others = await _listed(cases, filters, (failed, tasks, early))
    first, last = (filters.page - 1) * CASES_ON_A_PAGE, filters.page * CASES_ON_A_PAGE
    shown = [*top, *own[first:last], *others]
    seen |= await services.cases.read_some([execution.id for execution in shown], READ_SECONDS)
    claims = await asyncio.to_thread(services.ledger.claims, [execution.id for execution in shown])
    clerks = {case_id: claim.clerk for case_id, claim in claims.items()}

    def rows(executions: Sequence[WorkflowExecution]) -> Any:
        return rows_of(services, executions, seen, clerks, now)

    return page(
        request,
        "home.html",
        now=now,
        top=rows(top),
        own=rows(own[first:last]),
        others=rows(others),
        more=len(own) > last,
        filters=filters,
        unusable=unusable,
        groups=[(group, counts[group], _address(filters, group=group, page=1)) for group in WaitingGroup],
        everything=_address(filters, group=None, page=1),
        following=_address(filters, page=filters.page + 1),
        before=_address(filters, page=filters.page - 1),
        shops=_choices(services, user),
        platforms={name: marketplace.label for name, marketplace in installed_marketplaces().items()},
        processes={name: process.label for name, process in PROCESSES.items()},
        states=_states(filters.process),
    )


def read_filters(parameters: Mapping[str, str]) -> tuple[Filters, list[str]]:
    """Read the filters of an address; what cannot be read is left out, and named."""
    given = {name: value for name, value in parameters.items() if value and name in Filters.model_fields}
    try:
        return Filters.model_validate_strings(given), []
    except ValidationError as bad:
        names = [str(fault["loc"][0]) for fault in bad.errors()]
        return Filters.model_validate_strings({key: value for key, value in given.items() if key not in names}), names


async def _query(services: DeskServices, filters: Filters, user: User) -> str:
    claimed = await asyncio.to_thread(services.ledger.claimed_by, filters.clerk) if filters.clerk else None
    number = filters.search.strip()
    orders = await asyncio.to_thread(services.ledger.orders_of_parcel, number) if number else []
    return query_of(filters, user.shops, claimed, orders)


async def _listed(
    cases: WaitingCases, filters: Filters, known: tuple[list[WorkflowExecution], ...]
) -> tuple[list[WorkflowExecution], list[WorkflowExecution], list[WorkflowExecution]]:
    """Return what failed, the deadlines of the page and those before it with one more, and the clocks of others."""
    failed, tasks, early = known
    wanted = filters.page * CASES_ON_A_PAGE + 1
    if filters.group is WaitingGroup.FAILED:
        return [], failed, []
    if filters.group is WaitingGroup.TASKS:
        return [], sorted(tasks, key=_urgency), []
    if filters.group is WaitingGroup.ENDED_EARLY:
        return [], early, []
    if filters.group is not None:
        return [], await cases.nearest(filters.group, wanted), []
    own, *others = await asyncio.gather(
        cases.nearest(None, wanted + len(failed)),
        cases.nearest(WaitingGroup.BUYER, OTHER_CLOCKS_SHOWN),
        cases.nearest(WaitingGroup.PLATFORM, OTHER_CLOCKS_SHOWN),
    )
    top = [*early, *failed]
    ours = {execution.id: execution for execution in [*tasks, *own]}
    for execution in top:
        ours.pop(execution.id, None)
    theirs = [execution for listed in others for execution in listed if execution.id not in {*ours, *_ids(top)}]
    first_page = filters.page == 1
    return (
        top if first_page else [],
        sorted(ours.values(), key=_urgency),
        sorted(theirs, key=_urgency)[:OTHER_CLOCKS_SHOWN] if first_page else [],
    )


def _ids(executions: Sequence[WorkflowExecution]) -> list[str]:
    return [execution.id for execution in executions]


def _urgency(execution: WorkflowExecution) -> tuple[datetime, str]:
    return deadline_of(execution) or WITHOUT_DEADLINE, execution.id


def _has_failed(case: CaseView | None) -> bool:
    return case is not None and any(effect.status == "needs_operator" for effect in case.effects)


def _address(filters: Filters, **changed: Any) -> str:
    values = filters.model_copy(update=changed).model_dump(mode="json", exclude_defaults=True)
    return "/?" + urlencode({name: value for name, value in values.items() if value is not None})


def _choices(services: DeskServices, user: User) -> dict[str, str]:
    return {shop: services.shop_name(shop) for shop in services.shops_of(user)}


def _states(process: str) -> list[str]:
    if process not in PROCESSES:
        return []
    chosen = PROCESSES[process]
    return list(dict.fromkeys(chosen.state_label(state) for state in chosen.states))
