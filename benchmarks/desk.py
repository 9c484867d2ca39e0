"""Measure the desk's first page beside a great many open cases: ``python -m benchmarks.desk``.

The cases are open on an embedded server.  Most are stand-ins that have a case's type and search attributes but no
worker, so that they are opened quickly; those whose deadlines are the nearest are real ones, run by a worker in a
process of its own, since the pages read what they show from them: otherwise this would only measure how long a page
waits for cases that cannot answer.  A tenth of the stand-ins come due in one second.
Printed are the medians, the quartiles and the worst of the loads of 待办, of its filters, and of one poll for what has
changed, which all open pages share; and what each load asked the server for, which the load of the machine does not
change.  At last cases are agreed to behind the page's back: printed is how long it goes on showing them.

Opening takes most of the time: with ``--keep``, the cases stay in a folder, and the next run measures beside the same
ones.  Their deadlines pass as those of other cases do, so keep them for hours, not for days.
"""

import argparse
import asyncio
import html
import itertools
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from aftersales.bootstrap import make_worker, simulated_dependencies
from aftersales.desk.access.login import OneUser
from aftersales.desk.access.users import User
from aftersales.desk.sections.live import POLL_SECONDS, LiveWatch
from aftersales.desk.services import DeskServices
from aftersales.desk.site import make_desk
from aftersales.desk.waiting.filters import Filters
from aftersales.ledger.store import SqlLedger
from aftersales.platforms.scripted import Script
from aftersales.runtime.http.http_server import listen, serving
from aftersales.runtime.settings import Settings
from aftersales.runtime.telemetry.logs import configure_logs
from aftersales.runtime.temporal.connection import connect_to
from aftersales.runtime.temporal.embedded_server import embedded_server
from benchmarks.asked import AskedCounter
from benchmarks.cases import RESHIP, cpu_of, facts, say, server_ports
from cases.messages import Opening
from statecharts.rules import Party
from workflows.engine import search_attributes as sa
from workflows.engine.process import Process
from workflows.opening import start_case
from workflows.registry import PROCESSES

CARD = PROCESSES["jd_delay_card"]
QUEUE, NOBODY = "desk", "nobody"
REAL = 500
"""Cases that a worker runs."""
AT_ONCE = 64
OPENED = "opened"
"""The file of a kept folder that says how many cases were opened in it."""
FEWEST_LOADS = 2
SHOPS = 10
TASKS = 10
"""One in ten of the real cases waits for a person, and another one for the buyer."""
EACH = 10
"""One in ten of the stand-ins comes due at one and the same instant."""
PAGES = {
    "first page": "/",
    "overdue": "/?group=overdue",
    "of one shop": "/?shop=S3",
    "waits for the buyer": "/?group=buyer",
    "found by order": "/?search=C70",
}
LATER_PAGE = 10
AGREED_TO = rf'data-case="({RESHIP.name}/R[^"]+)"'


class Loads(NamedTuple):
    """How often a page is loaded, and the pause between two loads in seconds."""

    number: int
    pause: float


async def work(address: str) -> None:
    """Run the worker of the real cases until standard input ends."""
    configure_logs("ERROR", "json")
    settings = Settings(task_queue=QUEUE, graceful_shutdown_seconds=0.1)
    async with make_worker(await connect_to(address), settings, simulated_dependencies(Script())):
        await asyncio.to_thread(sys.stdin.read)


def stand_ins(number: int, now: datetime) -> Iterator[tuple[str, str, TypedSearchAttributes]]:
    """Yield the process, the id and the attributes of stand-ins, the same in every run but for the time."""
    chance = random.Random(14)  # noqa: S311 - the same stand-ins in every run  # nosec B311
    busy_second = now + timedelta(days=10)
    parties = [Party.MERCHANT] * 6 + [Party.BUYER] * 2 + [Party.PLATFORM] * 2
    for at, process in zip(range(number), itertools.cycle(PROCESSES.values())):
        due = busy_second if at % EACH == 0 else now + timedelta(minutes=chance.randrange(60 * 24 * 10, 60 * 24 * 40))
        state = process.state_label(next(iter(process.states)))
        values: dict[Any, Any] = {
            sa.PROCESS: process.name,
            sa.SHOP: f"S{at % SHOPS}",
            sa.ORDER: f"O-{at}",
            sa.ORDERS: [f"O-{at}"],
            sa.STATE: state,
            sa.DEADLINE: due,
            sa.WAITS_FOR: chance.choice(parties).label,
            sa.NEEDS_OPERATOR: False,
            sa.AT_STAKE: chance.randrange(100, 100_000) / 100,
        }
        pairs = [SearchAttributePair(key, value) for key, value in values.items()]
        yield process.name, f"{process.name}/B{at}", TypedSearchAttributes(pairs)


