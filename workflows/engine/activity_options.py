"""How long the world may take: timeouts and retries of each kind of activity.

They are technical, not rules of a marketplace.  An outage must reach an operator well before a 48 h clock runs out.
Where a platform is tried, attempts are counted and not hours: an outage of our own workers is none of the platform.
"""

import hashlib
from datetime import timedelta
from typing import NotRequired, TypedDict

from temporalio.common import Priority, RetryPolicy

REFUSALS = ["PlatformRefused", "BadForm"]


class Budget(TypedDict):
    """The timeouts and retries that an activity is given."""

    start_to_close_timeout: timedelta
    schedule_to_close_timeout: NotRequired[timedelta]
    retry_policy: RetryPolicy


def _attempts(at_most: int, at_most_apart: timedelta) -> Budget:
    retries = RetryPolicy(
        initial_interval=timedelta(seconds=1),
        backoff_coefficient=2.0,
        maximum_interval=at_most_apart,
        maximum_attempts=at_most,
        non_retryable_error_types=REFUSALS,
    )
    return Budget(start_to_close_timeout=timedelta(seconds=30), retry_policy=retries)


EFFECT = _attempts(20, timedelta(minutes=5))
"""A command to a platform, a console task, a ledger entry: an hour of trying, then it needs an operator (G-7)."""
SETTLE = _attempts(105, timedelta(minutes=15))
"""Asking what a platform's clock led to: a day of asking with back-off (G-2), then it needs an operator."""
REMIND = Budget(
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=timedelta(hours=1),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5), non_retryable_error_types=REFUSALS
    ),
)
"""A reminder: of no use later than an hour."""
TELL = _attempts(20, timedelta(minutes=5))
"""That a step waits, or how the case ended: an hour of trying, then it is shown on the case (G-7)."""
OUTCOME = Budget(
    start_to_close_timeout=timedelta(seconds=30),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(minutes=15),
        non_retryable_error_types=REFUSALS,
    ),
)
"""How a case ended: it waits for the ledger as long as that takes, for nothing else is left to do."""


LONGEST = 64
"""Bytes that the server takes; a longer key would fail the workflow task for ever."""


def shop_share(shop: str) -> Priority:
    """A call of a marketplace's platform takes from its shop's share."""
    return _share(f"shop/{shop}")


def case_share(case_id: str) -> Priority:
    """What calls no platform takes from its case's share: without a key all would share one."""
    return _share(case_id)


def _share(key: str) -> Priority:
    short = len(key.encode()) <= LONGEST
    return Priority(fairness_key=key if short else hashlib.sha256(key.encode()).hexdigest())
