"""What is at stake in the cases that are open now, by shop, process and state."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple

from temporalio.client import Client
from temporalio.service import RPCError

from aftersales.ledger.month_report import OpenNow, OpenStake
from aftersales.runtime.client.case_search import OPEN, of_processes, one_of
from aftersales.runtime.http.kept_answers import KeptAnswers
from workflows.engine import search_attributes as sa

LISTING_SECONDS: Final = 20.0
"""How long the server may take; what it has not listed by then is of unknown amount."""
KEPT_FACTOR: Final = 10
"""How many times as long as it took to list the cases their sums are kept: so this takes the server little time."""
MOST_KEPT_STAKES: Final = 100
_PAGE: Final = 1000


class _Kept(NamedTuple):
    told: OpenNow
    until: float


class KeptStakes:
    """Tells what is at stake in open cases; who asks at the same time, or soon after, shares one answer."""

    def __init__(self, client: Client) -> None:
        """Ask with this client."""
        self._client = client
        self._answers: KeptAnswers[tuple[str, ...] | None, _Kept] = KeptAnswers(MOST_KEPT_STAKES)

    async def of(self, shops: Sequence[str] | None = None) -> OpenNow:
        """Return what is at stake in the open cases of some shops or all."""
        key = None if shops is None else tuple(shops)
        kept = self._answers.last(key)
        if kept is None or time.monotonic() >= kept.until:
            kept = await asyncio.shield(self._answers.ask(key, partial(self._read, key)))
        return kept.told

    async def _read(self, shops: tuple[str, ...] | None) -> _Kept:
        began = time.monotonic()
        told = await open_stakes(self._client, shops)
        ended = time.monotonic()
        return _Kept(told, ended + KEPT_FACTOR * (ended - began))


async def open_stakes(client: Client, shops: Sequence[str] | None = None, patience: float = LISTING_SECONDS) -> OpenNow:
    """Return what is at stake in the open cases of some shops or all, as far as the server tells in time."""
    query = f"{of_processes()} AND {OPEN}"
    if shops is not None:
        query += f" AND {one_of(sa.SHOP.name, shops)}"
    found: dict[tuple[str, str, str], list[Decimal | None]] = defaultdict(list)
    complete = False
    try:
        async with asyncio.timeout(patience):
            async for execution in client.list_workflows(query, page_size=_PAGE):
                attributes = execution.typed_search_attributes
                at_stake = attributes.get(sa.AT_STAKE)
                amount = None if at_stake is None else Decimal(str(at_stake)).quantize(Decimal("0.01"))
                # Behind the state stand the orders of a split order, each with a state of its own.
                state = (attributes.get(sa.STATE) or "").partition("(")[0]
                found[attributes.get(sa.SHOP) or "", execution.workflow_type, state].append(amount)
        complete = True
    except (TimeoutError, RPCError):
        pass
    stakes = [
        OpenStake(
            shop=shop,
            process=process,
            state=state,
            cases=len(amounts),
            amount=sum((amount for amount in amounts if amount is not None), Decimal("0.00")),
            unknown=amounts.count(None),
        )
        for (shop, process, state), amounts in sorted(found.items())
    ]
    return OpenNow(stakes, complete=complete)
