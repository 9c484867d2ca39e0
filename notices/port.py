"""How operators are told, whoever does it."""

from typing import Protocol

from cases.books import CaseOutcome
from cases.messages import Reminder, Trouble


class Notifier(Protocol):
    """Tells operators; ``key`` makes telling them twice the same as once.

    Raises PlatformUnreachable where trying again may help, else PlatformRefused.
    """

    async def remind(self, reminder: Reminder, key: str) -> None:
        """Tell them of a deadline (G-5)."""

    async def tell_trouble(self, trouble: Trouble, key: str) -> None:
        """Tell them of a step that waits for them (G-7, G-8)."""

    async def tell_outcome(self, outcome: CaseOutcome, key: str) -> None:
        """Tell them how a case ended."""
