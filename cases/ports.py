"""The ports of activities: the marketplaces' platforms, the shop's ledger, the operators.

The composition root chooses the adapters, never an activity.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from cases.ledger import CaseOutcome, LedgerEntry
from cases.messages import ActionRequired, CatchUp, EffectCall, ExpiryOutcome, ExpiryQuery, Reminder


class Platform(Protocol):
    """A marketplace as activities see it.

    Both methods raise PlatformRefused where the platform refuses for a business reason, and PlatformUnreachable where
    it does not answer.
    """

    async def perform(self, call: EffectCall) -> None:
        """Perform an effect on the platform; a key seen before changes nothing."""

    async def settle(self, question: ExpiryQuery) -> ExpiryOutcome:
        """Return what a clock of the platform led to; raises NotSettledYet while it has not decided."""


class Ledger(Protocol):
    """The store of entries and outcomes, called from several threads."""

    def enter(self, entry: LedgerEntry) -> None:
        """Store an entry; one whose key is known changes nothing."""

    def record_outcome(self, outcome: CaseOutcome) -> None:
        """Store how a case ended; the outcome of a case that has one already changes nothing."""


class Notifier(Protocol):
    """Notifies operators; a ``key`` seen before sends nothing.

    Its methods raise PlatformUnreachable where a retry may help, otherwise PlatformRefused.
    """

    async def remind(self, reminder: Reminder, key: str) -> None:
        """Notify them of a deadline (G-5)."""

    async def notify_action_required(self, required: ActionRequired, key: str) -> None:
        """Notify them of a step that waits for them (G-7, G-8)."""

    async def notify_outcome(self, outcome: CaseOutcome, key: str) -> None:
        """Notify them how a case ended."""


Reconcile = Callable[[str, datetime, datetime], Awaitable[CatchUp]]
"""Finds what changed in a shop between two instants, and reports it to the cases."""
