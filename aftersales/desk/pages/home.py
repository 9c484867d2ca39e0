"""待办: the cases that wait, the most urgent first."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from temporalio.client import WorkflowExecution

from aftersales.desk.access.users import User
from aftersales.desk.handling.team import claims_on, known_of
from aftersales.desk.rendering import page, services_of, user_of
from aftersales.desk.sections.listing import list_cases
from aftersales.desk.sections.live import mark_of_list
from aftersales.desk.sections.rows import ended_rows, rows_of
from aftersales.desk.services import DeskServices
from aftersales.desk.waiting.filters import Filters, WaitingGroup
from aftersales.platforms.marketplace import installed_marketplaces
from workflows.registry import PROCESSES

_FILTER_NAMES: Final = {
    "least": "金额",
    "search": "查找",
    "group": "分组",
    "page": "页码",
    "after": "页码",
    "skipped": "页码",
}
"""The filters that may be wrong in an address, as the page calls them."""


async def home(request: Request) -> Response:
    """Show the open cases that the user sees, filtered by what the address says."""
    services = services_of(request)
    user, now = user_of(request), datetime.now(UTC)
    filters, unusable = read_filters(request.query_params)
    listing = await list_cases(services, filters, user, now)
    claims = await claims_on(services.ledger, listing.case_ids)
    mark = await mark_of_list(services, listing.found)
    known = await known_of(services.ledger, [execution.id for execution in listing.ended])
    clerks = {case_id: claim.clerk for case_id, claim in (claims or {}).items()}

    def rows(executions: Sequence[WorkflowExecution]) -> Any:
        return rows_of(services, user, executions, listing.seen, clerks, now)

    return page(
        request,
        "home.html",
        now=now,
        mark=mark,
        top=rows(listing.top),
        own=rows(listing.own),
        others=rows(listing.others),
        ended=ended_rows(services, listing.ended, known),
        filters=filters,
        unusable=unusable,
        unread=len(listing.unread),
        more=listing.found.more,
        more_early=listing.found.more_early,
        ledger_away=claims is None,
        counts_age=listing.found.counted.age,
        groups=[(group, listing.counts[group], _address(filters.with_group(group))) for group in WaitingGroup],
        everything=_address(filters.with_group(None)),
        following=_address(listing.following) if listing.following else None,
        before=_address(filters.page_before()) if filters.page > 1 else None,
        shops=_choices(services, user, filters.shop),
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
        kept = {key: value for key, value in given.items() if key not in names}
        return Filters.model_validate_strings(kept), list(
            dict.fromkeys(_FILTER_NAMES.get(name, name) for name in names)
        )


def _address(filters: Filters) -> str:
    values = filters.model_dump(mode="json", exclude_defaults=True)
    return "/?" + urlencode({name: value for name, value in values.items() if value is not None})


def _choices(services: DeskServices, user: User, chosen: str) -> dict[str, str]:
    return {shop: services.shop_name(shop) for shop in services.shops_of(user, [chosen])}


def _states(process: str) -> list[str]:
    if process not in PROCESSES:
        return []
    chosen = PROCESSES[process]
    return list(dict.fromkeys(chosen.state_label(state) for state in chosen.states))
