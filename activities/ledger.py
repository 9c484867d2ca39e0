"""The activities that record a case in the shop's ledger, and close it there (SL-1); both are idempotent."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from temporalio import activity

from cases.ledger import CaseRecord
from cases.messages import NoticeDeliveries
from cases.ports import Ledger, Notifier

THREADS: Final = 8
"""Calls of the ledger at the same time; the others wait for a thread."""


def ledger_activities(ledger: Ledger, notifier: Notifier) -> Iterator[Callable[..., Any]]:
    """Yield the activities that record a case, and that record and notify how it ended.

    The ledger is called in threads of its own: a database that hangs must block neither the event loop nor the threads
    that all share, in which, among other things, addresses of platforms are looked up.
    """
    threads = ThreadPoolExecutor(THREADS, "ledger")

    @activity.defn(name="record_case")
    async def record_case(record: CaseRecord) -> None:
        await asyncio.get_running_loop().run_in_executor(threads, ledger.record, record)

    @activity.defn(name="close_case")
    async def close_case(record: CaseRecord) -> NoticeDeliveries | None:
        await record_case(record)
        if record.outcome is None:
            return None
        return await notifier.notify_outcome(record.outcome, record.outcome.key)

    yield record_case
    yield close_case
