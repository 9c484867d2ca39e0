"""Reconciling a shop: its records that changed, fed to their cases as reports, in case a message was lost."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import structlog
from temporalio.service import RPCError, RPCStatusCode

from aftersales.gateway.case_client import Feed, FeedResult
from aftersales.platforms.adapter import ReconcilableAdapter
from aftersales.platforms.inbound import CaseKey
from aftersales.runtime.connection import TemporalUnreachable
from aftersales.runtime.known_cases import EndedEarly
from cases.errors import BadForm, LedgerUnreachable, PlatformRefused, PlatformUnreachable
from cases.messages import CatchUpCall, Report
from cases.ports import LookProgress

AT_ONCE: Final = 4
"""Records read at the same time."""
MOST_FAILURES: Final = 12
"""After so many records that could not be looked at, the rest is left for the next try."""


class Reconciler:
    """Reconciles the shops of one marketplace, for each of its processes that can list what changed."""

    def __init__(self, adapters: Mapping[str, ReconcilableAdapter], feed: Feed) -> None:
        self._adapters, self._feed = adapters, feed

    async def reconcile(self, call: CatchUpCall, progress: LookProgress) -> None:
        """Feed every case whose record changed between two instants; one that was never announced is opened.

        A record that is refused is left out and counted.  One that nobody could look at, because Temporal, the ledger
        or the marketplace did not answer or had too much to do, fails the run once the others have been looked at.
        Looking again is harmless, since what a record says has the same message ids each time.
        """
        # A record that is listed twice is read once.
        cases = dict.fromkeys(
            [
                CaseKey(process, call.shop_id, own_id)
                for process, adapter in self._adapters.items()
                async for own_id in adapter.changed(call.shop_id, call.since, call.until)
            ]
        )
        left = iter([case for case in cases if not progress.has_looked(case.case_id)])
        failures: list[Exception] = []
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._look_at_all(left, progress, failures))
        if failures:
            raise failures[0]

    async def _look_at_all(self, cases: Iterator[CaseKey], progress: LookProgress, failures: list[Exception]) -> None:
        for case in cases:
            try:
                opened = await self._opened(case)
            except (TemporalUnreachable, LedgerUnreachable, PlatformUnreachable, RPCError) as failed:
                failures.append(failed)
                if len(failures) >= MOST_FAILURES:
                    return
            else:
                progress.looked(case.case_id, opened=opened)

    async def _opened(self, case: CaseKey) -> bool | None:
        """Return whether the case of a record was opened; None if it can never be fed."""
        try:
            story = await self._adapters[case.process].story(case.shop_id, case.own_id)
            reports: Sequence[Report | None] = story or [None]
            fed = [await self._feed(case, report) for report in reports]
        except EndedEarly:  # reviving it looks again
            return None
        except (BadForm, PlatformRefused, RPCError) as bad:
            if isinstance(bad, RPCError) and bad.status is RPCStatusCode.RESOURCE_EXHAUSTED:
                raise
            log = structlog.get_logger("catch_up")
            log.warning("a record cannot be fed", case_id=case.case_id, shop=case.shop_id, why=str(bad))
            return None
        return FeedResult.OPENED in [one.result for one in fed]
