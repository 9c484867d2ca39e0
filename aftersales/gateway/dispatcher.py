"""Dispatching stored messages to their cases: in order for each case, several cases at once, until they get through."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

import structlog
from temporalio.service import RPCError

from aftersales.gateway.case_client import Feed
from aftersales.gateway.inbox import Inbox, InboxRow
from aftersales.gateway.senders import NotItsShop, Senders
from aftersales.runtime.client.known_cases import EndedEarly
from aftersales.runtime.telemetry.log_privacy import in_words
from aftersales.runtime.telemetry.spans import SpanSide, continued, span
from aftersales.runtime.temporal.connection import TemporalUnreachable
from cases.errors import BadForm, CaseError, PlatformRefused

BATCH: Final = 200
PRUNE_SECONDS: Final = 3600.0
FAILS, WORKS = "delivery fails", "delivery works again"
UNTIL_REVIVED = "a message waits until its case is revived"


class Dispatcher:
    """Takes new messages from the inbox and feeds them to their cases.

    While Temporal cannot be reached everything waits, and one case at a time is tried; a case whose marketplace does
    not answer, or that has to be revived, waits alone.  Where it is not certain that there is no case, the message is
    looked at once more, ``second_look`` seconds later.  Pauses double from ``first_pause`` to ``longest_pause``, in
    seconds; ``idle`` is how long a message may wait that another gateway put into the same inbox.  What a sender may
    not say is refused for good.
    """

    def __init__(  # noqa: PLR0913 - tests wait less
        self,
        inbox: Inbox,
        feed: Feed,
        senders: Senders,
        *,
        at_once: int = 8,
        first_pause: float = 0.5,
        longest_pause: float = 60.0,
        idle: float = 1.0,
        second_look: float = 20.0,
    ) -> None:
        self._inbox, self._feed, self._senders = inbox, feed, senders
        self._at_once, self._idle = at_once, idle
        self._first_pause, self._longest_pause, self._second_look = first_pause, longest_pause, second_look
        self._log = structlog.get_logger("gateway")
        self._woken = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stuck: set[str] = set()
        self._failures, self._paused_until, self._pruned_at = 0, 0.0, float("-inf")

    def wake(self) -> None:
        """Look into the inbox now."""
        self._woken.set()

    async def run(self) -> None:
        """Dispatch until cancelled, as soon as no other gateway on this inbox does."""
        while not self._inbox.claim():  # noqa: ASYNC110 - another process has it, and gives no notice of its end
            await asyncio.sleep(self._idle)
        try:
            while True:
                await self._round()
        finally:
            running = list(self._tasks.values())
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            self._inbox.release()

    async def _round(self) -> None:
        self._woken.clear()
        pause = self._paused_until - time.monotonic()
        if pause <= 0:
            try:
                await self._start_due()
                await self._prune()
            except Exception as refused:  # noqa: BLE001 - messages wait, and the gateway goes on
                self._pause(refused)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause if pause > 0 else self._idle):
                await self._woken.wait()

    async def _start_due(self) -> None:
        busy = set(self._tasks)  # taken before the inbox is read: what ends meanwhile may be read as still new
        free = (1 if self._failures else self._at_once) - len(busy)
        if free <= 0:
            return
        cases: dict[str, list[InboxRow]] = {}
        for row in await self._inbox.due(BATCH):
            if row.case.case_id not in busy:
                cases.setdefault(row.case.case_id, []).append(row)
        for case_id, rows in islice(cases.items(), free):
            self._tasks[case_id] = asyncio.create_task(self._dispatch(case_id, rows))

    async def _dispatch(self, case_id: str, rows: Sequence[InboxRow]) -> None:
        try:
            for row in rows:
                if not await self._dispatch_one(case_id, row):
                    break
        except sqlite3.Error as bad:
            self._pause(bad)
        except TemporalUnreachable as bad:
            self._pause(bad)
            await self._postpone(row, bad)  # so that another case is tried next: this one may be the cause
        except EndedEarly as bad:  # operators are told by the look for ended cases
            self._stuck.discard(case_id)
            if not row.attempts:
                self._log.warning(UNTIL_REVIVED, case_id=case_id, shop=row.case.shop_id, why=in_words(bad))
            await self._postpone(row, bad)
        except Exception as bad:  # noqa: BLE001 - the message stays, and the others go on
            self._stick(case_id, row, bad)
            await self._postpone(row, bad)
        finally:
            del self._tasks[case_id]
            self.wake()

    async def _dispatch_one(self, case_id: str, row: InboxRow) -> bool:
        """Dispatch a message; return whether those after it may follow."""
        about = {"aftersales.platform": row.platform, "aftersales.shop": row.case.shop_id}
        with continued(row.trace), span(f"deliver {row.platform}", SpanSide.INTERNAL, about):
            return await self._delivered(case_id, row)

    async def _delivered(self, case_id: str, row: InboxRow) -> bool:
        case = row.case
        try:
            self._senders.check(row.platform, row.app_key, case)
            fed = await self._feed(case, row.report)
        except NotItsShop as foreign:
            await self._inbox.refused(row, str(foreign))
            about = {"case_id": case_id, "shop": case.shop_id, "app": row.app_key}
            self._log.warning("a message is refused", **about, why=str(foreign))
        except (BadForm, PlatformRefused) as bad:
            await self._inbox.failed(row, str(bad))
            self._log.warning("a message cannot be delivered", case_id=case_id, shop=case.shop_id, why=in_words(bad))
        else:
            if fed.uncertain and not row.attempts:
                await self._inbox.later(row, fed.note, self._second_look)
                return False
            await self._inbox.done(row, fed.note)
            if self._failures:
                self._failures = 0
                self._log.info(WORKS)
        if case_id in self._stuck:
            self._stuck.remove(case_id)
            if not self._stuck:
                self._log.info(WORKS)
        return True

    def _stick(self, case_id: str, row: InboxRow, bad: Exception) -> None:
        """Log that a case waits; of several that wait only the first is logged."""
        if not self._stuck:
            unexpected = None if isinstance(bad, CaseError | RPCError) else bad
            self._log.warning(FAILS, case_id=case_id, shop=row.case.shop_id, why=in_words(bad), exc_info=unexpected)
        self._stuck.add(case_id)

    async def _postpone(self, row: InboxRow, bad: Exception) -> None:
        """Postpone one case."""
        try:
            await self._inbox.later(row, f"{type(bad).__name__}: {bad}", self._pause_after(row.attempts))
        except sqlite3.Error as refused:
            self._pause(refused)

    def _pause(self, bad: Exception) -> None:
        """Pause everything; cases that fail together count once."""
        now = time.monotonic()
        if now < self._paused_until:
            return
        if not self._failures:
            self._log.warning(FAILS, why=in_words(bad))
        self._paused_until = now + self._pause_after(self._failures)
        self._failures += 1

    def _pause_after(self, failures: int) -> float:
        return float(min(self._first_pause * 2 ** min(failures, 30), self._longest_pause))

    async def _prune(self) -> None:
        now = time.monotonic()
        if now - self._pruned_at >= PRUNE_SECONDS:
            self._pruned_at = now
            await self._inbox.prune()
