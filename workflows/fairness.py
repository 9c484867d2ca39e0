"""Whose share of its task queue an activity takes: Temporal limits each share by itself."""

import hashlib

from temporalio.common import Priority

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
