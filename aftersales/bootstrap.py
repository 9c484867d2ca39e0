"""The composition root: the one place where the core's ports meet their adapters."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import Interceptor, Worker, WorkerDeploymentConfig

from activities.dependencies import Dependencies, all_activities
from activities.error_interceptor import ErrorInterceptor
from activities.local_calls import LocalCalls
from aftersales.authoring.edition import refuse_unreleased_figures
from aftersales.authoring.process_check import effect_tables, refuse_faulty_processes
from aftersales.gateway.case_client import CaseClient
from aftersales.gateway.reconciler import Reconciler
from aftersales.importing.case_files import read_shops
from aftersales.ledger.in_memory import InMemoryLedger
from aftersales.notifications.log_notifier import LogNotifier
from aftersales.notifications.temporal_notifier import open_notifier
from aftersales.platforms.credentials import CurrentSecrets, read_secrets
from aftersales.platforms.journal import Journal
from aftersales.platforms.marketplaces import Marketplaces, reconcilable_marketplaces
from aftersales.platforms.scripted import Script, ScriptedPlatform
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.client.case_reports import TemporalCaseReports
from aftersales.runtime.client.case_search import TemporalCaseSearch
from aftersales.runtime.client.sender_header import MESSAGES, with_sender
from aftersales.runtime.data_folder import private_folder
from aftersales.runtime.garbage_collection import garbage_searched_rarely
from aftersales.runtime.settings import Settings, load_settings
from aftersales.runtime.stopping import stop_asked
from aftersales.runtime.telemetry.logs import configure_logs
from aftersales.runtime.telemetry.tracing import stop_tracing
from aftersales.runtime.temporal.connection import connect
from aftersales.runtime.temporal.embedded_server import missing_attributes
from aftersales.runtime.temporal.rate_limits import limit_per_shop
from aftersales.runtime.temporal.schedules import schedule_catch_up, schedule_look_for_ended
from cases.errors import BadForm, CaseError
from cases.plain_text import plain
from workflows.ended_cases import LookForEndedWorkflow
from workflows.notices import SendNoticesWorkflow
from workflows.reconcile import CatchUpWorkflow
from workflows.registry import case_workflows
from workflows.worker_options import CaseRunner, OneArgument, for_cases

if TYPE_CHECKING:
    from aftersales.monitoring.monitor import Monitor


KNOWN_WORKER_PATIENCE = timedelta(seconds=30)
"""How long a task of a case waits for the worker that has the case in memory, before any other takes it.

With the SDK's 10 s, 2,000 clocks that run out in the same second let the server queue most of their tasks twice.  A
worker that dies holds up for so long what is due in its last ten seconds; what comes later, the server gives to others.
"""


def refuse_to_pretend(settings: Settings) -> None:
    """Raise BadForm if there are no credentials and the settings do not say that platforms are to be pretended.

    Else a worker started by mistake beside the real ones would take their platform calls, and answer that all is done.
    """
    if settings.secrets_file is None and not settings.pretend_platforms:
        raise BadForm(
            "AFTERSALES_SECRETS_FILE: 缺少平台凭据,拒绝启动 / is not set: without credentials a worker does not start; "
            "for a trial, AFTERSALES_PRETEND_PLATFORMS=true answers every platform call with success and sends nothing"
        )


@contextmanager
def default_dependencies(settings: Settings, monitor: "Monitor | None" = None) -> Iterator[Dependencies]:
    """Open the default dependencies of a worker; raises CaseError for an unusable data folder.

    The ledger is closed when the block ends; a ``monitor`` watches it.
    """
    from aftersales.ledger.noting_parcels import parcels_stored  # noqa: PLC0415 - a simulation starts faster
    from aftersales.ledger.store import SqlLedger  # noqa: PLC0415 - without SQLAlchemy

    private_folder(settings.data_dir)
    try:
        journal, ledger = Journal(settings.data_dir / "platform.jsonl"), SqlLedger(settings.ledger_address)
    except OSError as bad:
        raise CaseError(f"AFTERSALES_DATA_DIR: {settings.data_dir} cannot be used: {bad}") from bad
    except CaseError as bad:
        raise CaseError(f"AFTERSALES_LEDGER_URL: {bad}") from bad
    if monitor is not None:
        monitor.watch_ledger(ledger)
    with ledger, parcels_stored(ledger.keep_parcels) as noted:
        platform = ScriptedPlatform(journal=journal)
        yield Dependencies(platform=platform, ledger=ledger, notifier=LogNotifier(), noted=noted)


@asynccontextmanager
async def open_dependencies(
    settings: Settings, client: Client, monitor: "Monitor | None" = None
) -> AsyncIterator[Dependencies]:
    """Open the dependencies of a worker: the marketplaces, and the operators' channels if a file names them."""
    refuse_faulty_processes()
    async with _open_marketplaces(settings, client, monitor) as opened:
        dependencies = replace(opened, search=TemporalCaseSearch(client, settings.task_queue))
        if settings.channels_file is None:
            yield dependencies
            return
        async with open_notifier(settings.channels_file, settings, client, LogNotifier()) as notifier:
            yield replace(dependencies, notifier=notifier, channels=notifier)


