"""The commands for those who run a worker against a Temporal of their own: worker, setup."""

from typing import Annotated
from urllib.parse import quote, urlencode

import typer

from cli.output import say
from cli.running import run
from runtime.connection import connect
from runtime.logs import configure_logs
from runtime.server import register_attributes
from runtime.settings import load_settings
from statecharts.rules import Party
from workflows import attributes as sa
from workflows.registry import PROCESSES

OPEN = "ExecutionStatus = 'Running'"
VIEWS = {
    "需人工处理": f"{OPEN} AND {sa.NEEDS_OPERATOR.name} = true",
    **{
        f"等待{each.label}": f"{OPEN} AND {sa.WAITS_FOR.name} = '{each.label}'"
        for each in (Party.MERCHANT, Party.BUYER)
    },
    **{each.label: f"{OPEN} AND WorkflowType = '{each.name}'" for each in PROCESSES.values()},
}
"""The views an operator saves, by name."""


def worker_command() -> None:
    """Run a worker against the configured Temporal until SIGTERM or Ctrl-C, as ``python worker.py`` does."""
    from worker import run_worker  # noqa: PLC0415 - the other commands start faster without it

    async def work() -> None:
        settings = load_settings()
        configure_logs(settings.log_level, settings.log_format)
        await run_worker(settings)

    run(work())


def setup_command(
    ui: Annotated[str, typer.Option(help="Address of the Web UI, for the links.")] = "http://127.0.0.1:8233",
) -> None:
    """Register the search attributes, and print links that save useful views in the Web UI."""

    async def work() -> None:
        client = await connect()
        registered = await register_attributes(client)
        say(f"search attributes: {', '.join(registered) + ' registered' if registered else 'all there'}")
        for name, query in VIEWS.items():
            given = urlencode({"query": query, "savedQuery": name}, quote_via=quote)
            say(f"{name}: {ui.rstrip('/')}/namespaces/{client.namespace}/workflows?{given}")

    run(work())
