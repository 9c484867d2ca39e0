"""Measure how long operators wait while many cases are open: ``python -m benchmarks.decisions [--quick]``.

Cases are opened on an embedded server up to 500, 5,000 and 20,000, each way to write them with a worker process of its
own (``benchmarks/cases.py``).  At each of these sizes 20 operators decide, each two seconds after the answer to the
last decision, in rounds in which the ways take turns.  Further cases are brought from opening to end.  Then operators
decide while 10,000 openings of a file are waiting, and after an outage of the worker.

Whether a case costs more when many are open is asked of two servers side by side, each with a worker: one with the most
open cases, one with the fewest.  They take turns, so that a machine that becomes slower in an hour changes nothing.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from aftersales.runtime.temporal.embedded_server import EmbeddedServer, embedded_server
from aftersales.runtime.temporal.opening_pace import OpeningPace
from benchmarks.cases import (
    AGAINST,
    AT_ONCE,
    OURS,
    Handle,
    Waits,
    WorkingWay,
    cpu_of,
    keep,
    live,
    run_until_stopped,
    say,
    server_ports,
    shifted,
    spread,
    timed,
    working,
)
from benchmarks.hold_ups import address_of_figures, hold_ups, in_words

OPERATORS, PAUSE = 20, 2.0
"""How many people decide, and how many seconds each of them looks at the next case."""
PROMISED_MS = 1000
"""The most that a decision may take, but for one of a hundred."""
FLAT = 0.1
"""By how much the cost of a case may differ between the fewest and the most open cases."""
OPENED_AT_ONCE = 4
"""How many cases of a file are opened at once: as many as ``aftersales open`` does."""
SAY_EVERY = 2000
STARTED = 3
"""The events of a case whose first task has not been done: it was started, its task scheduled, perhaps begun."""


@dataclass(frozen=True)
class DecisionSizes:
    """How much is measured: open cases of ours and of the way beside it, rounds, decisions and whole cases in each."""

    ours: tuple[int, ...]
    beside: tuple[int, ...]
    rounds: int
    decisions: int
    cases: int
    queued: int
    outage: int
    turns: int


FULL = DecisionSizes(
    (500, 5_000, 20_000), (500,), rounds=5, decisions=80, cases=30, queued=10_000, outage=500, turns=12
)
QUICK = DecisionSizes((40, 200), (40,), rounds=2, decisions=20, cases=5, queued=100, outage=40, turns=2)


@dataclass
class WayAtSize:
    """What was found of a way at a number of open cases; each list has a value for every decision, or every round."""

    waits_ms: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    worker_ms: list[float] = field(default_factory=list)
    server_ms: list[float] = field(default_factory=list)
    opening_ms: list[float] = field(default_factory=list)
    opening_cpu_ms: list[float] = field(default_factory=list)
    held_up: list[dict[str, Any]] = field(default_factory=list)


class CostOfACase(NamedTuple):
    """The CPU time of worker and server for a case."""

    worker_ms: float
    server_ms: float


Costs = dict[str, dict[str, list[float]]]
"""What a case cost in every turn, of worker and server, beside the ``many`` and beside the ``few`` open cases."""


class OpenCases:
    """The open cases of a way, and those among them that nobody has decided yet."""

    def __init__(self, way: WorkingWay, server: EmbeddedServer) -> None:
        self.way, self._server = way, server
        self._undecided: list[Handle] = []
        self.count = 0

    def cpu(self) -> float:
        """Return the CPU seconds that worker and server have used."""
        return self.way.cpu() + cpu_of(self._server.process.pid)

    async def open_until(self, number: int, found: WayAtSize) -> None:
        """Open cases until ``number`` are open, and wait until the worker has taken them all in."""
        more, gate, waits = number - self.count, asyncio.Semaphore(AT_ONCE), Waits()
        began = self.cpu()

        async def one(index: int) -> Handle:
            async with gate:
                if index and index % SAY_EVERY == 0:
                    say(f"{self.way.name}: {self.count + index} open")
                return await timed(waits.openings, self.way.open(uuid.uuid4().hex[:12]))  # type: ignore[no-any-return]

        fresh = await asyncio.gather(*(one(index) for index in range(more)))
        self._undecided += fresh
        self.count = number
        await self.taken_in(fresh)
        if more:
            found.opening_ms += waits.openings
            found.opening_cpu_ms.append((self.cpu() - began) * 1000 / more)

    async def taken_in(self, handles: list[Handle]) -> None:
        """Wait until the worker has done the first task of each case, as far as fifty and the last ones show."""
        for handle in [*handles[:: max(1, len(handles) // 50)], *handles[-AT_ONCE:]]:
            while (await handle.describe()).history_length <= STARTED:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.5)

    async def decide(self, number: int) -> list[float]:
        """Let operators agree to ``number`` cases that are spread over all; return how long each waited."""
        step = max(1, len(self._undecided) // number)
        chosen = self._undecided[::step][:number]
        gone = {handle.id for handle in chosen}
        self._undecided = [handle for handle in self._undecided if handle.id not in gone]
        waits: list[float] = []
        queue = iter(chosen)

        async def operator(place: int) -> None:
            await asyncio.sleep(PAUSE * place / OPERATORS)
            for handle in queue:
                await timed(waits, handle.execute_update("agree"))
                await asyncio.sleep(PAUSE)

        await asyncio.gather(*(operator(place) for place in range(OPERATORS)))
        return waits


def percentile(values: list[float], percent: int) -> float:
    """Return a percentile, by nearest rank: always one of the values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, (len(ordered) * percent + 99) // 100 - 1)]


