"""Measure what a case costs beside workflows written by hand: ``python -m benchmarks.cases [--quick]``.

The reference case, a reship that is opened, agreed, shipped and signed for, runs on an embedded server with a worker
process for each way to write it (``benchmarks/by_hand.py``).  Events, bytes, actions (as Temporal Cloud counts them)
and workflow tasks are exact.  CPU times are those of the worker's and the server's process; the ways take turns in
every round, and ratios are taken within a round, so that other load on the machine disturbs them less.  At last a
great many cases of ours come due in the same second.  Results are also written to ``benchmarks/results``.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle, WorkflowHistory, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker

from aftersales.bootstrap import make_worker, open_dependencies, simulated_dependencies
from aftersales.platforms.scripted import Script
from aftersales.runtime.garbage_collection import garbage_searched_rarely
from aftersales.runtime.http.http_server import listen
from aftersales.runtime.settings import Settings
from aftersales.runtime.telemetry.logs import configure_logs
from aftersales.runtime.temporal.connection import connect_to
from aftersales.runtime.temporal.embedded_server import EmbeddedServer, embedded_server
from benchmarks import by_hand, peers
from benchmarks.books_by_hand import BooksByHand
from benchmarks.pauses import Pauses
from cases.messages import Opening
from workflows.opening import start_case
from workflows.registry import PROCESSES
from workflows.replay.replayer import case_replayer
from workflows.worker_options import CaseRunner

NAIVE, BEST, BOOKLESS, AGAINST, LEAN, OURS = (
    "naive",
    "best",
    "duties, no books",
    "best with duties",
    "ours lean",
    "ours",
)
"""``ours`` runs with what a worker has by default, a ledger in SQLite and a journal; ``ours lean`` with neither.

So the books of ours cost what ours takes beyond ours lean, and those by hand what they add to duties without books.
"""
WAYS = {
    NAIVE: by_hand.Naive,
    BEST: by_hand.Best,
    BOOKLESS: by_hand.BestWithDuties,
    AGAINST: by_hand.BestWithDuties,
    LEAN: None,
    OURS: None,
}
TARGETS = (
    *((figure, AGAINST, 1.0) for figure in ("events", "actions", "worker CPU, ms", "memory cached, KB")),
    ("replay CPU, ms", AGAINST, 1.0),
    ("events", NAIVE, 0.55),
    ("worker CPU, ms", NAIVE, 1.0),
    ("worker CPU, ms", BEST, 1.5),
)
"""Figure, way, and how many times that way's figure ours may be."""
RESHIP = PROCESSES["douyin_reship"]
SHIPMENT = {"carrier": "SF", "tracking_no": "SF1"}
AT_ONCE = 20
CACHED = 5000
RESULTS = Path(__file__).parent / "results"
TICKS = os.sysconf("SC_CLK_TCK")
Handle = WorkflowHandle[Any, Any]
Participant = TypeVar("Participant")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    rounds: int
    cases: int
    replays: int
    cached: int
    due: int


FULL, QUICK = Sizes(5, 60, 20, 400, 2000), Sizes(2, 20, 5, 100, 100)
MEMORY_ROUNDS = 3
WARM = 100
"""Cases opened before the memory of others is measured: what the first ones need is needed once."""


def facts(own_id: str, **changes: Any) -> dict[str, Any]:
    """Return the facts of a reship that was applied for just now."""
    applied = datetime.now(UTC).replace(microsecond=0).isoformat()
    return {
        "shop_id": "S1",
        "after_sale_id": own_id,
        "order_id": f"O{own_id}",
        "category_id": "C1",
        "reason": "never_received",
        "order_amount": "100.00",
        "applied_at": applied,
        **changes,
    }


# The workers, a process each.


