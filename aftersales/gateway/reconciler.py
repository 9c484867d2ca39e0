"""Telling cases what no message told them: the records of a shop that changed, as reports."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from temporalio.service import RPCError

from aftersales.gateway.case_client import OPENED
from aftersales.gateway.dispatcher import Feed
from aftersales.platforms.douyin.client import DouyinClient
from aftersales.platforms.douyin.douyin_reship import DouyinReshipAdapter
from aftersales.platforms.douyin.reship_messages import PROCESS
from cases.errors import BadForm, PlatformRefused
from cases.messages import CatchUp

AT_ONCE: Final = 4
"""Records read at the same time."""


class Reconciler:
    """Looks at Douyin's reships."""

    def __init__(self, douyin: DouyinClient, reships: DouyinReshipAdapter, feed: Feed) -> None:
        self._douyin, self._reships, self._feed = douyin, reships, feed

    async def look(self, shop_id: str, since: datetime, until: datetime) -> CatchUp:
        """Tell every case whose record changed between two instants; a case that was never announced is opened.

        A record that is refused is left out and counted.  Raises PlatformUnreachable and TemporalUnreachable: looking
        again is harmless, since what a record tells has the same message ids each time.
        """
        own_ids = list(dict.fromkeys([row.after_sale_id async for row in self._douyin.changed(shop_id, since, until)]))
        free = asyncio.Semaphore(AT_ONCE)

        async def one(own_id: str) -> bool | None:
            async with free:
                return await self._one(shop_id, own_id)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(own_id)) for own_id in own_ids]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # one suffices: the whole look is to be tried again
        ended = [task.result() for task in tasks]
        return CatchUp(records=len(ended), opened=ended.count(True), failed=ended.count(None))

    async def _one(self, shop_id: str, own_id: str) -> bool | None:
        """Whether a record's case was opened; None: it could not be told."""
        try:
            told: Sequence[dict[str, Any] | None] = self._reships.reports(await self._douyin.detail(shop_id, own_id))
            ended = [await self._feed(PROCESS, shop_id, own_id, report) for report in told or (None,)]
        except (BadForm, PlatformRefused, RPCError) as bad:
            log = structlog.get_logger("catch_up")
            log.warning("a record cannot be told", case_id=f"{PROCESS}/{own_id}", shop=shop_id, why=str(bad))
            return None
        return OPENED in ended
