"""What activities need of the world: the marketplaces' platforms, the shop's ledger, the operators.

Protocols alone: adapters are chosen where a worker is put together, never by an activity.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from cases.ledger import CaseOutcome, LedgerEntry
from cases.messages import ActionRequired, CatchUp, EffectCall, ExpiryOutcome, ExpiryQuery, Reminder


class Platform(Protocol):
    """A marketplace as our activities see it.

    Both raise PlatformRefused where the platform refuses for a business reason, and PlatformUnreachable where it does
    not answer.
    """

    async def perform(self, call: EffectCall) -> None:
        """Do on the platform what the effect says; with a key seen before, nothing more is done."""

    async def settle(self, question: ExpiryQuery) -> ExpiryOutcome:
        """Say what a clock of the platform led to; raises NotSettledYet while it has not decided."""


class Ledger(Protocol):
    """Where entries and outcomes are kept; it is called from several threads."""

    def enter(self, entry: LedgerEntry) -> None:
        """Keep an entry; one whose key is known changes nothing."""

    def record_outcome(self, outcome: CaseOutcome) -> None:
        """Keep how a case ended; a case that has ended already changes nothing."""


class Notifier(Protocol):
    """Tells operators; ``key`` makes telling them twice the same as once.

    Raises PlatformUnreachable where trying again may help, else PlatformRefused.
    """

    async def remind(self, reminder: Reminder, key: str) -> None:
        """Tell them of a deadline (G-5)."""

    async def tell_trouble(self, trouble: ActionRequired, key: str) -> None:
        """Tell them of a step that waits for them (G-7, G-8)."""

    async def tell_outcome(self, outcome: CaseOutcome, key: str) -> None:
        """Tell them how a case ended."""


Look = Callable[[str, datetime, datetime], Awaitable[CatchUp]]
"""Looks at what changed in a shop between two instants, and tells its cases."""