async def work(way: str, address: str, queue: str) -> None:
    """Run the worker of one way until standard input ends."""
    configure_logs("ERROR", "json")
    client = await connect_to(address)
    options: dict[str, Any] = {"task_queue": queue, "max_cached_workflows": CACHED}
    async with AsyncExitStack() as stack:
        if way == LEAN:
            settings = Settings(**options, graceful_shutdown_seconds=0.1)
            worker = make_worker(client, settings, simulated_dependencies(Script()))
        elif way == OURS:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            settings = Settings(**options, graceful_shutdown_seconds=0.1, data_dir=folder, pretend_platforms=True)
            worker = make_worker(client, settings, await stack.enter_async_context(open_dependencies(settings, client)))
        else:
            activities: Sequence[Callable[..., Any]] = by_hand.ACTIVITIES
            if way == AGAINST:
                activities = BooksByHand(Path(stack.enter_context(tempfile.TemporaryDirectory()))).activities()
            kind = {"workflows": [WAYS[way]], "activities": activities}
            worker = Worker(client, **options, **kind, workflow_runner=UnsandboxedWorkflowRunner())
        await stack.enter_async_context(worker)
        await stack.enter_async_context(garbage_searched_rarely(CACHED))
        pauses = Pauses()
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        print(pauses, flush=True)


@dataclass(frozen=True)
class WorkingWay:
    """One way to write the case, with its running worker."""

    name: str
    client: Client
    queue: str
    process: int

    async def open(self, own_id: str, **changes: Any) -> Handle:
        """Open a case."""
        opened = facts(own_id, **changes)
        if WAYS[self.name] is None:
            return await start_case(self.client, self.queue, RESHIP, Opening(facts=opened))
        shown = by_hand.opening_attributes(opened) if WAYS[self.name] is by_hand.BestWithDuties else None
        return await self.client.start_workflow(
            self.name_of_workflow, opened, id=own_id, task_queue=self.queue, search_attributes=shown
        )

    @property
    def name_of_workflow(self) -> str:
        """The name of its workflow."""
        workflow = WAYS[self.name]
        return RESHIP.name if workflow is None else workflow.__name__

    def cpu(self) -> float:
        """Return the CPU seconds that its worker has used."""
        return cpu_of(self.process)


@asynccontextmanager
async def working(name: str, server: EmbeddedServer) -> AsyncIterator[WorkingWay]:
    """Start the worker of a way, and stop it when the block ends."""
    queue, address = f"bench-{uuid.uuid4().hex[:8]}", server.client.service_client.config.target_host
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.cases", "--worker", name, address, queue),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin  # noqa: S101 - a pipe
    assert process.stdout  # noqa: S101 - a pipe
    while b"ready" not in (line := await process.stdout.readline()):
        if not line:
            raise SystemExit(f"the worker of {name!r} ended")
    try:
        yield WorkingWay(name, server.client, queue, process.pid)
    finally:
        process.stdin.close()
        say(f"{name}: {(await process.stdout.read()).decode().strip()}")
        await process.wait()


def server_ports() -> tuple[int, int]:
    """Return two free ports, for a Temporal server and its Web UI."""
    with listen("127.0.0.1", 0) as server, listen("127.0.0.1", 0) as ui:
        return server.getsockname()[1], ui.getsockname()[1]


def cpu_of(process: int) -> float:
    """Return the CPU seconds of a process."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_kb(process: int) -> int:
    """Return the resident memory of a process."""
    line = next(
        line
        for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
        if line.startswith("VmRSS")
    )
    return int(line.split()[1])


# The reference case.


async def each(handles: list[Handle], step: Callable[[Handle], Awaitable[Any]]) -> None:
    """Take a step of every case, some at once, and wait until all are at rest."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(handle: Handle) -> None:
        async with gate:
            await step(handle)
            await at_rest(handle)

    await asyncio.gather(*(one(handle) for handle in handles))


async def at_rest(handle: Handle) -> None:
    """Wait until neither a workflow task nor an activity is pending; the worker has no part in the question."""
    pause = 0.02
    while True:
        seen = (await handle.describe()).raw_description
        began = seen.workflow_execution_info.history_length > 2  # noqa: PLR2004 - started, task scheduled
        if seen.pending_workflow_task.attempt > 2:  # noqa: PLR2004 - a first failure may be a full machine's
            events = (await handle.fetch_history()).events
            failures = [event.workflow_task_failed_event_attributes.failure.message for event in events]
            raise SystemExit(f"{handle.id}: its workflow task fails: {[text for text in failures if text]}")
        if began and not seen.pending_activities and not seen.HasField("pending_workflow_task"):
            return
        await asyncio.sleep(pause)
        pause = min(0.5, pause * 1.5)


