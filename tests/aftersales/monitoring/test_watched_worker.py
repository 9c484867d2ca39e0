"""A worker whose cases are measured, on a real server: what it serves, and that its histories are as before."""

import logging
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import pytest_asyncio
from temporalio import workflow
from temporalio.client import Client, WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker

from activities.dependencies import Dependencies
from aftersales.bootstrap import make_worker
from aftersales.monitoring import temporal_checks
from aftersales.monitoring.case_interceptor import CaseMeasuring
from aftersales.monitoring.clock_lateness import MeasuringRunner
from aftersales.monitoring.temporal_checks import PollersLost, check_pollers
from aftersales.runtime.settings import Settings
from aftersales.runtime.temporal.connection import connect_to
from tests.support.programs.scraping import OF_SDK, StatusPages, status_pages
from tests.support.rules.stage import BUSINESS, UNREACHABLE, Scene, Stage
from tests.support.temporal.life import PROCESS, Life, Open, eventually, fired
from workflows.registry import case_workflows
from workflows.worker_options import OneArgument, for_cases


@dataclass(frozen=True)
class Watched:
    """A measured worker, what it serves, and its queue."""

    client: Client
    worker: Worker
    pages: StatusPages
    queue: str


@pytest_asyncio.fixture(scope="module")
async def watched(environment: WorkflowEnvironment, stage: Stage) -> AsyncIterator[Watched]:
    queue = uuid.uuid4().hex
    settings = Settings(task_queue=queue, graceful_shutdown_seconds=0.1)
    async with status_pages("worker") as (monitor, pages):
        client = await connect_to(environment.client.service_client.config.target_host, monitor.runtime)
        made = make_worker(client, settings, Dependencies(stage, stage, stage, channels=stage), measures=True)
        async with made as worker:
            monitor.watch_worker(client, worker)
            monitor.started()
            yield Watched(client, worker, pages, queue)


@pytest.fixture
def open_watched(opening: Open, watched: Watched) -> Open:
    async def opened(**fields: object) -> Life:
        life = await opening(task_queue=watched.queue, **fields)
        await life.view()
        return life

    return opened


async def decisions(pages: StatusPages) -> dict[tuple[str, ...], float]:
    counted = await pages.samples("aftersales_decisions_total")
    return {(rule, outcome): number for (outcome, process, rule), number in counted.items() if process == PROCESS}


async def test_decisions_are_counted_by_what_they_were_answered(open_watched: Open, watched: Watched) -> None:
    taken, refused, unanswered = [await open_watched() for _ in range(3)]
    before = await decisions(watched.pages)
    await taken.act("agree")
    await taken.refused("agree")  # by the rules
    refused.scene.fails["agree_on_platform"] = BUSINESS
    await refused.refused("agree")
    unanswered.scene.fails["agree_on_platform"] = UNREACHABLE
    await unanswered.act("agree")
    after = await decisions(watched.pages)
    changed = {labels: number - before.get(labels, 0) for labels, number in after.items()}
    assert changed == {("agree", "taken"): 1, ("agree", "refused"): 2, ("agree", "unanswered"): 1}
    unanswered.scene.fails.clear()
    await unanswered.until("agreed at last", lambda seen: "agree" in fired(seen))
    assert await decisions(watched.pages) == after
    for life in (taken, refused, unanswered):
        for history in await life.histories():
            await replayed_while_measuring(history)
    assert await decisions(watched.pages) == after


async def measured(pages: StatusPages) -> tuple[float, ...]:
    """Return what replaying a case must not change."""
    lateness = await pages.value("aftersales_clock_lateness_seconds_count", process=PROCESS)
    decided = await pages.value("aftersales_decisions_total", process=PROCESS)
    return lateness, decided, await pages.value("aftersales_notices_undelivered_total")