def real_case(at: int, now: datetime) -> tuple[Process, Opening]:
    """Return a case that comes due soon, or one that waits for a person at the platform's console."""
    if at % TASKS:
        applied = (now - timedelta(hours=47, minutes=-at)).isoformat()
        return RESHIP, Opening(facts=facts(f"R{at}", shop_id=f"S{at % SHOPS}", applied_at=applied))
    promised, proposed = ((now + timedelta(hours=hours)).isoformat() for hours in (30, 120))
    card = {"shop_id": f"S{at % SHOPS}", "order_id": f"C{at}", "promised_ship_at": promised, "reason": "仓库盘点"}
    return CARD, Opening(facts={**card, "proposed_ship_at": proposed})


async def at_once(steps: Iterator[Awaitable[Any]]) -> None:
    """Take steps, some at a time."""

    async def take() -> None:
        for step in steps:
            await step

    await asyncio.gather(*(take() for _ in range(AT_ONCE)))


async def open_once(client: Client, folder: Path, number: int) -> None:
    """Open the cases, unless an earlier run has left them in the folder."""
    kept = folder / OPENED
    if kept.exists():
        say(f"{number} cases kept by an earlier run")
        return
    began = time.perf_counter()
    await open_all(client, number)
    say(f"{number} cases opened in {time.perf_counter() - began:.0f} s")
    kept.write_text(str(number), encoding="utf-8")


def unusable(folder: Path, number: int) -> str | None:
    """Return why a folder's cases are not those that are asked for."""
    kept = folder / OPENED
    if not kept.exists():
        return (
            f"{folder}: an earlier run did not open all its cases; delete the folder" if any(folder.iterdir()) else None
        )
    if (there := kept.read_text(encoding="utf-8")) != str(number):
        return f"{folder}: it holds {there} cases, not {number}; give --cases {there}, or another folder"
    return None


async def open_all(client: Client, number: int) -> None:
    """Open the stand-ins and the real cases, and wait until the server lists them all."""
    now = datetime.now(UTC).replace(microsecond=0)
    await at_once(
        client.start_workflow(process, id=case_id, task_queue=NOBODY, search_attributes=attributes)
        for process, case_id, attributes in stand_ins(number - REAL, now)
    )
    await at_once(start_case(client, QUEUE, *real_case(at, now)) for at in range(REAL))
    refused = [f"{RESHIP.name}/R{at}" for at in range(1, REAL, TASKS)]
    await at_once(
        client.get_workflow_handle(case_id).execute_update("refuse", {"reason": "已补发"}) for case_id in refused
    )
    while (await client.count_workflows(f"{sa.WAITS_FOR.name} IS NOT NULL")).count < number:  # noqa: ASYNC110 - polled
        await asyncio.sleep(0.5)


@asynccontextmanager
async def running(folder: Path, number: int, counter: AskedCounter) -> AsyncIterator[tuple[DeskServices, int]]:
    """Run a server with this number of open cases, and the worker, until the block ends.

    Yields what the desk needs, and the server's process.
    """
    port, ui_port = server_ports()
    async with embedded_server(folder / "temporal.db", port, ui_port) as server:
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.desk", "--worker", f"127.0.0.1:{port}"), stdin=asyncio.subprocess.PIPE
        )
        assert worker.stdin  # noqa: S101 - a pipe
        try:
            await open_once(server.client, folder, number)
            with SqlLedger(folder / "ledger.sqlite3") as ledger:
                yield (
                    DeskServices(counter.on(server.client), ledger, Settings(task_queue=QUEUE, data_dir=folder)),
                    server.process.pid,
                )
        finally:
            worker.stdin.close()
            await worker.wait()


