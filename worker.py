"""The Temporal worker: runs every case's workflow and activities until SIGTERM or Ctrl-C.

Run it as ``python worker.py`` against any Temporal; settings are in ``runtime/settings.py``.
"""

import asyncio
import logging
import os
import signal
import sqlite3
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import Interceptor, Worker, WorkerDeploymentConfig

from activities.boundary import Boundary
from activities.ledger import SqliteLedger
from activities.registry import World, all_activities
from cases.errors import CaseError
from platforms.journal import Journal
from platforms.scripted import Script, ScriptedPlatform
from runtime.connection import connect, runtime_with_metrics
from runtime.logs import configure_logs
from runtime.server import missing_attributes
from runtime.settings import Settings, load_settings
from workflows.payloads import for_cases
from workflows.registry import WORKFLOWS
from workflows.sandbox import OneArgument, sandboxed_runner


def default_world(settings: Settings) -> World:
    """The world a worker acts upon where nothing else is configured; raises CaseError for an unusable data folder."""
    try:
        return World(
            platform=ScriptedPlatform(journal=Journal(settings.data_dir / "platform.jsonl")),
            ledger=SqliteLedger(settings.data_dir / "ledger.db"),
        )
    except (OSError, sqlite3.Error) as bad:
        raise CaseError(f"AFTERSALES_DATA_DIR: {settings.data_dir} cannot be used: {bad}") from bad


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
        workflows=WORKFLOWS,
        activities=all_activities(world),
        workflow_runner=sandboxed_runner(),
        interceptors=[OneArgument(), Boundary(), *interceptors],
        max_cached_workflows=settings.max_cached_workflows,
        max_concurrent_workflow_tasks=settings.max_concurrent_workflow_tasks,
        max_concurrent_activities=settings.max_concurrent_activities,
        max_activities_per_second=settings.max_activities_per_second,
        max_task_queue_activities_per_second=settings.max_task_queue_activities_per_second,
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
    async with make_worker(client, settings, default_world(settings)):
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
