"""The commands for those who run a worker against a Temporal of their own: worker, setup."""

from typing import Annotated

import typer
from temporalio.client import Client

from aftersales.bootstrap import run_worker
from aftersales.cli.errors import BAD_INPUT, run
from aftersales.cli.output import complain, say
from aftersales.process_check import worker_faults
from aftersales.runtime.connection import connect
from aftersales.runtime.embedded_server import register_attributes
from aftersales.runtime.logs import configure_logs
from aftersales.runtime.settings import load_settings
from aftersales.runtime.web_ui import OPEN, link, list_address, saved_views
from workflows.engine.search_attributes import SHOP

DUE_HOURS = 12
SHOPS_LOOKED_AT = 1000
"""Open cases that are asked for their shop: the newest."""


def worker_command() -> None:
    """Run a worker against the configured Temporal until SIGTERM or Ctrl-C, as ``python worker.py`` does."""

    async def work() -> None:
        settings = load_settings()
        configure_logs(settings.log_level, settings.log_format)
        await run_worker(settings)

    if faults := worker_faults():
        for fault in faults:
            complain(fault)
        raise typer.Exit(BAD_INPUT)
    run(work())


def setup_command(
    ui: Annotated[str | None, typer.Option(help="Address of the Web UI (AFTERSALES_UI_ADDRESS).")] = None,
    gateway: Annotated[
        str | None, typer.Option(help="Address of the gateway as operators reach it, for the link to what is due.")
    ] = None,
    shop: Annotated[
        list[str] | None, typer.Option(help="A shop to get a view; repeatable. Those with open cases get one anyway.")
    ] = None,
) -> None:
    """Register the search attributes, and print links that save useful views in the Web UI."""

    async def work() -> None:
        settings, client = load_settings(ui_address=ui), await connect()
        registered = await register_attributes(client)
        say(f"search attributes: {', '.join(registered) + ' registered' if registered else 'all there'}")
        reached_at = gateway or f"http://{settings.gateway_host}:{settings.gateway_port}"
        say(f"{DUE_HOURS} 小时内到期: {reached_at.rstrip('/')}/due/{DUE_HOURS}")
        listed_at = list_address(settings.ui_address, client.namespace)
        for name, query in saved_views(sorted({*(shop or ()), *await _shops(client)})).items():
            say(f"{name}: {link(listed_at, query, name)}")

    run(work())


async def _shops(client: Client) -> set[str]:
    found = client.list_workflows(f"{OPEN} AND {SHOP.name} IS NOT NULL", limit=SHOPS_LOOKED_AT)
    return {shop async for each in found if (shop := each.typed_search_attributes.get(SHOP))}
