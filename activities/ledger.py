"""The shop's ledger: entries that cases expect, and how cases ended, each once (SL-1)."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from temporalio import activity

from cases.books import CaseOutcome, LedgerEntry
from cases.messages import Outcome


class Ledger(Protocol):
    """Where entries and outcomes are kept; it is called from several threads."""

    def enter(self, entry: LedgerEntry) -> None:
        """Keep an entry; one whose key is known changes nothing."""

    def record_outcome(self, outcome: CaseOutcome) -> None:
        """Keep how a case ended; a case that has ended already changes nothing."""


class RememberedLedger:
    """A ledger in memory, for simulation: it is forgotten with the process."""

    def __init__(self) -> None:
        """Begin empty."""
        self._entries: dict[str, LedgerEntry] = {}
        self._outcomes: dict[str, CaseOutcome] = {}

    def enter(self, entry: LedgerEntry) -> None:
        """Keep an entry once."""
        self._entries.setdefault(entry.key, entry)

    def record_outcome(self, outcome: CaseOutcome) -> None:
        """Keep an outcome once."""
        self._outcomes.setdefault(outcome.case_id, outcome)

    def entries(self) -> list[LedgerEntry]:
        """All entries, by key."""
        return [self._entries[key] for key in sorted(self._entries)]

    def outcomes(self) -> list[CaseOutcome]:
        """All outcomes, by case."""
        return [self._outcomes[case_id] for case_id in sorted(self._outcomes)]


def ledger_activities(ledger: Ledger) -> Iterator[Callable[..., Any]]:
    """The activities that enter an amount, and that record how a case ended.

    A database may be slow: it is waited for beside the worker's other activities.
    """

    @activity.defn(name="enter_in_ledger")
    async def enter_in_ledger(entry: LedgerEntry) -> Outcome:
        await asyncio.to_thread(ledger.enter, entry)
        return Outcome()

    @activity.defn(name="record_outcome")
    async def record_outcome(outcome: CaseOutcome) -> None:
        await asyncio.to_thread(ledger.record_outcome, outcome)

    yield enter_in_ledger
    yield record_outcome
