"""The cases that wait, the most urgent first."""

from dataclasses import dataclass
from datetime import datetime

from aftersales.desk.services import DeskServices
from aftersales.desk.users import User
from aftersales.runtime.case_search import OPEN, newest_runs, of_processes
from workflows.engine import search_attributes as sa
from workflows.registry import PROCESSES

LISTED = 50


@dataclass(frozen=True)
class WaitingCase:
    """A row of the list."""

    case_id: str
    process: str
    shop: str
    order: str | None
    state: str
    deadline: datetime | None
    waits_for: str | None
    needs_operator: bool


async def waiting_cases(services: DeskServices, user: User) -> list[WaitingCase]:
    """Return the open cases that a user sees, by deadline."""
    query = f"{of_processes()} AND {OPEN}"
    listed = [execution async for execution in services.client.list_workflows(query, limit=LISTED)]
    rows = []
    for execution in await newest_runs(services.client, listed):
        attributes = execution.typed_search_attributes
        shop = attributes.get(sa.SHOP)
        if user.sees(shop):
            rows.append(
                WaitingCase(
                    execution.id,
                    PROCESSES[execution.workflow_type].label,
                    services.shop_name(shop),
                    attributes.get(sa.ORDER),
                    attributes.get(sa.STATE) or "",
                    attributes.get(sa.DEADLINE),
                    attributes.get(sa.WAITS_FOR),
                    bool(attributes.get(sa.NEEDS_OPERATOR)),
                )
            )
    return sorted(rows, key=lambda row: (not row.needs_operator, row.deadline is None, row.deadline, row.case_id))
