"""One time-skipping server and one worker for each test process; every case is replayed after its test."""

import gc
import logging
import os
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
import structlog
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.service import _BridgeServiceClient
from temporalio.testing import WorkflowEnvironment

from activities.dependencies import Dependencies
from aftersales.bootstrap import make_worker
from aftersales.runtime.settings import Settings
from aftersales.simulation.virtual_time import time_moved_by_hand
from cases.editions import NEWEST
from tests.support.patience import PATIENCE_SECONDS
from tests.support.programs.surroundings import DATA, OURS, settings_of_a_test_process, touched, watch
from tests.support.rules.stage import Scene, Stage
from tests.support.temporal.life import PROCESS, Life, Open, facts, whole_now
from tests.support.temporal.servers import start_server
from workflows.replay.replayer import replay

TASK_QUEUE = "tests"
WAITING = (
    "durability/test_kill",
    "durability/test_embedded_server_ends",
    "durability/test_gateway",
    "durability/test_two_builds",
    "tests/test_make",
    "simulation/test_simulate_clocks",
)
"""Modules whose tests mostly wait."""

# Where bytecode is forbidden, as it often is in containers, every process that tests start would compile everything.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The embedded servers are programs in Go, and short-lived: they collect garbage less often.
os.environ.setdefault("GOGC", "400")

# Neither the user's settings nor what `make run` has left in the checkout may decide whether a test passes.
for variable in [name for name in os.environ if name.startswith(OURS)]:
    del os.environ[variable]
os.environ |= settings_of_a_test_process()
watch()


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ[DATA], ignore_errors=True)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Put back what a test has changed of the logs: commands and workers set up those of a whole process."""
    root, calls = logging.getLogger(), logging.getLogger("httpx2")
    handlers, levels = root.handlers[:], (root.level, calls.level)
    shown = workflow.logger.workflow_info_on_message, activity.logger.activity_info_on_message
    configured = structlog.is_configured()
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    calls.setLevel(levels[1])
    workflow.logger.workflow_info_on_message, activity.logger.activity_info_on_message = shown
    if not configured:
        structlog.reset_defaults()


@pytest.fixture(autouse=True)
def untouched_checkout() -> Iterator[None]:
    """Fail a test that uses the data folder of the checkout: its result would depend on earlier runs."""
    yield
    used = sorted(set(touched))
    touched.clear()
    assert used == [], "data of the checkout was used; give the code under test a folder of its own"


def pytest_collection_finish() -> None:
    """Leave the ten thousand tests alone when garbage is collected: that took long enough to look like a deadlock."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests that wait first, so that the others run meanwhile."""
    items.sort(key=lambda item: not item.path.with_suffix("").as_posix().endswith(WAITING))


@pytest.fixture(autouse=True, scope="session")
def patient_calls() -> Iterator[None]:
    """Wait for the server as long as tests wait for anything where a call says nothing else: the SDK waits 10 s."""
    usual = _BridgeServiceClient._rpc_call

    async def patient(*about: Any, **options: Any) -> Any:
        given = options.pop("timeout") or timedelta(seconds=PATIENCE_SECONDS)
        return await usual(*about, timeout=given, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_BridgeServiceClient, "_rpc_call", patient)
        yield


@pytest_asyncio.fixture(scope="session")
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    started = await start_server()
    yield started
    await started.shutdown()


@pytest_asyncio.fixture
async def client(environment: WorkflowEnvironment) -> AsyncIterator[Client]:
    """A client of the server while that keeps real time."""
    with environment.with_time_skipping_disabled():
        yield environment.client


@pytest.fixture(scope="session")
def stage() -> Stage:
    return Stage()


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings(task_queue=TASK_QUEUE, graceful_shutdown_seconds=0.1)


@pytest_asyncio.fixture(scope="session")
async def worker(environment: WorkflowEnvironment, stage: Stage, settings: Settings) -> AsyncIterator[None]:
    async with make_worker(environment.client, settings, Dependencies(stage, stage, stage)):
        yield


@pytest_asyncio.fixture
async def opening(environment: WorkflowEnvironment, stage: Stage) -> AsyncIterator[Open]:
    """Open cases on a queue for which the test runs a worker; replay every history afterwards."""
    lives: list[Life] = []

    async def open_case(
        *,
        policy: dict[str, Any] | None = None,
        pinned: bool = True,
        scene: Scene | None = None,
        task_queue: str = TASK_QUEUE,
        of: WorkflowEnvironment | None = None,
        **fields: Any,
    ) -> Life:
        own_id = fields.pop("after_sale_id", None) or uuid.uuid4().hex[:12]
        case_id = f"{PROCESS}/{own_id}"
        scene = stage.scenes[case_id] = scene or Scene()
        opened = whole_now()
        opening = {"facts": facts(own_id, **fields)} | ({"policy": policy} if policy else {})
        server = of or environment
        async with time_moved_by_hand(server):
            handle = await server.client.start_workflow(
                PROCESS,
                args=[{"schema": 1, "edition": NEWEST, "policy": {}, **opening} if pinned else opening],
                id=case_id,
                task_queue=task_queue,
            )
        lives.append(Life(server, handle, scene, opened))
        return lives[-1]

    yield open_case
    for life in lives:
        for history in await life.histories():
            await replay(history)


@pytest.fixture
def open_case(worker: None, opening: Open) -> Open:
    """Open cases that the shared worker runs."""

    async def opened(**fields: Any) -> Life:
        life = await opening(**fields)
        await life.view()  # its first timer runs before time is made to pass
        return life

    return opened
