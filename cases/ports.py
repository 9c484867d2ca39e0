"""The ports of activities, as protocols: the platforms, the shop's ledger, the operators.

The composition root chooses the adapters; an activity knows only the port.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from cases.ledger import CaseOutcome, CaseRecord, Ending, KnownCase, LedgerEntry, OpenedCase
from cases.messages import (
    ActionRequired,
    CatchUp,
    EffectCall,
    EffectOutcome,
    ExpiryOutcome,
    ExpiryQuery,
    Reminder,
)


class Platform(Protocol):
    """A marketplace as activities see it.

    Both methods raise PlatformRefused where the platform refuses for a business reason, and PlatformUnreachable where
    it does not answer.
    """

    async def perform(self, call: EffectCall) -> EffectOutcome:
        """Perform an effect on the platform; one that the platform has done ``already`` is not sent again."""

    async def resolve_expiry(self, question: ExpiryQuery) -> ExpiryOutcome:
        """Return what happened when a clock of the platform ran out; raises NotResolvedYet while it is undecided."""


class Ledger(Protocol):
    """The store of cases, entries, decisions and outcomes, called from several threads."""

    def opened(self, cases: Sequence[OpenedCase]) -> None:
        """Store that cases were opened; one known before does not change."""

    def known(self, case_ids: Sequence[str]) -> dict[str, KnownCase]:
        """Return what is known of those of the cases that were ever opened (G-14)."""

    def record(self, record: CaseRecord) -> None:
        """Store all about a case in one transaction; a record older than the stored one changes nothing."""

    def ended(self, case_id: str, ending: Ending, at: datetime) -> bool:
        """Store that a case's workflow ended without its case; return whether that is news."""

    def revived(self, case_id: str) -> None:
        """Store that a case's workflow runs again."""

    def enter(self, entry: LedgerEntry) -> None:
        """Store an entry; a key stored before changes nothing."""

    def record_outcome(self, outcome: CaseOutcome) -> None:
        """Store how a case ended; a second outcome of the same case changes nothing."""


class Notifier(Protocol):
    """The operators' notifications; a ``key`` seen before sends nothing.

    All methods raise PlatformUnreachable if a retry may help, otherwise PlatformRefused.
    """

    async def remind(self, reminder: Reminder, key: str) -> None:
        """Notify operators of a deadline (G-5)."""

    async def notify_action_required(self, required: ActionRequired, key: str) -> None:
        """Notify them of a step that waits for them (G-7, G-8)."""

    async def notify_outcome(self, outcome: CaseOutcome, key: str) -> None:
        """Notify them how a case ended."""


Reconcile = Callable[[str, datetime, datetime], Awaitable[CatchUp]]
"""Finds what changed in a shop between two instants, and reports it to the cases."""
