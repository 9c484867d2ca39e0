"""The sandbox's clock: real time and an offset that can be moved forward."""

import time
from collections.abc import Callable


class SandboxClock:
    """Whole seconds since 1970."""

    def __init__(self, offset: int = 0, real: Callable[[], float] = time.time) -> None:
        """Begin ``offset`` seconds ahead of real time."""
        self.offset = offset
        self._real = real

    def real(self) -> int:
        """Give the real time, which requests are stamped with."""
        return int(self._real())

    def now(self) -> int:
        """Give the sandbox's time."""
        return self.real() + self.offset

    def advance(self, seconds: int) -> None:
        """Move the clock forward."""
        self.offset += seconds
