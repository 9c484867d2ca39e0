"""A throttle of wrong passwords: who guesses has to wait, whoever he claims to be and wherever he asks from."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import timedelta
from time import monotonic
from typing import Final

WINDOW: Final = timedelta(minutes=15)
FOR_NAME_AND_ADDRESS: Final = 5
FOR_ADDRESS: Final = 20
FOR_NAME: Final = 50
"""Above the others, so that a stranger cannot easily lock a clerk out; many addresses together can."""
MOST_KEYS: Final = 10_000
Key = tuple[str, str]


class Throttle:
    """Counts the attempts of the last minutes by name, by address, and by both; the right password clears the last."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        """Count by this clock, in seconds."""
        self._now = now
        self._tried: dict[Key, deque[float]] = defaultdict(deque)

    def wait_before(self, name: str, address: str) -> int:
        """Count an attempt, and return 0; or return how many seconds to wait before the next one is looked at."""
        now = self._now()
        limits = _limits(name, address)
        waits = [self._wait(key, most, now) for key, most in limits.items()]
        if any(waits):
            return max(waits)
        for key in limits:
            self._tried[key].append(now)
        if len(self._tried) > MOST_KEYS:
            self._forget(now)
        return 0

    def was_right(self, name: str, address: str) -> None:
        """Take back the attempts of somebody who then knew the password."""
        mistakes = len(self._tried.pop((name, address), ()))
        for key in (("", address), (name, "")):
            tried = self._tried.get(key, deque())
            for _ in range(min(mistakes, len(tried))):
                tried.pop()

    def _wait(self, key: Key, most: int, now: float) -> int:
        tried = self._tried.get(key)
        if tried is None:
            return 0
        while tried and now - tried[0] >= WINDOW.total_seconds():
            tried.popleft()
        return 0 if len(tried) < most else int(tried[-most] + WINDOW.total_seconds() - now) + 1

    def _forget(self, now: float) -> None:
        """Forget the keys that have not been tried lately; of too many, the oldest."""
        since = now - WINDOW.total_seconds()
        recent = {key: tried for key, tried in self._tried.items() if tried and tried[-1] > since}
        newest = sorted(recent, key=lambda key: recent[key][-1])[-MOST_KEYS:]
        self._tried = defaultdict(deque, {key: recent[key] for key in newest})


def _limits(name: str, address: str) -> Mapping[Key, int]:
    return {(name, address): FOR_NAME_AND_ADDRESS, ("", address): FOR_ADDRESS, (name, ""): FOR_NAME}