def say(text: str) -> None:
    """Say on standard error how far the measurement is."""
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Waits:
    """How many milliseconds callers waited for openings and for decisions."""

    openings: list[float] = field(default_factory=list)
    decisions: list[float] = field(default_factory=list)


async def timed(waits: list[float], call: Awaitable[Any]) -> Any:
    """Make a call, and note how many milliseconds it took."""
    began = time.perf_counter()
    answer = await call
    waits.append((time.perf_counter() - began) * 1000)
    return answer


async def live(way: WorkingWay, number: int, waits: Waits | None = None) -> list[Handle]:
    """Open cases and bring each to its end, step by step, as days would."""
    waits = waits or Waits()
    handles = [await timed(waits.openings, way.open(uuid.uuid4().hex[:12])) for _ in range(number)]

    async def nothing(_: Handle) -> None:
        pass

    await each(handles, nothing)
    await each(handles, lambda handle: timed(waits.decisions, handle.execute_update("agree")))
    await each(handles, lambda handle: timed(waits.decisions, handle.execute_update("ship", SHIPMENT)))
    await each(handles, lambda handle: handle.signal("report", {"message_id": "m1", "rule": "sign"}))
    await asyncio.gather(*(handle.result() for handle in handles))
    return handles


# What is counted.


def actions(history: WorkflowHistory) -> int:
    """Count what Temporal Cloud bills, as documented; the local activities of a workflow task are one."""
    billed = {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
        EventType.EVENT_TYPE_TIMER_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
        EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
    }
    local = {
        event.marker_recorded_event_attributes.workflow_task_completed_event_id
        for event in history.events
        if event.marker_recorded_event_attributes.marker_name == "core_local_activity"
    }
    return sum(event.event_type in billed for event in history.events) + len(local)


async def counts(handle: Handle) -> dict[str, float]:
    """Return the exact figures of a case that has ended."""
    history = await handle.fetch_history()
    done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    return {
        "events": len(history.events),
        "history, KB": (await handle.describe()).raw_description.workflow_execution_info.history_size_bytes / 1000,
        "actions": actions(history),
        "workflow tasks": sum(event.event_type == done for event in history.events),
    }


async def replay_ms(way: WorkingWay, histories: list[WorkflowHistory]) -> float:
    """Return the CPU milliseconds that the replay of a case takes."""
    if WAYS[way.name] is None:
        replayer = case_replayer(CaseRunner())
    else:
        replayer = Replayer(
            workflows=[WAYS[way.name]],
            workflow_runner=UnsandboxedWorkflowRunner(),
            data_converter=pydantic_data_converter,
        )
    began = time.process_time()
    for history in histories:
        await replayer.replay_workflow(history)
    return (time.process_time() - began) * 1000 / len(histories)


async def cached_kb(name: str, server: EmbeddedServer, number: int) -> float:
    """Return the memory of one open case in the cache of a fresh worker."""

    async def nothing(_: Handle) -> None:
        pass

    async with working(name, server) as way:
        await each([await way.open(uuid.uuid4().hex[:12]) for _ in range(min(WARM, number))], nothing)
        before = resident_kb(way.process)
        await each([await way.open(uuid.uuid4().hex[:12]) for _ in range(number)], nothing)
        return (resident_kb(way.process) - before) / number


async def memories(server: EmbeddedServer, sizes: Sizes) -> AsyncIterator[tuple[str, float]]:
    """Yield what a cached case of each way takes, in several rounds."""
    for number in range(min(MEMORY_ROUNDS, sizes.rounds)):
        for name in shifted(list(WAYS), number):
            say(f"memory of {name}, round {number + 1}")
            yield name, await cached_kb(name, server, sizes.cached)


# Many at once.


