"""Counts that take long: kept, shared, and counted again behind a page that shows the last ones."""

import asyncio
from dataclasses import dataclass, field

import pytest

from aftersales.desk.waiting import kept_counts
from aftersales.desk.waiting.filters import WaitingGroup
from aftersales.desk.waiting.kept_counts import CountAge, KeptCounts
from tests.support.patience import PATIENCE_SECONDS

SLOW = (WaitingGroup.BUYER, WaitingGroup.PLATFORM)
AT_ONCE, WAITED_FOR = CountAge(fresh=8, shown=60), CountAge(fresh=4, shown=0)


@dataclass
class Counted:
    """Stands in for the cases of a query: counts them when it is let."""

    query: str = "all"
    number: int = 1
    asked: list[WaitingGroup] = field(default_factory=list)
    all_asked: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    fault: Exception | None = None

    async def count(self, group: WaitingGroup) -> int:
        if group in SLOW:
            self.asked.append(group)
            if {*self.asked} == {*SLOW}:
                self.all_asked.set()
            await self.may_answer.wait()
            if self.fault:
                raise self.fault
        return self.number


class Clock:
    """The time that the counts go by."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    own = Clock()
    monkeypatch.setattr(kept_counts, "time", own)
    return own


async def counted(counts: KeptCounts, cases: Counted, age: CountAge) -> tuple[int, int, float]:
    found = await asyncio.wait_for(counts.of(cases, age), PATIENCE_SECONDS)  # type: ignore[arg-type]
    return found.of[WaitingGroup.BUYER], found.of[WaitingGroup.OVERDUE], found.age


async def test_an_old_count_is_shown_with_its_age_while_the_cases_are_counted_again(clock: Clock) -> None:
    counts, cases = KeptCounts(), Counted()
    cases.may_answer.set()
    assert await counted(counts, cases, AT_ONCE) == (1, 1, 0)
    cases.number = 2
    clock.now += 8
    assert await counted(counts, cases, AT_ONCE) == (1, 2, 8)
    assert cases.asked == [*SLOW]

    clock.now += 12
    cases.may_answer.clear()
    assert await counted(counts, cases, AT_ONCE) == (1, 2, 20)
    assert await counted(counts, cases, AT_ONCE) == (1, 2, 20)
    cases.may_answer.set()
    assert await counted(counts, cases, WAITED_FOR) == (2, 2, 0)
    assert cases.asked == [*SLOW, *SLOW]


async def test_a_count_that_is_too_old_is_waited_for(clock: Clock) -> None:
    counts, cases = KeptCounts(), Counted()
    cases.may_answer.set()
    await counted(counts, cases, AT_ONCE)
    cases.number = 2

    clock.now += 61
    assert await counted(counts, cases, AT_ONCE) == (2, 2, 0)


async def test_those_who_ask_for_the_same_count_share_it_though_one_of_them_goes() -> None:
    counts, cases = KeptCounts(), Counted()
    first, second = (asyncio.create_task(counted(counts, cases, WAITED_FOR)) for _ in range(2))
    await asyncio.wait_for(cases.all_asked.wait(), PATIENCE_SECONDS)
    first.cancel()
    await asyncio.wait([first])
    cases.may_answer.set()

    assert (await second)[0] == 1
    assert cases.asked == [*SLOW]
    assert (await counted(counts, Counted(number=3, may_answer=cases.may_answer), WAITED_FOR))[0] == 1
    assert (await counted(counts, Counted("others", 3, may_answer=cases.may_answer), WAITED_FOR))[0] == 3


async def test_a_count_that_fails_is_told_to_who_waits_and_made_again_for_the_next(clock: Clock) -> None:
    counts, cases = KeptCounts(), Counted(fault=RuntimeError("no answer"))
    cases.may_answer.set()
    with pytest.raises(RuntimeError, match="no answer"):
        await counted(counts, cases, AT_ONCE)

    cases.fault = None
    assert (await counted(counts, cases, AT_ONCE))[0] == 1


async def test_no_more_counts_are_kept_than_is_said(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_counts, "MOST_KEPT_COUNTS", 4)
    counts, cases = KeptCounts(), [Counted(query) for query in "abc"]
    for each in cases:
        each.may_answer.set()
        await counted(counts, each, AT_ONCE)

    for each in reversed(cases):
        await counted(counts, each, AT_ONCE)

    assert [len(each.asked) for each in cases] == [4, 2, 2]