async def at_size(
    open_cases: list[OpenCases], size: int, sizes: DecisionSizes, figures: str, found: dict[str, WayAtSize]
) -> None:
    """Measure every way at a number of open cases."""
    for cases in open_cases:
        say(f"{cases.way.name}: opening up to {size}")
        await cases.open_until(size, found[cases.way.name])
    for number in range(sizes.rounds):
        say(f"{size} open, round {number + 1} of {sizes.rounds}")
        for cases in shifted(open_cases, number):
            way = cases.way
            note = found[way.name]
            async with hold_ups(figures) as held_up:
                waits = await cases.decide(sizes.decisions)
            note.held_up.append(held_up)
            note.waits_ms += waits
            note.p50_ms.append(percentile(waits, 50))
            note.p99_ms.append(percentile(waits, 99))
            cost = await cost_of_a_case(cases, sizes.cases)
            note.worker_ms.append(cost.worker_ms)
            note.server_ms.append(cost.server_ms)


async def cost_of_a_case(cases: OpenCases, number: int) -> CostOfACase:
    """Bring further cases from opening to end; return what each cost."""
    worker, both = cases.way.cpu(), cases.cpu()
    await live(cases.way, number)
    worker_ms = (cases.way.cpu() - worker) * 1000 / number
    return CostOfACase(worker_ms, (cases.cpu() - both) * 1000 / number - worker_ms)


async def costs_side_by_side(many: OpenCases, folder: Path, sizes: DecisionSizes) -> Costs:
    """Return what cases cost beside many open ones and beside few, in turns."""
    found: Costs = {name: {figure: [] for figure in CostOfACase._fields} for name in ("many", "few")}
    async with (
        embedded_server(folder / "few.sqlite3", *server_ports()) as server,
        working(many.way.name, server) as way,
    ):
        few = OpenCases(way, server)
        say(f"{way.name}: opening {min(sizes.ours)} on a server of their own")
        await few.open_until(min(sizes.ours), WayAtSize())
        both = [("many", many), ("few", few)]
        for cases in (many, few):
            await cost_of_a_case(cases, sizes.cases)  # warms up
        for number in range(sizes.turns):
            say(f"cost of a case, turn {number + 1} of {sizes.turns}")
            for name, cases in shifted(both, number):
                for figure, cost in (await cost_of_a_case(cases, sizes.cases))._asdict().items():
                    found[name][figure].append(cost)
    return found


