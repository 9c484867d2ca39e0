"""The command that serves the desk."""

import asyncio
import ipaddress
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import structlog
import typer
from temporalio.client import Client

from aftersales.cli.exit_status import run
from aftersales.cli.output import say
from aftersales.desk.login import Login, OneUser
from aftersales.desk.services import DeskServices
from aftersales.desk.site import make_desk
from aftersales.ledger.configured import configured_ledger
from aftersales.runtime.connection import connect
from aftersales.runtime.http_server import listen, serving
from aftersales.runtime.logs import configure_logs
from aftersales.runtime.sender_header import this_user
from aftersales.runtime.settings import Settings, load_settings
from cases.errors import BadForm


def desk_command(
    host: Annotated[str | None, typer.Option(help="Address to listen on (AFTERSALES_DESK_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (AFTERSALES_DESK_PORT).")] = None,
) -> None:
    """Serve the desk, the page on which clerks work their cases, until Ctrl-C."""
    run(_serve(host, port))


async def _serve(host: str | None, port: int | None) -> None:
    settings = load_settings(desk_host=host, desk_port=port)
    client = await connect()
    async with running_desk(settings, client) as (address, ended):
        configure_logs(settings.log_level, settings.log_format)
        say(f"desk / 工作台: {address}")
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((stopping, ended), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
    structlog.get_logger("desk").info("desk stopped")


@asynccontextmanager
async def running_desk(settings: Settings, client: Client) -> AsyncIterator[tuple[str, asyncio.Task[None]]]:
    """Serve the desk until the block ends; yields its address, and the task that serves it.

    Raises CaseError, naming the setting, if it cannot start.
    """
    login = _login(settings)
    with (
        listen(settings.desk_host, settings.desk_port, "AFTERSALES_DESK") as listener,
        configured_ledger(settings) as ledger,
    ):
        app = make_desk(DeskServices(client, ledger, settings), login)
        async with serving(app, listener) as ended:
            yield f"http://{settings.desk_host}:{settings.desk_port}/", ended


def _login(settings: Settings) -> Login:
    if not _is_loopback(settings.desk_host):
        raise BadForm(
            f"AFTERSALES_DESK_HOST: {settings.desk_host!r}: 没有登录方式时只能监听本机 / "
            "without a way to log in the desk listens on the loopback address alone"
        )
    return OneUser(this_user())


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
