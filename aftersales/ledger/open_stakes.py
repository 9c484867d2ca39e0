"""What is at stake in the cases that are open now, by shop and process."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError

from aftersales.ledger.month_report import OpenStake
from aftersales.runtime.case_search import OPEN, of_processes, one_of
from workflows.engine import search_attributes as sa

MOST_READ: Final = 5000
"""Open cases that are added up; what is at stake in more is not known."""
_PAGE: Final = 1000
_PATIENCE_SECONDS: Final = 8.0


async def open_stakes(client: Client, shops: Sequence[str] | None = None) -> list[OpenStake] | None:
    """Return what is at stake in the open cases of some shops or all.

    None: the server does not tell in time, or there are too many to add up.
    """
    query = f"{of_processes()} AND {OPEN}"
    if shops is not None:
        query += f" AND {one_of(sa.SHOP.name, shops)}"
    found: dict[tuple[str, str], list[Decimal | None]] = defaultdict(list)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            if (await client.count_workflows(query)).count > MOST_READ:
                return None
            async for execution in client.list_workflows(query, page_size=_PAGE):
                attributes = execution.typed_search_attributes
                at_stake = attributes.get(sa.AT_STAKE)
                amount = None if at_stake is None else Decimal(str(at_stake)).quantize(Decimal("0.01"))
                found[attributes.get(sa.SHOP) or "", execution.workflow_type].append(amount)
    except (TimeoutError, RPCError):
        return None
    return [
        OpenStake(
            shop=shop,
            process=process,
            cases=len(amounts),
            amount=sum((amount for amount in amounts if amount is not None), Decimal("0.00")),
            unknown=amounts.count(None),
        )
        for (shop, process), amounts in sorted(found.items())
    ]
