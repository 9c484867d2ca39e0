"""The time that notices go by."""

import asyncio
import time
from datetime import UTC, datetime


class NotificationClock:
    """The machine's own."""

    def now(self) -> datetime:
        """The instant."""
        return datetime.now(UTC)

    def ticks(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()

    async def pause(self, seconds: float) -> None:
        """Let so many seconds go by."""
        await asyncio.sleep(seconds)