async def due_at_once(way: WorkingWay, server: EmbeddedServer, number: int) -> dict[str, float]:
    """Let cases come due in the same second, and take decisions in others meanwhile."""
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=20 + number * 0.05)
    applied = (due - timedelta(hours=48)).isoformat()
    gate = asyncio.Semaphore(AT_ONCE)

    async def opened(**changes: Any) -> Handle:
        async with gate:
            return await way.open(uuid.uuid4().hex[:12], **changes)

    handles = await asyncio.gather(*(opened(applied_at=applied) for _ in range(number)))
    others = [await opened() for _ in range(60)]
    spare = (due - datetime.now(UTC)).total_seconds()
    await asyncio.sleep(max(0.0, spare))
    waited: list[float] = []
    settled_all = asyncio.Event()

    async def decide() -> None:
        for handle in others:
            if settled_all.is_set():
                return
            began = time.perf_counter()
            with contextlib.suppress(RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):
                await handle.execute_update("agree")
            waited.append(time.perf_counter() - began)
            await asyncio.sleep(0.5)

    its_worker, its_server = way.cpu(), cpu_of(server.process.pid)
    deciding = asyncio.create_task(decide())

    async def settled(handle: Handle) -> datetime:
        """Return when the case showed the state that follows; it may still be to come, as others are counted, too."""
        while True:
            async with gate:
                history = await handle.fetch_history()
            for event in history.events:
                shown = event.upsert_workflow_search_attributes_event_attributes.search_attributes
                if "CaseState" in shown.indexed_fields:
                    return event.event_time.ToDatetime(UTC)
            await asyncio.sleep(1)

    agreed = "WorkflowType = 'douyin_reship' AND CaseState = '待补寄发货'"
    while (await way.client.count_workflows(agreed)).count < number:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(1)
    used = {"worker": way.cpu() - its_worker, "server": cpu_of(server.process.pid) - its_server}
    last = max(await asyncio.gather(*(settled(handle) for handle in handles)))
    settled_all.set()
    await deciding
    return {
        "cases": number,
        "opened before they were due, s": round(spare, 1),
        "the last was late by, s": round((last - due).total_seconds(), 1),
        **{f"CPU of the {program} until then, s": round(seconds, 1) for program, seconds in used.items()},
        "a decision meanwhile, median, s": round(statistics.median(waited), 2),
        "a decision meanwhile, longest, s": round(max(waited), 2),
    }


# The measurement.


Table = dict[str, dict[str, list[float]]]
"""Figure, way, and what each round found."""


async def measure(sizes: Sizes, folder: Path) -> tuple[Table, dict[str, float]]:
    """Measure everything."""
    found: Table = {}

    def note(figure: str, way: str, value: float) -> None:
        found.setdefault(figure, {}).setdefault(way, []).append(value)

    async with embedded_server(folder / "temporal.sqlite3", *server_ports()) as server:
        async with AsyncExitStack() as stack:
            ways = [await stack.enter_async_context(working(name, server)) for name in WAYS]
            histories: dict[str, list[WorkflowHistory]] = {}
            for way in ways:  # imports, caches of the SDK
                await live(way, 5)
                say(f"{way.name}: warm")
            for number in range(sizes.rounds):
                say(f"round {number + 1} of {sizes.rounds}")
                for way in shifted(ways, number):
                    worker, its_server = way.cpu(), cpu_of(server.process.pid)
                    waits = Waits()
                    handles = await live(way, sizes.cases, waits)
                    note("opening, ms", way.name, statistics.median(waits.openings))
                    note("decision, ms", way.name, statistics.median(waits.decisions))
                    note("worker CPU, ms", way.name, (way.cpu() - worker) * 1000 / sizes.cases)
                    note("server CPU, ms", way.name, (cpu_of(server.process.pid) - its_server) * 1000 / sizes.cases)
                    for figure, value in (await counts(handles[0])).items():
                        note(figure, way.name, value)
                    histories[way.name] = [await handle.fetch_history() for handle in handles[: sizes.replays]]
                for way in shifted(ways, number):
                    replay = await replay_ms(way, histories[way.name])
                    note("replay CPU, ms", way.name, replay)
                    note("replays/s of CPU", way.name, 1000 / replay)
                for peer in peers.PEERS:
                    for figure, value in (await peers.measured(peer, sizes.cases)).items():
                        note(figure, peer, value)
        async for name, memory in memories(server, sizes):
            note("memory cached, KB", name, memory)
        say(f"{sizes.due} cases due in the same second")
        async with working(OURS, server) as way:
            return found, await due_at_once(way, server, sizes.due)