async def test_the_lateness_of_clocks_is_measured_once_whoever_replays_the_case(
    open_watched: Open, watched: Watched
) -> None:
    before = await watched.pages.value("aftersales_clock_lateness_seconds_count", process=PROCESS)
    life = await open_watched()
    await life.reach("48h")
    await life.until("the clock has run out", fired)
    count = await watched.pages.value("aftersales_clock_lateness_seconds_count", process=PROCESS) - before
    assert 1 <= count <= (await life.kinds()).count("TIMER_FIRED")
    # Time is skipped to the very instant: an instant that is misread would make a clock early, or hours late.
    assert await watched.pages.value("aftersales_clock_lateness_seconds_bucket", process=PROCESS, le="10.0") >= count

    kept = await measured(watched.pages)
    for history in await life.histories():
        await replayed_while_measuring(history)
    assert await measured(watched.pages) == kept


async def replayed_while_measuring(history: WorkflowHistory) -> None:
    """Replay a history on a worker's runner and interceptors; raises if its commands would differ."""
    replayer = Replayer(
        workflows=case_workflows(),
        workflow_runner=MeasuringRunner(),
        interceptors=[OneArgument(), CaseMeasuring()],
        data_converter=for_cases(),
    )
    result = await replayer.replay_workflow(history)
    assert result.replay_failure is None


async def test_a_notice_that_no_channel_takes_is_counted(open_watched: Open, watched: Watched) -> None:
    life = await open_watched(scene=Scene(channels={"群": None}, fails={"群": BUSINESS}))
    before = await watched.pages.value("aftersales_notices_undelivered_total")
    await life.reach("47h")

    async def counted() -> bool:
        return await watched.pages.value("aftersales_notices_undelivered_total") > before

    await eventually("that a notice is counted as undelivered", counted)
    shown = await life.until("why", lambda view: "售后单已关闭" in str(view))
    assert shown["status"] == "open"


@workflow.defn(name="faulty")
class Faulty:
    """A workflow with a fault of the program."""

    @workflow.run
    async def run(self) -> None:
        raise ValueError


async def test_the_sdks_figures_are_served_beside_ours(
    open_watched: Open, watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    life = await open_watched(scene=Scene(fails={"agree_on_platform": UNREACHABLE}))
    await life.act("agree")  # which goes on by a regular activity
    queue = uuid.uuid4().hex
    async with Worker(
        watched.client, task_queue=queue, workflows=[Faulty], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        failing = await watched.client.start_workflow("faulty", id=queue, task_queue=queue)

        async def served() -> bool:
            return set(OF_SDK) <= set(await labels_served(watched.pages))

        await eventually("that all are served", served)
        await failing.terminate()
    labels = await labels_served(watched.pages)
    assert [name for name, used in OF_SDK.items() if not used <= labels[name]] == []
    assert {"aftersales_build", "aftersales_decisions_total", "process_resident_memory_bytes"} <= set(labels)


async def labels_served(pages: StatusPages) -> dict[str, set[str]]:
    """Return the labels by figure, under the very names that Prometheus sees: the parser renames counters."""
    served = (await pages.client.get("/metrics")).text
    lines = re.findall(r"^(\w+)(?:\{(.*)\})? [^ ]+$", served, re.MULTILINE)
    return {name: set(re.findall(r'(\w+)="', labels)) for name, labels in lines}


async def test_a_worker_is_ready_while_temporal_hears_it_poll(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ready() -> bool:
        return await watched.pages.readiness() == (200, {"ready": True, "temporal": "ok", "pollers": "ok"})

    await eventually("that Temporal has heard the pollers", ready)
    assert await watched.pages.samples("aftersales_reachable") == {("temporal",): 1.0, ("pollers",): 1.0}
    monkeypatch.setattr(temporal_checks, "POLL_HEARD", timedelta(seconds=-1))
    with pytest.raises(PollersLost, match="does not hear"):
        await check_pollers(watched.client, watched.worker)


async def test_a_worker_that_does_not_poll_is_not_heard(watched: Watched) -> None:
    settings = Settings(task_queue=uuid.uuid4().hex, graceful_shutdown_seconds=0.1)
    idle = make_worker(watched.client, settings, Dependencies(*[Stage()] * 3))
    with pytest.raises(PollersLost, match="does not run"):
        await check_pollers(watched.client, idle)
