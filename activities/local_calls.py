"""Calls of a platform that are executed locally, within the workflow task: short, or left to a regular activity.

A local activity passes by the task queue and its limit per shop, and only this worker can execute it.  So each worker
limits its own, and whatever cannot be answered here and now is declined at once: the case then schedules the regular
activity, which the server hands to any worker, under the limit of the queue.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from cases.errors import NoCredentials, PlatformUnreachable

NOT_HERE = "NotHere"
"""The type of the error that declines a local call."""
SPARE = 0.1
"""The share of a local call's time that is left for its answer to reach the case."""

Answer = TypeVar("Answer")


class TokenBucket:
    """An allowance of calls per second that can be saved up for one second; without a rate it is unlimited."""

    def __init__(self, per_second: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with a full bucket."""
        self._rate, self._clock = per_second, clock
        self._left = self._most = max(1.0, per_second or 0.0)
        self._filled_at = clock()

    def take(self) -> bool:
        """Take a token; return False if none is left."""
        if self._rate is None:
            return True
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class LocalCalls:
    """The local calls of a worker, limited per shop like the regular ones of its task queue."""

    def __init__(self, per_shop_per_second: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Limit each shop's calls; None is no limit."""
        self._per_second, self._clock = per_shop_per_second, clock
        self._buckets: dict[str, TokenBucket] = {}

    async def call(self, shop_id: str, made: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make a call of a platform from within an activity; a regular activity makes it without ado.

        A local one raises ApplicationError of type NotHere if the shop has had its share or its credentials are not in
        this worker, and PlatformUnreachable shortly before the activity's own time is over.
        """
        if not activity.info().is_local:
            return await made()
        if not self._bucket(shop_id).take():
            raise _not_here(f"店铺调用已达上限 / the shop has had its share of calls: {shop_id}")
        seconds = _seconds()
        try:
            async with asyncio.timeout(seconds):
                return await made()
        except NoCredentials as elsewhere:
            raise _not_here(str(elsewhere)) from None
        except TimeoutError:
            text = f"{seconds:g} 秒内无响应 / no answer within {seconds:g} s"
            raise PlatformUnreachable(f"平台无响应 / the platform did not answer: {text}") from None

    def _bucket(self, shop_id: str) -> TokenBucket:
        if shop_id not in self._buckets:
            self._buckets[shop_id] = TokenBucket(self._per_second, self._clock)
        return self._buckets[shop_id]


def _seconds() -> float | None:
    """Return how long the current local activity may take to answer."""
    info = activity.info()
    limits: list[timedelta] = [
        limit for limit in (info.start_to_close_timeout, info.schedule_to_close_timeout) if limit is not None
    ]
    return min(limits).total_seconds() * (1 - SPARE) if limits else None


def _not_here(why: str) -> ApplicationError:
    # Benign: the case goes on with the regular activity, and a log line of each would drown what matters.
    return ApplicationError(why, type=NOT_HERE, non_retryable=True, category=ApplicationErrorCategory.BENIGN)
