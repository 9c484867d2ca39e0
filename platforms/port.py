"""What a case needs of a marketplace's platform."""

from typing import Protocol

from cases.messages import EffectCall, Question, Settlement


class Platform(Protocol):
    """A marketplace as our activities see it.

    Both raise PlatformRefused where the platform refuses for a business reason, and PlatformUnreachable where it does
    not answer.
    """

    async def perform(self, call: EffectCall) -> None:
        """Do on the platform what the effect says; with a key seen before, nothing more is done."""

    async def settle(self, question: Question) -> Settlement:
        """Say what a clock of the platform led to; raises NotSettledYet while it has not decided."""
