"""The running desk, and the users who may log in there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
import typer
from temporalio.client import Client

from aftersales.cli.output import say
from aftersales.desk.access.access_file import add_user as write_user
from aftersales.desk.access.configured_login import configured_login
from aftersales.desk.access.passwords import hashed
from aftersales.desk.access.users import Role, User
from aftersales.desk.services import DeskServices
from aftersales.desk.site import make_desk
from aftersales.importing.case_files import read_shops, shop_names
from aftersales.ledger.configured import configured_ledger
from aftersales.monitoring.monitor import Monitor
from aftersales.monitoring.status_server import monitored
from aftersales.runtime.http.http_server import listen, serving
from aftersales.runtime.settings import Settings, load_settings
from aftersales.runtime.stopping import stop_asked, until_stopped
from aftersales.runtime.telemetry.logs import configure_logs
from aftersales.runtime.temporal.connection import connect
from cases.errors import BadForm
from cases.models import read


async def serve_desk(host: str | None, port: int | None) -> None:
    """Serve the desk until SIGTERM or Ctrl-C."""
    settings = load_settings(desk_host=host, desk_port=port)
    async with monitored(settings, "desk") as monitor:
        client = await connect(monitor.runtime)
        async with running_desk(settings, client, monitor) as (address, ended):
            configure_logs(settings.log_level, settings.log_format)
            stop = stop_asked()
            monitor.started()
            say(f"desk / 工作台: {address}")
            await until_stopped(stop, ended)
    structlog.get_logger("desk").info("desk stopped")


@asynccontextmanager
async def running_desk(
    settings: Settings, client: Client, monitor: Monitor
) -> AsyncIterator[tuple[str, asyncio.Task[None]]]:
    """Serve the desk until the block ends; yields its address, and the task that serves it.

    Raises CaseError, naming the setting, if it cannot start.
    """
    login = configured_login(settings)
    with (
        listen(settings.desk_host, settings.desk_port, "AFTERSALES_DESK") as listener,
        configured_ledger(settings) as ledger,
    ):
        monitor.watch_temporal(client)
        monitor.watch_ledger(ledger)
        services = DeskServices(client, ledger, settings, shop_names(read_shops(settings.shops_file)))
        app = make_desk(services, login, monitor.readiness)
        async with serving(app, listener) as ended:
            yield desk_address(settings), ended


def desk_address(settings: Settings) -> str:
    """Return the address under which browsers reach the desk."""
    own = f"[{settings.desk_host}]" if ":" in settings.desk_host else settings.desk_host
    return f"{(settings.desk_address or f'http://{own}:{settings.desk_port}').rstrip('/')}/"


async def add_desk_user(name: str, role: Role, shops: list[str], limit: str | None) -> None:
    """Write a user, with a password that is asked for, into the access file; raises BadForm."""
    path = load_settings().desk_access_file
    if path is None:
        raise BadForm(
            "AFTERSALES_DESK_ACCESS_FILE: 须设置登录文件的路径 / expected the path of the file that says who may log in"
        )
    given = {"name": name.strip(), "role": role, "shops": shops or None, "limit": limit}
    user = read(User, given, "--add-user")
    if not user.name.isprintable():
        raise BadForm("--add-user: 姓名须可打印 / a printable name is expected")
    write_user(path, user, hashed(typer.prompt("密码 / password", hide_input=True, confirmation_prompt=True)))
    say(f"{path}: {user.name} · {user.role.label}")
