"""How many cases wait, by group: counts that take long are kept for a while, and shared by all who look."""

import asyncio
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from aftersales.desk.waiting.filters import DEADLINE_HOURS, WaitingGroup
from aftersales.desk.waiting.waiting import WaitingCases
from aftersales.runtime.http.kept_answers import KeptAnswers

MOST_KEPT_COUNTS: Final = 200
_SLOW: Final = (WaitingGroup.BUYER, WaitingGroup.PLATFORM)
"""Deadlines are found in an index, but to count these, the server must read every case."""
_Key = tuple[str, WaitingGroup]


class CountAge(NamedTuple):
    """How many seconds old a count may be: it is counted again after ``fresh``, and until ``shown`` told meanwhile."""

    fresh: float
    shown: float


@dataclass(frozen=True)
class Counts:
    """How many cases are in each group; ``age`` is that of the oldest count, in seconds."""

    of: Mapping[WaitingGroup, int]
    age: float = 0.0


@dataclass(frozen=True)
class _Kept:
    at: float
    number: int


class KeptCounts:
    """Counts the groups that the server can tell apart; who asks for the same at the same time waits for one answer."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._answers: KeptAnswers[_Key, _Kept] = KeptAnswers(MOST_KEPT_COUNTS)

    async def of(self, cases: WaitingCases, age: CountAge) -> Counts:
        """Return the counts, of which those that take long may be kept ones."""
        quick, slow = await asyncio.gather(
            asyncio.gather(*map(cases.count, DEADLINE_HOURS)),
            asyncio.gather(*(self._slow(cases, group, age) for group in _SLOW)),
        )
        counted = dict(zip(DEADLINE_HOURS, quick, strict=True)) | {
            group: kept.number for group, kept in zip(_SLOW, slow, strict=True)
        }
        return Counts(counted, time.monotonic() - min(kept.at for kept in slow))

    async def _slow(self, cases: WaitingCases, group: WaitingGroup, allowed: CountAge) -> _Kept:
        key = cases.query, group
        kept = self._answers.last(key)
        age = time.monotonic() - kept.at if kept else math.inf
        if kept and age <= allowed.fresh:
            return kept
        counting = self._answers.ask(key, partial(_count, cases, group))
        if kept and age <= allowed.shown:
            return kept
        return await asyncio.shield(counting)


async def _count(cases: WaitingCases, group: WaitingGroup) -> _Kept:
    began = time.monotonic()
    return _Kept(began, await cases.count(group))