@asynccontextmanager
async def _open_marketplaces(
    settings: Settings, client: Client, monitor: "Monitor | None"
) -> AsyncIterator[Dependencies]:
    """Open the marketplaces that the secrets file gives access to; without a file, pretend them if settings say so."""
    refuse_to_pretend(settings)
    with default_dependencies(settings, monitor) as dependencies:
        if settings.secrets_file is None:
            yield dependencies
            return

        async def connected() -> Client:
            return with_sender(client, MESSAGES)

        secrets, figures = CurrentSecrets(settings.secrets_file), read_shops(settings.shops_file)
        async with Marketplaces(secrets, TokenStore(settings.tokens_folder)) as marketplaces:
            adapters, ledger = marketplaces.message_adapters(), dependencies.ledger
            cases = CaseClient(connected, adapters, settings.task_queue, ledger, figures, paced=True)
            open_cases = TemporalCaseSearch(client, settings.task_queue).open_in_shop
            reconcilers = {
                name: Reconciler(marketplaces.reconcilable_adapters(name), cases.feed, open_cases).reconcile
                for name in reconcilable_marketplaces()
            }
            yield replace(dependencies, platform=marketplaces, reconcilers=reconcilers)


async def arrange(client: Client, settings: Settings) -> None:
    """Set up what the server does by itself; raises CaseError.

    It looks for cases that ended early, reconciles every shop, and keeps each shop's limit.
    """
    await schedule_look_for_ended(client, settings.task_queue)
    if settings.max_activities_per_shop_per_second is not None:
        await limit_per_shop(client, settings.task_queue, settings.max_activities_per_shop_per_second)
    if settings.secrets_file is not None:
        secrets = read_secrets(settings.secrets_file)
        for marketplace in reconcilable_marketplaces():
            shops = [shop.shop_id for shop in secrets.of(marketplace).shops]
            await schedule_catch_up(client, settings.task_queue, marketplace, shops)


def simulated_dependencies(
    script: Script, ledger: InMemoryLedger | None = None, *, console_done: bool = False
) -> Dependencies:
    """Return a platform that follows a script, and a ledger in memory: for simulation."""
    return Dependencies(ScriptedPlatform(script), ledger or InMemoryLedger(), LogNotifier(), console_done=console_done)


