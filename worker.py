"""The Temporal worker: runs every case's workflow and activities until SIGTERM or Ctrl-C.

Run it as ``python worker.py`` against any Temporal; settings are in ``runtime/settings.py``.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import Interceptor, Worker, WorkerDeploymentConfig

from activities.boundary import Boundary
from activities.notices import LogNotifier
from activities.registry import World, all_activities
from cases.errors import CaseError
from cli.case_files import read_shops
from gateway.catching_up import CatchingUp
from gateway.feeding import Feeder
from platforms.credentials import read_secrets
from platforms.journal import Journal
from platforms.marketplaces import TOKENS, Marketplaces
from platforms.scripted import Script, ScriptedPlatform
from platforms.tokens import TokenStore
from runtime.connection import connect, runtime_with_metrics
from runtime.logs import configure_logs
from runtime.notifying import open_notifier
from runtime.rate_limits import limit_per_shop
from runtime.schedules import schedule_catch_up
from runtime.server import missing_attributes
from runtime.settings import Settings, load_settings
from workflows.catch_up import CatchUpWorkflow
from workflows.payloads import for_cases
from workflows.registry import WORKFLOWS
from workflows.sandbox import OneArgument, sandboxed_runner


@contextmanager
def default_world(settings: Settings) -> Iterator[World]:
    """The world a worker acts upon where nothing else is configured; raises CaseError for an unusable data folder.

    Its ledger is open until the block ends.
    """
    from ledger.store import Ledger  # noqa: PLC0415 - a simulation has no database, and need not wait for one

    try:
        journal, ledger = Journal(settings.data_dir / "platform.jsonl"), Ledger(settings.ledger_address)
    except OSError as bad:
        raise CaseError(f"AFTERSALES_DATA_DIR: {settings.data_dir} cannot be used: {bad}") from bad
    except CaseError as bad:
        raise CaseError(f"AFTERSALES_LEDGER_URL: {bad}") from bad
    with ledger:
        yield World(platform=ScriptedPlatform(journal=journal), ledger=ledger)


@asynccontextmanager
async def open_world(settings: Settings, client: Client) -> AsyncIterator[World]:
    """The world a worker acts upon: marketplaces, and the operators' channels where there is a file of them."""
    async with _open_marketplaces(settings, client) as world:
        if settings.channels_file is None:
            yield world
            return
        async with open_notifier(settings.channels_file, settings, client, LogNotifier()) as notifier:
            yield replace(world, notifier=notifier)


@asynccontextmanager
async def _open_marketplaces(settings: Settings, client: Client) -> AsyncIterator[World]:
    """A world with the marketplaces that the secrets file lets us into, without one the default."""
    with default_world(settings) as world:
        if settings.secrets_file is None:
            yield world
            return

        async def connected() -> Client:
            return client

        secrets, figures = read_secrets(settings.secrets_file), read_shops(settings.shops_file)
        async with Marketplaces(secrets, TokenStore(settings.data_dir / TOKENS)) as marketplaces:
            feeder = Feeder(connected, marketplaces.records, settings.task_queue, figures)
            look = CatchingUp(marketplaces.douyin, marketplaces.reships, feeder.feed).look
            yield replace(world, platform=marketplaces, looks={"douyin": look})


async def arrange(client: Client, settings: Settings) -> None:
    """Have the server look at every shop again and again, and keep each shop's limit; raises CaseError."""
    if settings.max_activities_per_shop_per_second is not None:
        await limit_per_shop(client, settings.task_queue, settings.max_activities_per_shop_per_second)
    if settings.secrets_file is not None:
        shops = [shop.shop_id for shop in read_secrets(settings.secrets_file).douyin.shops]
        await schedule_catch_up(client, settings.task_queue, shops)


def scripted_world(script: Script) -> World:
    """A world that forgets everything, with a platform that follows a script: for simulation."""
    return World(platform=ScriptedPlatform(script))


def make_worker(client: Client, settings: Settings, world: World, interceptors: Sequence[Interceptor] = ()) -> Worker:
    """A worker for every process, tuned by the settings; versioned where a build id is set."""
    options: dict[str, Any] = {}
    if settings.build_id:
        version = WorkerDeploymentVersion(settings.deployment_name, settings.build_id)
        # A case lives for days: it moves on to the newest build, and patches keep its history valid.
        options["deployment_config"] = WorkerDeploymentConfig(
            version=version,
            use_worker_versioning=True,
            default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
        )
    config = client.config()
    config["data_converter"] = for_cases(client.data_converter)
    return Worker(
        Client(**config),
        task_queue=settings.task_queue,
        workflows=[*WORKFLOWS, CatchUpWorkflow],
        activities=all_activities(world),
        workflow_runner=sandboxed_runner(),
        interceptors=[OneArgument(), Boundary(), *interceptors],
        max_cached_workflows=settings.max_cached_workflows,
        max_concurrent_workflow_tasks=settings.max_concurrent_workflow_tasks,
        max_concurrent_activities=settings.max_concurrent_activities,
        max_activities_per_second=settings.max_activities_per_second,
        max_task_queue_activities_per_second=settings.max_task_queue_activities_per_second,
        # What is taken eagerly goes past the queue, and with it past the limit of its shop.
        disable_eager_activity_execution=settings.max_activities_per_shop_per_second is not None,
        graceful_shutdown_timeout=timedelta(seconds=settings.graceful_shutdown_seconds),
        **options,
    )


async def run_worker(settings: Settings) -> None:
    """Work until told to stop; raises CaseError where it cannot start."""
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    client = await connect(runtime_with_metrics(settings.metrics_address))
    try:
        missing = await missing_attributes(client)
    except RPCError as refused:
        raise CaseError(f"namespace {client.namespace!r} cannot be used: {refused.message}") from refused
    if missing:
        raise CaseError(f"search attributes are missing ({', '.join(missing)}): run `aftersales setup` once")
    log = structlog.get_logger("worker")
    async with open_world(settings, client) as world, make_worker(client, settings, world):
        await arrange(client, settings)
        log.info("worker started", namespace=client.namespace, task_queue=settings.task_queue)
        await stop.wait()
        log.info("worker stopping")
    log.info("worker stopped")


def main() -> int:
    """Run the worker; 2 and one line where a setting is wrong or Temporal cannot be reached."""
    try:
        settings = load_settings()
        configure_logs(settings.log_level, settings.log_format)
        asyncio.run(run_worker(settings))
    except CaseError as bad:
        print(f"worker: {bad}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    sys.stderr.flush()
    os._exit(status)  # the SDK's own threads now and then abort a process that winds down by itself
