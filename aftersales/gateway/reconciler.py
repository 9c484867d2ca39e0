"""Reconciling a shop: its records that changed, or whose turn it is, fed to their cases as reports.

This makes up for messages that were lost, and for those that a marketplace does not send.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog
from temporalio.service import RPCError, RPCStatusCode

from aftersales.gateway.case_client import Feed, FeedResult
from aftersales.gateway.rounds import ToldBefore, turn_comes
from aftersales.platforms.adapter import FollowingAdapter, LookingAdapter, ReconcilableAdapter
from aftersales.platforms.inbound import CaseKey
from aftersales.runtime.client.known_cases import EndedEarly
from aftersales.runtime.telemetry.log_privacy import in_words
from aftersales.runtime.temporal.connection import TemporalUnreachable
from cases.errors import BadForm, LedgerUnreachable, PlatformRefused, PlatformUnreachable
from cases.messages import CatchUpCall, Report
from cases.ports import LookProgress

AT_ONCE: Final = 4
"""Records read at the same time."""
MOST_FAILURES: Final = 12
"""After so many records that could not be looked at, the rest is left for the next try."""


OpenCases = Callable[[str, str], AsyncIterator[str]]
"""Yields the ids of a process's open cases in a shop."""


async def _none_open(process: str, shop_id: str) -> AsyncIterator[str]:
    del process, shop_id
    return
    yield


class Reconciler:
    """Reconciles the shops of one marketplace, for each of its processes whose records are looked at."""

    def __init__(self, adapters: Mapping[str, LookingAdapter], feed: Feed, open_cases: OpenCases = _none_open) -> None:
        """``open_cases`` is asked for the processes where nothing lists what changed."""
        self._adapters, self._feed, self._open_cases = adapters, feed, open_cases
        self._told = ToldBefore()

    async def reconcile(self, call: CatchUpCall, progress: LookProgress) -> None:
        """Feed every case whose record changed between two instants; one that was never announced is opened.

        Where nothing lists what changed, every open case is fed in its turn.

        A record that is refused is left out and counted.  One that nobody could look at, because Temporal, the ledger
        or the marketplace did not answer or had too much to do, fails the run once the others have been looked at.
        Looking again is harmless, since what a record says has the same message ids each time.
        """
        # A record that is listed twice is read once.
        cases = dict.fromkeys(
            [
                CaseKey(process, call.shop_id, own_id)
                for process, adapter in self._adapters.items()
                async for own_id in self._to_look_at(process, adapter, call)
            ]
        )
        left = iter([case for case in cases if not progress.has_looked(case.case_id)])
        failures: list[Exception] = []
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._look_at_all(left, call.until, progress, failures))
        if failures:
            raise failures[0]

    async def _to_look_at(self, process: str, adapter: LookingAdapter, call: CatchUpCall) -> AsyncIterator[str]:
        """Yield the own ids of a process's records that are to be looked at."""
        if isinstance(adapter, ReconcilableAdapter):
            async for own_id in adapter.changed(call.shop_id, call.since, call.until):
                yield own_id
            return
        async for case_id in self._open_cases(process, call.shop_id):
            if turn_comes(case_id, adapter.every, call.since, call.until):
                yield case_id.removeprefix(f"{process}/")

    async def _look_at_all(
        self, cases: Iterator[CaseKey], now: datetime, progress: LookProgress, failures: list[Exception]
    ) -> None:
        for case in cases:
            try:
                opened = await self._opened(case, now)
            except (TemporalUnreachable, LedgerUnreachable, PlatformUnreachable, RPCError) as failed:
                failures.append(failed)
                if len(failures) >= MOST_FAILURES:
                    return
            else:
                progress.looked(case.case_id, opened=opened)

    async def _opened(self, case: CaseKey, now: datetime) -> bool | None:
        """Return whether the case of a record was opened; None if it can never be fed."""
        try:
            adapter = self._adapters[case.process]
            story = await adapter.story(case.shop_id, case.own_id)
            if isinstance(adapter, FollowingAdapter):
                return await self._follow(case, story, now)
            reports: Sequence[Report | None] = story or [None]
            fed = [await self._feed(case, report) for report in reports]
        except EndedEarly:  # reviving it looks again
            return None
        except (BadForm, PlatformRefused, RPCError) as bad:
            if isinstance(bad, RPCError) and bad.status is RPCStatusCode.RESOURCE_EXHAUSTED:
                raise
            log = structlog.get_logger("catch_up")
            log.warning("a record cannot be fed", case_id=case.case_id, shop=case.shop_id, why=in_words(bad))
            return None
        return FeedResult.OPENED in [one.result for one in fed]

    async def _follow(self, case: CaseKey, story: Sequence[Report], now: datetime) -> bool:
        """Feed an open case what is new in its record, and return that it was not opened for it."""
        for report in self._told.news(case.case_id, story, now):
            await self._feed(case, report)
        self._told.told(case.case_id, story, now)
        return False
