"""``aftersales setup``: prepare a Temporal server of your own."""

from typing import Annotated

import typer

from aftersales.cli.exit_status import run
from aftersales.cli.output import say

_DUE_HOURS = 12
_CASES_ASKED = 1000  # the newest open cases, from which the shops are taken


def setup_command(
    ui: Annotated[str | None, typer.Option(help="Address of the Web UI (AFTERSALES_UI_ADDRESS).")] = None,
    gateway: Annotated[
        str | None, typer.Option(help="Address at which operators reach the gateway, for the link to cases due soon.")
    ] = None,
    shop: Annotated[
        list[str] | None,
        typer.Option(help="A shop to make a view for; repeatable. Shops with open cases always get one."),
    ] = None,
) -> None:
    """Register the search attributes, and print links that save useful views in the Web UI."""
    from aftersales.runtime.client.case_search import OPEN
    from aftersales.runtime.settings import load_settings
    from aftersales.runtime.temporal.connection import connect
    from aftersales.runtime.temporal.embedded_server import register_attributes
    from aftersales.runtime.temporal.web_ui import link, list_address, saved_views
    from workflows.engine.search_attributes import SHOP

    async def work() -> None:
        settings, client = load_settings(ui_address=ui), await connect()
        registered = await register_attributes(client)
        say(f"search attributes: {', '.join(registered) + ' registered' if registered else 'all there'}")
        gateway_address = gateway or f"http://{settings.gateway_host}:{settings.gateway_port}"
        say(f"{_DUE_HOURS} 小时内到期: {gateway_address.rstrip('/')}/due/{_DUE_HOURS}")
        cases = client.list_workflows(f"{OPEN} AND {SHOP.name} IS NOT NULL", limit=_CASES_ASKED)
        known = {named async for case in cases if (named := case.typed_search_attributes.get(SHOP))}
        listed_at = list_address(settings.ui_address, client.namespace)
        for name, query in saved_views(sorted({*(shop or ()), *known})).items():
            say(f"{name}: {link(listed_at, query, name)}")

    run(work())
