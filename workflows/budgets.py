"""How long the world may take: timeouts and retries of each kind of activity.

They are technical, not rules of a marketplace.  An outage must reach an operator well before a 48 h clock runs out.
"""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy


class Budget(TypedDict):
    """The timeouts and retries that an activity is given."""

    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    retry_policy: RetryPolicy


def _budget(each: timedelta, in_all: timedelta, at_most_apart: timedelta) -> Budget:
    return Budget(
        start_to_close_timeout=each,
        schedule_to_close_timeout=in_all,
        retry_policy=RetryPolicy(
            initial_interval=timedelta(seconds=1),
            backoff_coefficient=2.0,
            maximum_interval=at_most_apart,
            non_retryable_error_types=["PlatformRefused", "BadForm"],
        ),
    )


EFFECT = _budget(timedelta(seconds=30), timedelta(hours=1), timedelta(minutes=5))
"""A command to a platform, a console task, a ledger entry: an hour of trying, then it needs an operator (G-7)."""
SETTLE = _budget(timedelta(seconds=30), timedelta(hours=24), timedelta(minutes=15))
"""Asking what a platform's clock led to: a day of asking with back-off (G-2), then it needs an operator."""
REMIND = _budget(timedelta(seconds=30), timedelta(hours=1), timedelta(minutes=5))
"""A reminder: of no use later than an hour."""