async def measured(loads: Loads, load: Callable[[], Awaitable[Any]], server: int, counter: AskedCounter) -> str:
    """Return how long loads take in milliseconds, the CPU time of desk and server, and what each load asked for."""
    took = []
    counter.asked.clear()
    own, others = time.process_time(), cpu_of(server)
    for _ in range(loads.number):
        await asyncio.sleep(loads.pause)
        began = time.perf_counter()
        await load()
        took.append((time.perf_counter() - began) * 1000)
    low, middle, high = statistics.quantiles(took, n=4)
    worst = statistics.quantiles(took, n=100, method="inclusive")[98]
    own, others = (1000 * spent / loads.number for spent in (time.process_time() - own, cpu_of(server) - others))
    asked = counter.for_each(loads.number)
    return (
        f"p50 {middle:,.0f} ({low:,.0f}-{high:,.0f})  p99 {worst:,.0f} ms, CPU {own:,.0f} + {others:,.0f} ms; {asked}"
    )


async def measure(services: DeskServices, loads: Loads, server: int, counter: AskedCounter) -> None:
    """Print a line for each page, and one for a poll."""
    with listen("127.0.0.1", 0) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with (
            serving(make_desk(services, OneUser("bench")), listener),
            httpx2.AsyncClient(base_url=address, timeout=60) as browser,
        ):
            later = {f"page {LATER_PAGE}": await address_of_page(browser, LATER_PAGE)}
            for name, path in {**PAGES, **later}.items():

                async def load(path: str = path) -> None:
                    shown = await browser.get(path)
                    shown.raise_for_status()

                began = time.perf_counter()
                await load()
                first = (time.perf_counter() - began) * 1000
                print(
                    f"{name:20} first {first:6,.0f} ms, then {await measured(loads, load, server, counter)}", flush=True
                )
            _, poll = LiveWatch(services).watch_list(User(name="bench"), Filters())
            print(f"{'one poll':20} {await measured(loads, poll, server, counter)}", flush=True)
            behind = [seconds async for seconds in times_behind(browser, services.client, loads.number)]
    low, middle, high = statistics.quantiles(behind, n=4)
    print(f"{'behind':20} p50 {middle:.1f} ({low:.1f}-{high:.1f})  worst {max(behind):.1f} s of {len(behind)}")


async def times_behind(browser: httpx2.AsyncClient, client: Client, number: int) -> AsyncIterator[float]:
    """Agree to cases of the first page, and yield for how many seconds after the answer a clerk's page shows each."""
    async with browser.stream("GET", "/live", params={"page": "/"}) as told:
        lines = told.aiter_lines()

        async def until(event: str) -> None:
            async for line in lines:
                if line == f"event: {event}":
                    return

        await until("mark")
        chance, shown = random.Random(14), await browser.get("/")  # noqa: S311 - pauses  # nosec B311
        for _ in range(number):
            await asyncio.sleep(chance.uniform(0, POLL_SECONDS))
            case_id = re.findall(AGREED_TO, shown.text)[0]
            await client.get_workflow_handle(case_id).execute_update("agree")
            decided = time.perf_counter()
            while f'data-case="{case_id}"' in shown.text:
                await until("changed")
                shown = await browser.get("/")
            yield time.perf_counter() - decided


async def address_of_page(browser: httpx2.AsyncClient, number: int) -> str:
    """Return the address of a later page, to which a clerk comes from page to page."""
    address = "/"
    for _ in range(number - 1):
        (following,) = re.findall(r'href="([^"]*)">下一页', (await browser.get(address)).text)
        address = html.unescape(following)
    return address


async def main(number: int, loads: Loads, kept: Path | None) -> None:
    """Open the cases, and measure."""
    configure_logs("ERROR", "json")
    counter = AskedCounter()
    with tempfile.TemporaryDirectory() as passing:
        async with running(kept or Path(passing), number, counter) as (services, server):
            await measure(services, loads, server, counter)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help=f"open cases, {REAL} at least (default: 20000)")
    parser.add_argument("--loads", type=int, default=20, help="loads of each page, 2 at least (default: 20)")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two loads (default: 0)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the cases here, or measure beside those kept")
    parser.add_argument("--worker", metavar="ADDRESS", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        asyncio.run(work(asked.worker))
        sys.exit()
    if asked.cases < REAL or asked.loads < FEWEST_LOADS:
        parser.error(f"expected --cases {REAL} or more, and --loads {FEWEST_LOADS} or more")
    if asked.keep:
        asked.keep.mkdir(parents=True, exist_ok=True)
        if bad := unusable(asked.keep, asked.cases):
            parser.error(bad)
    with suppress(KeyboardInterrupt):
        asyncio.run(main(asked.cases, Loads(asked.loads, asked.pause), asked.keep))
