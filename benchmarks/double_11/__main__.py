"""Live a Double-11: ``python -m benchmarks.double_11 [--cases N] [--day SECONDS] [--cached N]``.

N ``douyin_shipment`` and N ``jd_shipment`` cases are opened by ``aftersales open``, each kind from an export, on an
embedded server with one worker and the ledger in SQLite.  Each program is a process of its own.  Platforms are
pretended: a call is answered at once.  While the second export is opened, operators decide about orders of the first.

The day that follows is lived in real time, at the real speed of server and worker, and crowded into some minutes:
every order is shipped, picked up and signed for, by messages and by twenty operators.  2 % stall or are not picked up
in time, 1 % are late, 0.5 % are judged or cancelled; 1 % of the Douyin orders are reshipped, half of the late JD orders
have a delay card.  Clocks keep their lengths of 24 to 60 h.  An order whose clock comes due in the day was placed
that long before: skipping time instead would show neither load nor lateness.

Checked at the end: that every case has ended where it must, that no clock was later than half a minute, and that what
is in force in the ledger is, entry by entry and within the caps, what ``books.py`` works out from the rules alone.
Results are also written to ``benchmarks/results``.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from aftersales.ledger.month_figures import month_with
from aftersales.ledger.month_report import read_report
from aftersales.ledger.store import SqlLedger
from aftersales.runtime.telemetry.logs import configure_logs
from benchmarks.cases import counts, keep, run_until_stopped
from benchmarks.double_11 import books
from benchmarks.double_11.life import Lives
from benchmarks.double_11.orders import (
    CARD,
    DOUYIN,
    JD,
    RESHIP,
    Day,
    Fate,
    PlannedOrder,
    orders_of,
    reship_of,
    write_export,
)
from benchmarks.double_11.programs import DRIVER, SERVER, WORKER, Programs, running

WARM = 100
"""Cases of each kind that are opened first, and not counted: they show how long the rest will take."""
EARLY_SHARE = 0.1
"""The share of JD orders that are shipped while Douyin's are still being opened."""
EARLY_PAUSE = 0.25
LATE_AT_MOST = 30.0
"""Seconds by which a clock may be late before the run counts as failed."""
OPENINGS_IN_A_DAY = 2
"""How often all cases could be opened in the day, if its length is not said: about what an embedded server can take."""
SHORTEST_DAY = 60.0
SAMPLE = 50
"""Cases whose histories are counted, of each process."""
LEFT = 15 * 60
"""Seconds that cases may take to end after the day."""
LOST_TASKS = (EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED, EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT)
Figures = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What is asked for."""

    cases: int
    day: float | None
    """Seconds; None for a day that suits this machine."""
    cached: int


def say(text: str) -> None:
    """Say on standard error how far it is."""
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


def every(seconds: float, text: Callable[[int], str]) -> Callable[[int], None]:
    """Return a function that says how far it is, at most once in ``seconds``."""
    said = time.monotonic()

    def progress(done: int) -> None:
        nonlocal said
        if time.monotonic() - said >= seconds:
            said = time.monotonic()
            say(text(done))

    return progress


# Opening.


async def warm_up(programs: Programs, now: datetime) -> float:
    """Open a few cases, and return the seconds that one takes."""
    took = 0.0
    for process in (DOUYIN, JD):
        first, *others = [
            PlannedOrder(process, f"99{at:010}", "1009", Fate.IN_TIME, now - timedelta(minutes=1)) for at in range(WARM)
        ]
        # With a single case it is the start of the command that takes time.
        for sign, orders in ((-1, [first]), (1, others)):
            folder = programs.folder / f"warm-{len(orders)}"
            folder.mkdir(exist_ok=True)
            took += sign * await programs.open(*write_export(folder, process, orders, now))
    return took / (2 * (WARM - 2))


async def decide_early(lives: Lives, orders: Sequence[PlannedOrder], opened: asyncio.Event) -> set[str]:
    """Ship JD orders while other cases are being opened, and return the cases."""
    in_time = [order for order in orders if order.fate is Fate.IN_TIME]
    shipped: set[str] = set()

    async def ship(order: PlannedOrder) -> None:
        form = {"carrier": "JDL", "tracking_no": f"JD{order.number}"}
        await lives.decide(order.case_id, "upload_tracking", form, when="opening")
        shipped.add(order.case_id)

    deciding = []
    for order in in_time[: max(1, round(len(in_time) * EARLY_SHARE))]:
        if opened.is_set():
            break
        deciding.append(asyncio.create_task(ship(order)))
        with suppress(TimeoutError):
            await asyncio.wait_for(opened.wait(), EARLY_PAUSE)
    await asyncio.gather(*deciding)
    return shipped


async def open_all(
    programs: Programs, lives: Lives, orders: dict[str, list[PlannedOrder]], now: datetime
) -> tuple[dict[str, float], set[str]]:
    """Open all cases; return how long each export took, and the cases that were shipped meanwhile."""
    took = {}
    for process in (JD, DOUYIN, RESHIP, CARD):
        files = write_export(programs.folder, process, orders[process], now)
        if not orders[process]:
            continue
        watching = asyncio.create_task(watch_opening(programs.client, process, len(orders[process])))
        try:
            if process == DOUYIN:
                opened = asyncio.Event()
                deciding = asyncio.create_task(decide_early(lives, orders[JD], opened))
                took[process] = await programs.open(*files)
                opened.set()
                shipped = await deciding
            else:
                took[process] = await programs.open(*files)
        finally:
            watching.cancel()
    return took, shipped


async def watch_opening(client: Client, process: str, number: int) -> None:
    """Say how many cases have been opened."""
    while True:
        opened = (await client.count_workflows(f"WorkflowType = '{process}'")).count
        say(f"{opened} of {number} {process} opened, those to warm up included")
        await asyncio.sleep(15)


# What is found at the end.


async def wait_until_ended(client: Client, number: int) -> None:
    """Wait until ``number`` cases have ended, or for ``LEFT`` seconds."""
    progress = every(15, lambda done: f"{done} of {number} cases have ended")
    until = time.monotonic() + LEFT
    query = f"ExecutionStatus = 'Completed' AND WorkflowType IN ('{DOUYIN}', '{JD}', '{RESHIP}', '{CARD}')"
    while (ended := (await client.count_workflows(query)).count) < number:
        if time.monotonic() > until:
            say(f"only {ended} of {number} cases have ended")
            return
        progress(ended)
        await asyncio.sleep(1)


async def lateness(client: Client, orders: Sequence[PlannedOrder]) -> tuple[list[float], int]:
    """Return by how many seconds the clocks of the day were late, until what they do was recorded.

    Also return how many workflow tasks of their cases failed or timed out: each is tried again after a growing pause.
    """
    gate, tried_again = asyncio.Semaphore(16), 0

    async def late_by(order: PlannedOrder) -> float | None:
        nonlocal tried_again
        async with gate:
            history = await client.get_workflow_handle(order.case_id).fetch_history()
        due = order.clock_due or datetime.max.replace(tzinfo=UTC)
        times = [(event.event_type, event.event_time.ToDatetime(UTC)) for event in history.events]
        tried_again += sum(kind in LOST_TASKS for kind, _ in times)
        if times[0][1] >= due:  # opened too late for it to be on time
            return None
        fired = (at for kind, at in times if kind == EventType.EVENT_TYPE_TIMER_FIRED and at >= due)
        if (first := next(fired, None)) is None:
            return None
        completed = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        return next((at - due).total_seconds() for kind, at in times if kind == completed and at >= first)

    found = await asyncio.gather(*(late_by(order) for order in orders if order.clock_due))
    return [seconds for seconds in found if seconds is not None], tried_again


async def a_case(client: Client, orders: Sequence[PlannedOrder]) -> dict[str, float]:
    """Return the means of what cases of ordinary orders have cost."""
    sample = [order for order in orders if order.fate is Fate.IN_TIME][:SAMPLE]
    counted = [await counts(client.get_workflow_handle(order.case_id)) for order in sample]
    return {name: statistics.fmean(one[name] for one in counted) for name in counted[0]}


def check_books(folder: Path, orders: Sequence[PlannedOrder], lives: Lives) -> list[str]:
    """Return what differs between the ledger and the plain recomputation."""
    with SqlLedger(folder / "ledger.sqlite3") as ledger:
        today = datetime.now(UTC).date()
        first, last = today - timedelta(days=10), today + timedelta(days=2)
        ours = Counter(
            books.Entry(
                entry.case_id,
                entry.clause,
                entry.status == "reversed",
                entry.amount or Decimal(0),
                (entry.points or Decimal(0)).normalize(),
            )
            for entry in ledger.entries(first, last)
        )
        states = {outcome.case_id: outcome.state for outcome in ledger.outcomes(first, last)}
        months = {month_with(day) for day in (first, last)}
        reports = [read_report(ledger, month).shops for month in months]
    expected = Counter(books.entries(orders, lives.judged_at))
    # What was taken back before the ledger was told of it was never entered, and counts as little.
    wrong = [f"not entered: {entry}" for entry in (expected - ours).elements() if not entry.taken_back]
    wrong += [f"entered, but not due: {entry}" for entry in (ours - expected).elements()]
    ends = books.ends(orders) | {reship_of(one): "completed" for one in orders if one.fate is Fate.RESHIPPED}
    wrong += [f"{case}: {states.get(case)} instead of {end}" for case, end in ends.items() if states.get(case) != end]
    for shop, due in books.totals(orders, lives.judged_at).items():
        figures = [report for reported in reports for report in reported if report.shop == shop]
        clauses = [rule for report in figures for rule in report.rules]
        fines = sum((rule.expected.amount_counted for rule in clauses if rule.clause == "DS-6"), Decimal(0))
        points = sum((rule.expected.points_counted for rule in clauses if rule.clause == "DS-5"), Decimal(0))
        late = sum(rule.expected.entries for rule in clauses if rule.clause == "JD-10")
        if (found := books.ShopTotals(fines, points, late)) != due:
            wrong.append(f"shop {shop}: {found} instead of {due}")
    return wrong


def spread(values: Sequence[float]) -> Figures:
    """Return median, p99 and the most, with the number of values."""
    if len(values) < 2:  # noqa: PLR2004 - no quantiles of one
        return {"number": len(values)}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {
        "number": len(values),
        "median": round(cuts[49], 3),
        "p99": round(cuts[98], 3),
        "most": round(max(values), 3),
    }


# The run.


async def measure(asked: Asked, folder: Path) -> tuple[Figures, list[str]]:
    """Live the day; return the figures, and what is wrong at its end."""
    configure_logs("ERROR", "json")
    began = time.monotonic()
    async with running(folder, asked.cached) as programs:
        now = datetime.now(UTC).replace(microsecond=0)
        a_case_takes = await warm_up(programs, now)
        opening_takes = timedelta(seconds=10 + 2.1 * asked.cases * a_case_takes)
        length = asked.day or max(SHORTEST_DAY, round(OPENINGS_IN_A_DAY * opening_takes.total_seconds()))
        day = Day(datetime.now(UTC).replace(microsecond=0) + opening_takes, timedelta(seconds=length))
        say(f"opening should take {opening_takes.total_seconds():.0f} s, then a day of {length:.0f} s")
        orders = {process: orders_of(process, asked.cases, day, now) for process in (DOUYIN, JD)}
        orders[RESHIP] = [order for order in orders[DOUYIN] if order.fate is Fate.RESHIPPED]
        orders[CARD] = [order for order in orders[JD] if order.fate is Fate.LATE_AND_EXEMPT]
        number, everyone = sum(map(len, orders.values())), [*orders[DOUYIN], *orders[JD]]
        lives = Lives(programs.client, day)

        before = programs.cpu()
        took, shipped = await open_all(programs, lives, orders, now)
        opened, memory_opened = programs.cpu(), dict(programs.usage.most)

        lived_from = time.monotonic()
        lives.day = Day(datetime.now(UTC), day.length)
        happenings = lives.lives_of(everyone, shipped)
        happening = sum(map(len, happenings))
        await lives.live(happenings, every(15, lambda done: f"{done} of {happening} happenings"))
        await wait_until_ended(programs.client, number)
        lived, lived_for = programs.cpu(), time.monotonic() - lived_from
        say("counting ...")
        late, tried_again = await lateness(programs.client, everyone)
        costs = {process: await a_case(programs.client, orders[process]) for process in (DOUYIN, JD)}
    server_bytes = sum(file.stat().st_size for file in folder.glob("temporal.db*"))  # noqa: ASYNC240 - at the end
    wrong = lives.refused + check_books(folder, everyone, lives)
    if late and max(late) > LATE_AT_MOST:
        wrong.append(
            f"a clock was {max(late):.0f} s late, more than {LATE_AT_MOST:.0f} s: --day gives the day more time"
        )
    figures: Figures = {
        "cases": number,
        "the whole, s": time.monotonic() - began,
        "opening, cases/s": number / sum(took.values()),
        "opening, worker CPU ms a case": (opened[WORKER] - before[WORKER]) * 1000 / number,
        "opening, server CPU ms a case": (opened[SERVER] - before[SERVER]) * 1000 / number,
        "opening, command's CPU ms a case": programs.commands_cpu * 1000 / number,
        "the day was to take, s": length,
        "the day, s": lived_for,
        "the day, happenings": happening,
        "the day, worker CPU ms a case": (lived[WORKER] - opened[WORKER]) * 1000 / number,
        "the day, server CPU ms a case": (lived[SERVER] - opened[SERVER]) * 1000 / number,
        "the day, driver's CPU ms a case": (lived[DRIVER] - opened[DRIVER]) * 1000 / number,
        "the day, behind by at most, s": lives.behind,
        "whole life, cases/s": number / (sum(took.values()) + lived_for),
        "worker, MB, all opened": memory_opened[WORKER],
        "worker, MB, at most": programs.usage.most[WORKER],
        "server, MB, all opened": memory_opened[SERVER],
        "server, MB, at most": programs.usage.most[SERVER],
        "server's database, KB a case": server_bytes / 1000 / number,
        "clocks late by, s": spread(late),
        "their tasks that failed or timed out": tried_again,
        "decisions while opening, s": spread(lives.waited["opening"]),
        "decisions in the day, s": spread(lives.waited["day"]),
        **{f"a {process} case": cost for process, cost in costs.items()},
    }
    return figures, wrong


def lines(figures: Figures) -> Iterator[str]:
    """Yield the figures, a line each."""
    for name, value in figures.items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        yield f"{name:38}" + ", ".join(f"{part} {number:,.6g}".strip() for part, number in inner)


async def main(asked: Asked) -> int:
    """Live the day, print the figures, and return 1 if anything was lost or counted wrongly."""
    with tempfile.TemporaryDirectory() as folder:
        figures, wrong = await measure(asked, Path(folder))
    for line in lines(figures):
        print(line)
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {asked}")
    for fault in wrong[:20]:
        print(f"WRONG: {fault}")
    print(f"clocks, ledger and ends: {f'{len(wrong)} wrong' if wrong else 'in time, and as recomputed to the cent'}")
    keep("double_11", {"asked": vars(asked), "figures": figures, "wrong": wrong})
    return 1 if wrong else 0


def positive(text: str) -> int:
    """Read a whole number above 0."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, not {number}")
    return number


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.double_11", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=positive, default=10_000, help="orders of each marketplace (10000)")
    parser.add_argument(
        "--day",
        type=positive,
        help=f"seconds of the day ({OPENINGS_IN_A_DAY} times as long as the opening, at least {SHORTEST_DAY:.0f})",
    )
    parser.add_argument("--cached", type=positive, help="cases that the worker keeps in memory (all)")
    got = parser.parse_args()
    size = Asked(got.cases, got.day, got.cached or round(2.2 * got.cases) + 500)
    status = run_until_stopped(main(size))
    sys.stdout.flush()
    os._exit(status)  # the SDK's own threads now and then abort a process that winds down by itself
