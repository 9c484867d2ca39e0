"""Consuming the messages of a marketplace's queue: each is stored before it is confirmed."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog

from aftersales.gateway.inbox import Inbox
from aftersales.gateway.unreadable import log_unreadable
from aftersales.platforms.inbound import InboundMessage
from aftersales.platforms.message_queue import QueueEndpoint
from aftersales.runtime.telemetry.log_privacy import in_words
from aftersales.runtime.telemetry.spans import Attributes, SpanSide, span
from cases.errors import CaseError

IDLE_SECONDS: Final = 5.0
"""How long to wait before an empty queue is asked again."""
QUEUE_FAILS, QUEUE_WORKS = "a queue cannot be consumed", "a queue is consumed again"


class QueueConsumer:
    """Takes the messages of one queue into the inbox.

    A message that is lost between the two comes again, as it was not confirmed; one that is already stored is not
    stored again.  So several gateways may consume the same queue.  Pauses after failures double from ``first_pause``
    to ``longest_pause``, in seconds.
    """

    def __init__(
        self,
        endpoint: QueueEndpoint,
        inbox: Inbox,
        *,
        idle: float = IDLE_SECONDS,
        first_pause: float = 1.0,
        longest_pause: float = 60.0,
    ) -> None:
        self._endpoint, self._inbox = endpoint, inbox
        self._idle, self._first_pause, self._longest_pause = idle, first_pause, longest_pause
        self._log = structlog.get_logger("gateway")
        self._failures, self._failing_since = 0, 0.0

    @property
    def platform(self) -> str:
        """The marketplace of the queue."""
        return self._endpoint.platform

    @property
    def failing_seconds(self) -> int:
        """How long the queue could not be consumed, 0 while it can."""
        return max(1, int(time.monotonic() - self._failing_since)) if self._failures else 0

    async def run(self) -> None:
        """Consume until cancelled, whatever fails."""
        while True:
            try:
                pause = 0.0 if await self._take() else self._idle
            except Exception as failed:  # noqa: BLE001 - what was not confirmed comes again
                pause = self._pause_after(failed)
            else:
                if self._failures:
                    self._log.info(QUEUE_WORKS, platform=self._endpoint.platform)
                self._failures = 0
            await asyncio.sleep(pause)

    async def _take(self) -> bool:
        """Store and confirm what waits; return whether more may wait."""
        messages, receipts = await self._endpoint.receive()
        if messages and await self._stored(messages):
            log_unreadable(messages)
        if receipts:
            await self._endpoint.queue.confirm(receipts)
        return bool(receipts)

    async def _stored(self, messages: Sequence[InboundMessage]) -> int:
        about: Attributes = {"aftersales.platform": self.platform, "aftersales.messages": len(messages)}
        with span(f"receive {self.platform}", SpanSide.SERVER, about):
            return await self._inbox.store(messages)

    def _pause_after(self, failed: Exception) -> float:
        if not self._failures:
            unexpected = None if isinstance(failed, CaseError) else failed
            self._failing_since = time.monotonic()
            self._log.warning(QUEUE_FAILS, platform=self._endpoint.platform, why=in_words(failed), exc_info=unexpected)
        pause = min(self._first_pause * 2 ** min(self._failures, 30), self._longest_pause)
        self._failures += 1
        return float(pause)


def failing_seconds(consumers: Iterable[QueueConsumer]) -> dict[str, int]:
    """Return by marketplace how long one of its queues could not be consumed, 0 while all can."""
    failing: dict[str, int] = {}
    for consumer in consumers:
        failing[consumer.platform] = max(failing.get(consumer.platform, 0), consumer.failing_seconds)
    return failing


@asynccontextmanager
async def consuming(queues: Iterable[QueueEndpoint], inbox: Inbox) -> AsyncIterator[list[QueueConsumer]]:
    """Consume queues until the block ends; yields their consumers."""
    consumers = [QueueConsumer(queue, inbox) for queue in queues]
    tasks = [asyncio.create_task(consumer.run()) for consumer in consumers]
    try:
        yield consumers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
