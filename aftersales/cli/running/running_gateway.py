"""The running gateway, which receives the marketplaces' messages."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from temporalio.client import Client

from aftersales.cli.output import say
from aftersales.gateway.app import make_gateway
from aftersales.gateway.case_client import CaseClient
from aftersales.gateway.consumer import consuming
from aftersales.gateway.due import due_route
from aftersales.gateway.inbox import INBOX, Inbox
from aftersales.gateway.watching import GatewayParts, watch_gateway
from aftersales.importing.case_files import read_shops
from aftersales.ledger.configured import configured_ledger
from aftersales.monitoring.monitor import Monitor
from aftersales.monitoring.status_server import monitored
from aftersales.platforms.credentials import CurrentSecrets
from aftersales.platforms.marketplaces import Marketplaces
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.client.sender_header import MESSAGES, with_sender
from aftersales.runtime.data_folder import private_folder
from aftersales.runtime.http.http_server import listen, serving
from aftersales.runtime.settings import Settings, load_settings
from aftersales.runtime.stopping import stop_asked, until_stopped
from aftersales.runtime.telemetry.logs import configure_logs
from aftersales.runtime.telemetry.tracing import start_tracing
from aftersales.runtime.temporal.connection import connect
from aftersales.runtime.temporal.web_ui import list_address
from cases.errors import BadForm, CaseError


async def serve_gateway(host: str | None, port: int | None) -> None:
    """Run the gateway until SIGTERM or Ctrl-C."""
    settings = load_settings(gateway_host=host, gateway_port=port)
    async with (
        monitored(settings, "gateway") as monitor,
        running_gateway(settings, lambda: connect(monitor.runtime), monitor) as (address, ended),
    ):
        configure_logs(settings.log_level, settings.log_format)
        stop = stop_asked()
        log = structlog.get_logger("gateway")
        monitor.started()
        log.info("gateway started", address=address)
        await until_stopped(stop, ended)
    log.info("gateway stopped")


@asynccontextmanager
async def running_gateway(
    settings: Settings, connect: Callable[[], Awaitable[Client]], monitor: Monitor
) -> AsyncIterator[tuple[str, asyncio.Task[None]]]:
    """Run a gateway until the block ends; yields its address, and the task that serves it.

    Raises CaseError, naming the setting, if it cannot start.
    """
    if settings.secrets_file is None:
        raise BadForm("AFTERSALES_SECRETS_FILE: 缺少 / is not set: the YAML file with the marketplaces' credentials")

    start_tracing(wanted=settings.tracing)  # before the first message, for which Temporal is connected to

    async def connected() -> Client:
        return with_sender(await connect(), MESSAGES)

    async def listed_at() -> str:
        return list_address(settings.ui_address, (await connect()).namespace)

    secrets, figures = CurrentSecrets(settings.secrets_file), read_shops(settings.shops_file)
    with listen(settings.gateway_host, settings.gateway_port) as listener, configured_ledger(settings) as ledger:
        async with _inbox(settings) as inbox, Marketplaces(secrets, TokenStore(settings.tokens_folder)) as markets:
            cases = CaseClient(connected, markets.message_adapters(), settings.task_queue, ledger, figures)
            limit, token = settings.gateway_body_limit, secrets.status_token
            routes = [due_route(listed_at, token)]
            async with consuming(markets.queues, inbox) as consumers:
                app = make_gateway(
                    markets.endpoints,
                    inbox,
                    cases.feed,
                    body_limit=limit,
                    status_token=token,
                    consumers=consumers,
                    readiness=monitor.readiness,
                    routes=routes,
                )
                watch_gateway(monitor, GatewayParts(connect, inbox, ledger, secrets, consumers, settings.task_queue))
                async with serving(app, listener) as ended:
                    yield f"http://{settings.gateway_host}:{settings.gateway_port}", ended


async def retry_failed_messages() -> None:
    """Make failed messages due again."""
    async with _inbox(load_settings()) as inbox:
        say(f"重新投递 / due again: {await inbox.retry_failed()}")


def _inbox(settings: Settings) -> Inbox:
    private_folder(settings.data_dir)
    try:
        return Inbox(settings.data_dir / INBOX)
    except (OSError, sqlite3.Error) as bad:
        raise CaseError(f"AFTERSALES_DATA_DIR: {settings.data_dir} cannot be used: {bad}") from bad
