"""Whether a process is ready, by the parts that it works with."""

import asyncio

from aftersales.monitoring.readiness import Readiness, ReadinessCheck


class Part:
    """A part that answers, fails or hangs, as the test says."""

    def __init__(self) -> None:
        self.asked, self.fails, self.answers = 0, False, asyncio.Event()
        self.answers.set()

    async def ask(self) -> None:
        self.asked += 1
        await self.answers.wait()
        if self.fails:
            raise OSError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def started(*checks: ReadinessCheck, **options: object) -> Readiness:
    readiness = Readiness(*checks, **options)  # type: ignore[arg-type]
    readiness.has_started = True
    return readiness


async def test_it_is_ready_once_it_has_started_and_while_it_can_work_with_what_it_needs() -> None:
    needed, shown = Part(), Part()
    readiness = Readiness(
        ReadinessCheck("temporal", needed.ask), ReadinessCheck("ledger", shown.ask, needs=False), kept=0
    )
    assert not readiness.is_ready(await readiness.parts())
    readiness.has_started = True
    assert readiness.is_ready(await readiness.parts())
    shown.fails = True
    assert await readiness.parts() == {"temporal": True, "ledger": False}
    assert readiness.is_ready(await readiness.parts())
    needed.fails = True
    assert not readiness.is_ready(await readiness.parts())


async def test_who_wants_only_yes_or_no_asks_no_part_that_is_not_needed() -> None:
    needed, shown = Part(), Part()
    readiness = started(
        ReadinessCheck("temporal", needed.ask), ReadinessCheck("ledger", shown.ask, needs=False), kept=0
    )
    assert await readiness.parts(needed_alone=True) == {"temporal": True}
    assert (needed.asked, shown.asked) == (1, 0)


async def test_of_two_checks_of_one_part_the_first_counts() -> None:
    first, second = Part(), Part()
    readiness = started(ReadinessCheck("temporal", first.ask))
    readiness.add(ReadinessCheck("temporal", second.ask, needs=False))
    await readiness.parts()
    assert (first.asked, second.asked) == (1, 0)


async def test_an_answer_counts_for_some_seconds_however_many_ask() -> None:
    part, clock = Part(), Clock()
    readiness = started(ReadinessCheck("temporal", part.ask), clock=clock)
    await asyncio.gather(*(readiness.parts() for _ in range(50)))
    clock.now = 4.9
    await readiness.parts()
    assert part.asked == 1
    clock.now, part.fails = 5.0, True
    assert await readiness.parts() == {"temporal": False}
    assert part.asked == 2


async def test_a_part_that_hangs_is_away_and_is_not_asked_again_meanwhile() -> None:
    part = Part()
    readiness = started(ReadinessCheck("ledger", part.ask), patience=0.01, kept=0)
    part.answers.clear()
    for _ in range(3):
        assert await readiness.parts() == {"ledger": False}
    assert part.asked == 1
    part.answers.set()
    while not (await readiness.parts())["ledger"]:
        pass
    assert part.asked >= 2
