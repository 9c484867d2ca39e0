"""Timeouts, retries and fairness keys of the activities.

They are technical, not rules of a marketplace.  Operators must hear of an outage well before a 48 h clock runs out.
Calls of a platform are limited in attempts, not hours, so that downtime of our workers does not count against them.
"""

import hashlib
from datetime import timedelta
from typing import NotRequired, TypedDict

from temporalio.common import Priority, RetryPolicy

REFUSALS = ["PlatformRefused", "BadForm"]


class ActivityOptions(TypedDict):
    """The timeouts and retries of an activity."""

    start_to_close_timeout: timedelta
    schedule_to_close_timeout: NotRequired[timedelta]
    heartbeat_timeout: NotRequired[timedelta]
    retry_policy: RetryPolicy


def _attempts(at_most: int, at_most_apart: timedelta) -> ActivityOptions:
    retries = RetryPolicy(
        initial_interval=timedelta(seconds=1),
        backoff_coefficient=2.0,
        maximum_interval=at_most_apart,
        maximum_attempts=at_most,
        non_retryable_error_types=REFUSALS,
    )
    return ActivityOptions(start_to_close_timeout=timedelta(seconds=30), retry_policy=retries)


EFFECT = _attempts(20, timedelta(minutes=5))
"""A call of a platform, a console task or a ledger entry: about an hour, then it needs an operator (G-7)."""
RESOLVE_EXPIRY = _attempts(105, timedelta(minutes=15))
"""Resolving a platform's clock: about a day with back-off (G-2), then it needs an operator."""
REMIND = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=timedelta(hours=1),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5), non_retryable_error_types=REFUSALS
    ),
)
"""A reminder: one hour, after which it would be useless."""
NOTIFY = _attempts(20, timedelta(minutes=5))
"""A notification: about an hour, then its failure is shown on the case (G-7)."""
CLOSE = _attempts(105, timedelta(minutes=15))
"""Recording an outcome and saying what is to be sent of it: about a day, after which it is only recorded."""
SEND = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=timedelta(hours=1),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5), non_retryable_error_types=REFUSALS
    ),
)
"""A notice through one channel, from when it may be sent: an hour, also for one that waits for its robot's rate."""
SEND_OUTCOME = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=timedelta(days=1),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(minutes=15),
        non_retryable_error_types=REFUSALS,
    ),
)
"""An outcome through one channel: a day, as many cases may end at once."""
RECORD = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=30),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=15)),
)
"""A record for the ledger: no limit, as the books must be right in the end."""
TELL = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=30),
    heartbeat_timeout=timedelta(minutes=1),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=15)),
)
"""Telling other cases: no limit, as it must be known in the end; a shop may have thousands of them."""
LOCAL_SECONDS = 5.0
"""The longest local call.  A workflow task waits for it, and with it whatever else arrives for the case."""

KEY_BYTES = 64
"""The longest fairness key that the server accepts; a longer one would fail the workflow task for ever."""


def shop_share(shop: str) -> Priority:
    """Return the fairness key of calls of a platform: all calls of a shop share one rate limit."""
    return _share(f"shop/{shop}")


def case_share(case_id: str) -> Priority:
    """Return the fairness key of all other activities: without a key all cases would share one limit."""
    return _share(case_id)


def _share(key: str) -> Priority:
    short = len(key.encode()) <= KEY_BYTES
    return Priority(fairness_key=key if short else hashlib.sha256(key.encode()).hexdigest())