async def while_queued(cases: OpenCases, sizes: DecisionSizes, figures: str) -> dict[str, Any]:
    """Decide while openings from a file are waiting, which are held back as ``aftersales open`` holds them."""
    say(f"{cases.way.name}: {sizes.queued} openings are queued")
    waiting, opened = iter(range(sizes.queued)), Waits()

    async def opening() -> None:
        pace = OpeningPace()
        for _ in waiting:
            handle = await timed(opened.openings, cases.way.open(uuid.uuid4().hex[:12]))
            await pace.opened(cases.way.client, handle.id)

    began = time.monotonic()
    queue = asyncio.gather(*(opening() for _ in range(OPENED_AT_ONCE)))
    async with hold_ups(figures) as held_up:
        waits = await cases.decide(sizes.rounds * sizes.decisions)
    opened_meanwhile, took = len(opened.openings), time.monotonic() - began
    queue.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await queue
    return {
        "openings": sizes.queued,
        "opened meanwhile": opened_meanwhile,
        "opened, /s": round(opened_meanwhile / took, 1),
        **_of(waits),
        "held up": held_up,
    }


async def after_an_outage(cases: OpenCases, sizes: DecisionSizes) -> dict[str, Any]:
    """Queue openings by messages, which are not held back, while the worker is stopped; decide once it goes on."""
    say(f"{cases.way.name}: {sizes.outage} openings while the worker is away")
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> Handle:
        async with gate:
            return await cases.way.open(uuid.uuid4().hex[:12])

    os.kill(cases.way.process, signal.SIGSTOP)
    try:
        queued = await asyncio.gather(*(one() for _ in range(sizes.outage)))
    finally:
        os.kill(cases.way.process, signal.SIGCONT)
    began = time.monotonic()
    worked_off = asyncio.create_task(cases.taken_in(queued))
    waits: list[float] = []
    while not worked_off.done():
        waits += await cases.decide(OPERATORS)
    await worked_off
    return {"openings": sizes.outage, "worked off in, s": round(time.monotonic() - began, 1), **_of(waits)}


def _of(waits: list[float]) -> dict[str, float]:
    return {
        "decisions": len(waits),
        "p50_ms": percentile(waits, 50),
        "p99_ms": percentile(waits, 99),
        "longest_ms": max(waits),
    }


async def main(sizes: DecisionSizes) -> None:
    """Measure, print and write the results."""
    began = time.monotonic()
    found: dict[str, dict[int, WayAtSize]] = {AGAINST: {}, OURS: {}}
    with tempfile.TemporaryDirectory() as folder:
        async with (
            embedded_server(Path(folder) / "temporal.sqlite3", *server_ports()) as server,
            AsyncExitStack() as stack,
        ):
            ways = [await stack.enter_async_context(working(name, server)) for name in found]
            figures = address_of_figures(Path(folder) / "temporal.log")
            for way in ways:
                await live(way, 5)
            open_cases = [OpenCases(way, server) for way in ways]
            for size in sorted({*sizes.ours, *sizes.beside}):
                taking_part = [
                    cases for cases in open_cases if size in (sizes.ours if cases.way.name == OURS else sizes.beside)
                ]
                for cases in taking_part:
                    found[cases.way.name][size] = WayAtSize()
                of_size = {name: of[size] for name, of in found.items() if size in of}
                await at_size(taking_part, size, sizes, figures, of_size)
            costs = await costs_side_by_side(open_cases[-1], Path(folder), sizes)
            queued = await while_queued(open_cases[-1], sizes, figures)
            outage = await after_an_outage(open_cases[-1], sizes)
    slowest = (slowest_round(size, of) for size, of in found[OURS].items())
    for line in (*lines(found), *slowest, costs_in_words(costs), *verdicts(found[OURS], queued, costs)):
        print(line)
    print("openings while the worker was away:", ", ".join(f"{name} {value:,g}" for name, value in outage.items()))
    print(f"{sizes}; {timedelta(seconds=int(time.monotonic() - began))}, {os.cpu_count()} CPUs, {datetime.now(UTC):%F}")
    of_sizes = {way: {str(size): asdict(of) for size, of in sized.items()} for way, sized in found.items()}
    results = {"found": of_sizes, "costs": costs, "while queued": queued, "after an outage": outage}
    keep("decisions", {**results, "sizes": asdict(sizes)})


