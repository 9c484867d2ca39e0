"""Reconciling a shop: its records that changed, fed to their cases as reports, in case a message was lost."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog
from temporalio.service import RPCError

from aftersales.gateway.case_client import Feed, FeedResult
from aftersales.platforms.adapter import ReconcilableAdapter
from aftersales.platforms.inbound import CaseKey
from cases.errors import BadForm, PlatformRefused
from cases.messages import CatchUp, Report

AT_ONCE: Final = 4
"""Records read at the same time."""


class Reconciler:
    """Reconciles the shops of one marketplace, for each of its processes that can list what changed."""

    def __init__(self, adapters: Mapping[str, ReconcilableAdapter], feed: Feed) -> None:
        self._adapters, self._feed = adapters, feed

    async def reconcile(self, shop_id: str, since: datetime, until: datetime) -> CatchUp:
        """Feed every case whose record changed between two instants; one that was never announced is opened.

        A record that is refused is left out and counted.  Raises PlatformUnreachable and TemporalUnreachable: looking
        again is harmless, since what a record says has the same message ids each time.
        """
        # A record that is listed twice is read once.
        cases = dict.fromkeys(
            [
                CaseKey(process, shop_id, own_id)
                for process, adapter in self._adapters.items()
                async for own_id in adapter.changed(shop_id, since, until)
            ]
        )
        free = asyncio.Semaphore(AT_ONCE)

        async def feed(case: CaseKey) -> bool | None:
            async with free:
                return await self._opened(case)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(feed(case)) for case in cases]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # one suffices: the whole run is tried again
        opened = [task.result() for task in tasks]
        return CatchUp(records=len(opened), opened=opened.count(True), failed=opened.count(None))

    async def _opened(self, case: CaseKey) -> bool | None:
        """Return whether the case of a record was opened; None if it could not be fed."""
        try:
            story = await self._adapters[case.process].story(case.shop_id, case.own_id)
            reports: Sequence[Report | None] = story or [None]
            results = [await self._feed(case, report) for report in reports]
        except (BadForm, PlatformRefused, RPCError) as bad:
            log = structlog.get_logger("catch_up")
            log.warning("a record cannot be fed", case_id=case.case_id, shop=case.shop_id, why=str(bad))
            return None
        return FeedResult.OPENED in results
