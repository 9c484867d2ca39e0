"""How often a robot may be used: never more than so many messages within any stretch of so many seconds.

A bucket that refills would let two full bursts into one minute, and the robots count real minutes; so the instants of
the last messages are kept.  Only arithmetic: whoever is told to wait does the waiting.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

MARGIN: Final = 0.5
"""Seconds that a message may be longer under way than the one after it."""


class Rate(NamedTuple):
    """At most so many messages in so many seconds."""

    messages: int
    seconds: float


FEISHU: Final = (Rate(100, 60), Rate(5, 1))
DINGTALK: Final = (Rate(20, 60),)
WECOM: Final = (Rate(20, 60),)
FREE: Final[tuple[Rate, ...]] = ()


class Limit:
    """The messages of one robot; times are seconds of a clock that only goes forward."""

    def __init__(self, rates: Sequence[Rate]) -> None:
        self._rates = tuple(rates)
        self._sent: deque[float] = deque(maxlen=max((rate.messages for rate in rates), default=1))

    def wait(self, now: float) -> float:
        """The seconds until one more message may go, those included that have been promised a later instant."""
        full = (rate for rate in self._rates if len(self._sent) >= rate.messages)
        return max(now, *(self._sent[-rate.messages] + rate.seconds + MARGIN for rate in full), now) - now

    def take(self, at: float) -> None:
        """Count a message that goes at that instant."""
        self._sent.append(at)