def run_until_stopped(measurement: Coroutine[Any, Any, Result]) -> Result:
    """Run a measurement; Ctrl-C ends it and what it has started, and nothing is written."""

    async def stoppable() -> Result:
        task, stopped = asyncio.ensure_future(measurement), asyncio.Event()

        def stop() -> None:
            stopped.set()
            task.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop)
        try:
            return await task
        except BaseException:
            # A call to Temporal that is cancelled ends with an error of its own, so cancelling ends in any of them.
            if stopped.is_set():
                raise SystemExit("stopped: nothing was written") from None
            raise

    return asyncio.run(stoppable())


def shifted(taking_turns: list[Participant], by: int) -> list[Participant]:
    """Return those that take turns, another first in every round."""
    return [*taking_turns[by % len(taking_turns) :], *taking_turns[: by % len(taking_turns)]]


def lines(found: Table) -> Iterator[str]:
    """Yield the table: medians, the spread from least to most, and the ratio of ours to the reference."""
    names = ways_in(found)
    yield f"{'':20}" + "".join(f"{name:>26}" for name in names) + f"{f'ours / {AGAINST}':>30}"
    for figure, by_way in found.items():
        columns = "".join(f"{spread(by_way[name]) if name in by_way else '-':>26}" for name in names)
        ratios = spread(ratios_of(by_way, AGAINST)) if OURS in by_way else "-"
        yield f"{figure:20}{columns}{ratios:>30}"


def ways_in(found: Table) -> list[str]:
    """Return the ways of which something was found, each once."""
    return list(dict.fromkeys(name for by_way in found.values() for name in by_way))


def ratios_of(by_way: dict[str, list[float]], against: str) -> list[float]:
    """Return ours divided by another way, round by round."""
    return [ours / theirs for ours, theirs in zip(by_way[OURS], by_way[against], strict=True)]


def verdicts(found: Table) -> Iterator[str]:
    """Yield each target, what was found, and whether that is enough."""
    for figure, against, most, ratios, met in judged(found):
        word = "met" if met else "MISSED"
        yield f"{word}: {figure}, ours / {against}: {spread(ratios)}, at most {most:g}"


def judged(found: Table) -> Iterator[tuple[str, str, float, list[float], bool]]:
    """Yield each target with the ratios that were found, and whether their median meets it."""
    for figure, against, most in TARGETS:
        ratios = ratios_of(found[figure], against)
        yield figure, against, most, ratios, statistics.median(ratios) <= most


def spread(values: list[float]) -> str:
    """Return the median, and the least and the most where they differ."""
    middle = f"{statistics.median(values):,.2f}".rstrip("0").rstrip(".")
    return middle if len(set(values)) == 1 else f"{middle} ({min(values):,.2f}-{max(values):,.2f})"


async def main(sizes: Sizes) -> None:
    """Measure, print and write the results."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found, burst = await measure(sizes, Path(folder))
    for line in lines(found):
        print(line)
    for line in verdicts(found):
        print(line)
    print(", ".join(f"{name}: {value:,g}" for name, value in burst.items()))
    print(f"{sizes}; {time.monotonic() - began:.0f} s, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    keep("cases", {"found": found, "due at once": burst, "sizes": asdict(sizes)})


def keep(name: str, results: dict[str, Any]) -> None:
    """Write results where ``benchmarks.report`` finds them."""
    RESULTS.mkdir(exist_ok=True)
    machine = {
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
    }
    file = RESULTS / f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    file.write_text(json.dumps({**results, "machine": machine}, indent=1), encoding="utf-8")
    say(f"written to {file}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure what a case costs.")
    parser.add_argument("--quick", action="store_true", help="few cases: shows the exact figures and that it works")
    parser.add_argument("--worker", nargs=3, metavar=("WAY", "ADDRESS", "QUEUE"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    run_until_stopped(work(*asked.worker) if asked.worker else main(QUICK if asked.quick else FULL))