def lines(found: dict[str, dict[int, WayAtSize]]) -> Iterator[str]:
    """Yield the table: medians of the rounds, with the least and the most."""
    heads = (
        "decision p50, ms",
        "decision p99, ms",
        "worker CPU, ms",
        "server CPU, ms",
        "opening, ms",
        "opening CPU, ms",
    )
    yield f"{'':18}{'open':>8}" + "".join(f"{head:>30}" for head in heads)
    for way, sized in found.items():
        for size, of in sized.items():
            columns = (
                of.p50_ms,
                of.p99_ms,
                of.worker_ms,
                of.server_ms,
                [statistics.median(of.opening_ms)],
                of.opening_cpu_ms,
            )
            yield f"{way:18}{size:>8,}" + "".join(f"{spread(values):>30}" for values in columns)


def slowest_round(size: int, of: WayAtSize) -> str:
    """Return what happened in the round whose p99 is the worst."""
    p99, held_up = max(zip(of.p99_ms, of.held_up, strict=True), key=lambda one: one[0])
    return f"Slowest round with {size:,} open, p99 {p99:,.0f} ms: {in_words(held_up)}."


def costs_in_words(costs: Costs) -> str:
    """Return what a case cost beside many open ones and beside few."""
    of_each = (
        f"{figure.removesuffix('_ms')} {spread(costs['many'][figure])} ms and {spread(costs['few'][figure])} ms"
        for figure in CostOfACase._fields
    )
    return f"CPU of a case beside the most open cases and beside the fewest, in turns: {'; '.join(of_each)}."


def judged(ours: dict[int, WayAtSize], queued: dict[str, Any], costs: Costs) -> Iterator[tuple[str, str, bool]]:
    """Yield each target, what was found, and whether that is enough."""
    most = ours[max(ours)]
    waits = (
        (f"p99 of a decision at {max(ours):,} open", percentile(most.waits_ms, 99)),
        (f"p99 while {queued['openings']:,} openings are queued", queued["p99_ms"]),
    )
    for about, p99 in waits:
        yield f"{about} at most {PROMISED_MS:,} ms", f"{p99:,.0f}", p99 <= PROMISED_MS
    many, few = ([sum(cost) for cost in zip(*costs[name].values(), strict=True)] for name in ("many", "few"))
    ratios = [beside_many / beside_few for beside_many, beside_few in zip(many, few, strict=True)]
    about = f"CPU of worker and server for a case, beside {max(ours):,} open / beside {min(ours):,}"
    yield f"{about}: 1, by {FLAT:.0%} at most", spread(ratios), abs(statistics.median(ratios) - 1) <= FLAT


def verdicts(ours: dict[int, WayAtSize], queued: dict[str, Any], costs: Costs) -> Iterator[str]:
    """Yield each target with its verdict, to be printed."""
    for target, value, met in judged(ours, queued, costs):
        yield f"{'met' if met else 'MISSED'}: {target}: {value}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure how long operators wait while many cases are open.")
    parser.add_argument("--quick", action="store_true", help="few cases: shows that it works")
    run_until_stopped(main(QUICK if parser.parse_args().quick else FULL))
