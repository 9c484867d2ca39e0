"""The activities that write to the shop's ledger; every entry and every outcome is written once (SL-1)."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from temporalio import activity

from cases.ledger import CaseOutcome, LedgerEntry
from cases.messages import EffectOutcome
from cases.ports import Ledger


def ledger_activities(ledger: Ledger) -> Iterator[Callable[..., Any]]:
    """Yield the activities that write an entry, and that record how a case ended.

    Both write in a thread: a slow database must not block the worker's other activities.
    """

    @activity.defn(name="enter_in_ledger")
    async def enter_in_ledger(entry: LedgerEntry) -> EffectOutcome:
        await asyncio.to_thread(ledger.enter, entry)
        return EffectOutcome()

    @activity.defn(name="record_outcome")
    async def record_outcome(outcome: CaseOutcome) -> None:
        await asyncio.to_thread(ledger.record_outcome, outcome)

    yield enter_in_ledger
    yield record_outcome
