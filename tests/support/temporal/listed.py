"""Cases that are only listed: workflows without a worker, with the search attributes that a test says."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from tests.support.temporal.life import eventually
from workflows.engine import search_attributes as sa


async def list_case(
    client: Client,
    shop: str,
    deadline: datetime | None = None,
    *,
    case_id: str | None = None,
    orders: Sequence[str] = ("O1",),
    waits_for: str | None = "商家",
    needs_operator: bool = False,
) -> str:
    """Start a workflow that is listed as a case of a shop, and return its id; one that waits for nobody has ended."""
    case_id = case_id or f"douyin_reship/{uuid.uuid4().hex[:12]}"
    values: dict[Any, Any] = {
        sa.PROCESS: case_id.partition("/")[0],
        sa.SHOP: shop,
        sa.ORDER: orders[0],
        sa.ORDERS: list(orders),
        sa.STATE: "待商家处理",
        sa.NEEDS_OPERATOR: needs_operator,
        sa.AT_STAKE: 129.0,
    }
    if waits_for is not None:
        values[sa.WAITS_FOR] = waits_for
    if deadline is not None:
        values[sa.DEADLINE] = deadline
    await client.start_workflow(
        case_id.partition("/")[0],
        id=case_id,
        task_queue="nobody's",
        search_attributes=TypedSearchAttributes([SearchAttributePair(key, value) for key, value in values.items()]),
    )
    return case_id


async def are_listed(client: Client, shop: str, number: int) -> None:
    """Wait until the server's list has a shop's cases: it is brought up to date a moment after they are started."""

    async def has_them() -> bool:
        return (await client.count_workflows(f"{sa.SHOP.name} = '{shop}'")).count == number

    await eventually(f"{number} cases are listed", has_them)
