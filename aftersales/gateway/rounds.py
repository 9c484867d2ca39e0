"""The rounds in which records of open cases are read again: when it is a case's turn, and what it has been told."""

import zlib
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cases.messages import Report

MOST_REMEMBERED: Final = 20_000
"""Cases; one that is told something again takes a step for nothing, and changes nothing."""
REPEATED_AFTER: Final = timedelta(days=1)
"""What did not apply to a case when it was told may apply later."""


def turn_comes(case_id: str, every: timedelta, since: datetime, until: datetime) -> bool:
    """Return whether a case's turn comes after one instant and by another, once in every such length of time.

    The turns of all cases are spread evenly, and nothing has to be stored for them.
    """
    length = every.total_seconds()
    offset = zlib.crc32(case_id.encode()) % length
    return (until.timestamp() - offset) // length > (since.timestamp() - offset) // length


class _Told(NamedTuple):
    hashes: frozenset[int]
    since: datetime


class ToldBefore:
    """What this process has told cases: only what is new costs them a step."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        """Remember so many cases, those told last."""
        self._most = most
        self._told: OrderedDict[str, _Told] = OrderedDict()

    def news(self, case_id: str, story: Sequence[Report], now: datetime) -> list[Report]:
        """Return the reports of a story that the case was not told lately."""
        told = self._lately(case_id, now)
        return [report for report in story if told is None or hash(report.message_id) not in told.hashes]

    def told(self, case_id: str, story: Sequence[Report], now: datetime) -> None:
        """Remember that a case has been told a story."""
        before = self._lately(case_id, now)
        hashes = frozenset(hash(report.message_id) for report in story)
        self._told[case_id] = _Told(hashes, before.since if before else now)
        self._told.move_to_end(case_id)
        while len(self._told) > self._most:
            self._told.popitem(last=False)

    def _lately(self, case_id: str, now: datetime) -> _Told | None:
        told = self._told.get(case_id)
        return told if told and now - told.since < REPEATED_AFTER else None
