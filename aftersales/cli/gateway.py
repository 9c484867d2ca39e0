"""The command that receives the marketplaces' messages: gateway."""

import asyncio
import signal
import sqlite3
from typing import Annotated

import structlog
import typer

from aftersales.cli.exit_status import run
from aftersales.gateway.inbox import Inbox
from aftersales.runtime.connection import connect
from aftersales.runtime.logs import configure_logs
from aftersales.runtime.settings import Settings, load_settings
from cases.errors import CaseError

INBOX = "inbox.db"


def gateway_command(
    host: Annotated[str | None, typer.Option(help="Address to listen on (AFTERSALES_GATEWAY_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (AFTERSALES_GATEWAY_PORT).")] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Make failed messages due again, and exit.")
    ] = False,
) -> None:
    """Receive the marketplaces' messages until Ctrl-C: store each before answering it, then dispatch it to its case."""
    run(_retry() if retry_failed else _serve(host, port))


async def _serve(host: str | None, port: int | None) -> None:
    settings = load_settings(gateway_host=host, gateway_port=port)
    configure_logs(settings.log_level, settings.log_format)
    async with running_gateway(settings, connect) as (address, ended):
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        log = structlog.get_logger("gateway")
        log.info("gateway started", address=address)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((stopping, ended), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
    log.info("gateway stopped")


def _inbox(settings: Settings) -> Inbox:
    try:
        return Inbox(settings.data_dir / INBOX)
    except (OSError, sqlite3.Error) as bad:
        raise CaseError(f"AFTERSALES_DATA_DIR: {settings.data_dir} cannot be used: {bad}") from bad