def make_worker(
    client: Client,
    settings: Settings,
    dependencies: Dependencies,
    interceptors: Sequence[Interceptor] = (),
    *,
    measures: bool = False,
) -> Worker:
    """Make a worker for every process, tuned by the settings, and versioned if a build id is set.

    ``measures``: somebody reads the figures of its cases, which cost a little.
    """
    options: dict[str, Any] = {}
    runner = CaseRunner()
    if measures:
        from aftersales.monitoring.case_interceptor import CaseMeasuring  # noqa: PLC0415 - not for a simulation
        from aftersales.monitoring.clock_lateness import MeasuringRunner  # noqa: PLC0415

        runner, interceptors = MeasuringRunner(), [CaseMeasuring(), *interceptors]
    if settings.build_id:
        version = WorkerDeploymentVersion(settings.deployment_name, settings.build_id)
        # A case runs for days: it moves on to the newest build, and patches keep its history valid.
        options["deployment_config"] = WorkerDeploymentConfig(
            version=version,
            use_worker_versioning=True,
            default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
        )
    if dependencies.noted is not None:
        from aftersales.ledger.noting_parcels import ParcelNoting  # noqa: PLC0415 - not for a simulation

        interceptors = [*interceptors, ParcelNoting(dependencies.noted)]
    if dependencies.reports is None:
        dependencies = replace(dependencies, reports=TemporalCaseReports(client))
    local_calls = LocalCalls(settings.max_activities_per_shop_per_second)
    config = client.config()
    config["data_converter"] = for_cases(client.data_converter)
    return Worker(
        Client(**config),
        task_queue=settings.task_queue,
        workflows=[*case_workflows(), CatchUpWorkflow, LookForEndedWorkflow, SendNoticesWorkflow],
        activities=all_activities(effect_tables(), dependencies, local_calls),
        workflow_runner=runner,
        interceptors=[OneArgument(), ErrorInterceptor(), *interceptors],
        max_cached_workflows=settings.max_cached_workflows,
        sticky_queue_schedule_to_start_timeout=KNOWN_WORKER_PATIENCE,
        max_concurrent_workflow_tasks=settings.max_concurrent_workflow_tasks,
        max_concurrent_activities=settings.max_concurrent_activities,
        max_activities_per_second=settings.max_activities_per_second,
        max_task_queue_activities_per_second=settings.max_task_queue_activities_per_second,
        # An activity that is taken eagerly bypasses the queue, and with it the limit of its shop.
        disable_eager_activity_execution=settings.max_activities_per_shop_per_second is not None,
        # Nothing is stored outside the server: with more than one the SDK would start a task for each payload.
        max_workflow_task_external_storage_concurrency=1,
        graceful_shutdown_timeout=timedelta(seconds=settings.graceful_shutdown_seconds),
        **options,
    )


async def run_worker(settings: Settings) -> None:
    """Run a worker until a signal asks it to stop; raises CaseError if it cannot start."""
    refuse_faulty_processes()
    refuse_to_pretend(settings)
    refuse_unreleased_figures()
    from aftersales.monitoring.status_server import monitored  # noqa: PLC0415 - needed by none that only makes a worker

    stop = stop_asked()
    async with monitored(settings, "worker") as monitor:
        await _run_monitored(settings, monitor, stop)


async def _run_monitored(settings: Settings, monitor: "Monitor", stop: asyncio.Event) -> None:
    client = await connect(monitor.runtime)
    try:
        missing = await missing_attributes(client)
    except RPCError as refused:
        raise CaseError(f"namespace {client.namespace!r} cannot be used: {refused.message}") from refused
    if missing:
        raise CaseError(f"search attributes are missing ({', '.join(missing)}): run `aftersales setup` once")
    log = structlog.get_logger("worker")
    async with (
        open_dependencies(settings, client, monitor) as dependencies,
        make_worker(client, settings, dependencies, measures=monitor.is_read) as worker,
    ):
        await arrange(client, settings)
        monitor.watch_worker(client, worker)
        async with garbage_searched_rarely(settings.max_cached_workflows):
            monitor.started()
            if settings.secrets_file is None:
                log.warning("platforms are pretended: no call is sent")
            log.info("worker started", namespace=client.namespace, task_queue=settings.task_queue)
            await stop.wait()
        log.info("worker stopping")
    log.info("worker stopped")


def main() -> int:
    """Run the worker; return 2, after one line on stderr, if it cannot start, and 1 after a fault of the program."""
    try:
        settings = load_settings()
        configure_logs(settings.log_level, settings.log_format)
        asyncio.run(run_worker(settings))
    except CaseError as bad:
        for line in str(bad).splitlines():
            print(f"worker: {plain(line)}", file=sys.stderr)
        return 2
    except Exception:  # noqa: BLE001 - a fault of the program: Python's own traceback would quote what it failed on
        structlog.get_logger("worker").exception("worker failed")
        return 1
    finally:
        stop_tracing()
    return 0
