"""What a gateway tells of itself, and of the cases: it is the one process of which one works at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from temporalio.client import Client

from aftersales.gateway.app import storing
from aftersales.gateway.consumer import QueueConsumer, failing_seconds
from aftersales.gateway.inbox import Inbox
from aftersales.monitoring.case_counts import COUNT_EVERY, CaseCounter, Pair
from aftersales.monitoring.figures import (
    INBOX_FAILED,
    INBOX_OLDEST,
    INBOX_WAITING,
    QUEUE_FAILING,
)
from aftersales.monitoring.monitor import Monitor, WatchedLedger
from aftersales.monitoring.schedule_ages import SCHEDULES_EVERY, ScheduleWatch, Shop
from aftersales.monitoring.temporal_checks import check_temporal
from aftersales.platforms.credentials import SecretBlocks
from aftersales.platforms.marketplaces import reconcilable_marketplaces


class CountedLedger(WatchedLedger, Protocol):
    """A ledger that knows which shops have cases."""

    def open_cases(self) -> dict[tuple[str, str], int]:
        """Return the number of cases that are not known to have ended, by shop and process."""


@dataclass(frozen=True)
class GatewayParts:
    """What a gateway works with; ``connect`` makes a connection to Temporal."""

    connect: Callable[[], Awaitable[Client]]
    inbox: Inbox
    ledger: CountedLedger
    secrets: SecretBlocks
    consumers: Sequence[QueueConsumer]
    task_queue: str


def watch_gateway(monitor: Monitor, parts: GatewayParts) -> None:
    """Let a monitor watch a gateway, and count the cases while this gateway is the one that delivers messages.

    A gateway is ready if it can store messages: without Temporal it must go on taking them.
    """
    client = OneConnection(parts.connect)
    counter = CaseCounter(client, parts.task_queue, _known_pairs(parts.ledger))
    schedules = ScheduleWatch(client, parts.task_queue, lambda: _reconciled(parts.secrets))

    async def temporal() -> None:
        await check_temporal(await client())

    async def inbox() -> None:
        for gauge in (INBOX_WAITING, INBOX_OLDEST, INBOX_FAILED):
            gauge.forget()
        depth = await parts.inbox.depth()
        INBOX_WAITING.show_one(depth.waiting)
        INBOX_OLDEST.show_one(depth.oldest_seconds)
        INBOX_FAILED.show_one(depth.failed)

    async def queues() -> None:
        failing = failing_seconds(parts.consumers)
        QUEUE_FAILING.show({(marketplace,): float(seconds) for marketplace, seconds in failing.items()})

    async def cases() -> None:
        await parts.inbox.until_claimed()
        await counter.count()

    async def successes() -> None:
        await parts.inbox.until_claimed()
        await schedules.look()

    monitor.readiness.add(storing(parts.inbox))
    monitor.check("temporal", temporal, needs=False)
    monitor.watch_ledger(parts.ledger)
    monitor.read_when_scraped("inbox", inbox)
    monitor.read_when_scraped("queues", queues)
    monitor.measure("cases", cases, COUNT_EVERY)
    monitor.measure("schedules", successes, SCHEDULES_EVERY)


class OneConnection:
    """A connection to Temporal that is made when it is first needed, and then kept."""

    def __init__(self, connect: Callable[[], Awaitable[Client]]) -> None:
        """Connect by this."""
        self._connect, self._making = connect, asyncio.Lock()
        self._client: Client | None = None

    async def __call__(self) -> Client:
        """Return the client; raises what connecting raises."""
        async with self._making:
            if self._client is None:
                self._client = await self._connect()
            return self._client


def _known_pairs(ledger: CountedLedger) -> Callable[[], Awaitable[Mapping[Pair, int]]]:
    async def pairs() -> Mapping[Pair, int]:
        open_cases = await asyncio.to_thread(ledger.open_cases)
        return {(process, shop): number for (shop, process), number in open_cases.items()}

    return pairs


def _reconciled(secrets: SecretBlocks) -> list[Shop]:
    """Return the shops that are reconciled; a shop that is new in the file is once a worker has started."""
    return [
        (marketplace, shop.shop_id)
        for marketplace in reconcilable_marketplaces()
        for shop in secrets.of(marketplace).shops
    ]
