"""What every process serves at ``AFTERSALES_METRICS_ADDRESS``: its figures, that it lives, and whether it is ready."""

import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aftersales.monitoring.figures import BUILD
from aftersales.monitoring.health_pages import alive, detailed
from aftersales.monitoring.monitor import Monitor
from aftersales.monitoring.sdk_figures import sdk_figures
from aftersales.runtime.http.http_server import open_listener, serving
from aftersales.runtime.settings import Settings
from cases.errors import CaseError

SETTING: Final = "AFTERSALES_METRICS_ADDRESS"
HIGHEST_PORT: Final = 65535


@asynccontextmanager
async def monitored(settings: Settings, program: str) -> AsyncIterator[Monitor]:
    """Monitor a program until the block ends; figures and health are served if the settings name an address.

    Raises CaseError, naming the setting, if the address cannot be used.
    """
    if settings.metrics_address is None:
        yield Monitor()
        return
    BUILD.show({(program, settings.build_id or ""): 1.0})
    with _listening(settings.metrics_address) as listener:
        async with sdk_figures() as sdk:
            monitor = Monitor(sdk)

            async def metrics(request: Request) -> Response:
                del request
                return Response(await monitor.scrape(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

            app = Starlette(
                routes=[
                    Route("/metrics", metrics),
                    Route("/healthz", alive),
                    Route("/readyz", detailed(monitor.readiness)),
                ]
            )
            app.router.redirect_slashes = False
            async with serving(app, listener):
                try:
                    yield monitor
                finally:
                    await monitor.close()


def _listening(address: str) -> socket.socket:
    found = re.fullmatch(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<host>[^:\[\]\s]+)):(?P<port>[1-9][0-9]{0,4})", address)
    why = "expected host:port"
    if found is not None and int(found["port"]) <= HIGHEST_PORT:
        try:
            return open_listener(found["v6"] or found["host"], int(found["port"]))
        except OSError as bad:
            why = bad.strerror or why
    raise CaseError(f"{SETTING}: {address!r} 不能使用 / cannot be used: {why}")
