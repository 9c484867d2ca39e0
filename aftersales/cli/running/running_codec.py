"""The running server that decrypts for the Web UI and the ``temporal`` command."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from aftersales.monitoring.health_pages import health_routes
from aftersales.monitoring.monitor import Monitor
from aftersales.monitoring.status_server import monitored
from aftersales.runtime.encryption.codec_server import make_codec_server
from aftersales.runtime.encryption.key_ring import KeyRing
from aftersales.runtime.encryption.payload_encryption import configured_keys
from aftersales.runtime.http.http_server import listen, serving
from aftersales.runtime.settings import Settings, load_settings
from aftersales.runtime.stopping import stop_asked, until_stopped
from aftersales.runtime.telemetry.logs import configure_logs
from cases.errors import BadForm


async def serve_codec(host: str | None, port: int | None, ui: str | None) -> None:
    """Decrypt until SIGTERM or Ctrl-C."""
    settings = load_settings(codec_host=host, codec_port=port, ui_address=ui)
    keys = configured_keys(settings)
    if keys is None:
        raise BadForm("AFTERSALES_KEYS_FILE: 缺少 / is not set: the YAML file with the keys")
    async with monitored(settings, "codec") as monitor, running_codec(settings, keys, monitor) as (address, ended):
        configure_logs(settings.log_level, settings.log_format)
        stop = stop_asked()
        log = structlog.get_logger("codec")
        monitor.started()
        log.info("codec server started", address=address)
        await until_stopped(stop, ended)
    log.info("codec server stopped")


@asynccontextmanager
async def running_codec(
    settings: Settings, keys: KeyRing, monitor: Monitor
) -> AsyncIterator[tuple[str, asyncio.Task[None]]]:
    """Serve until the block ends; yields the address, and the task that serves it.

    Raises CaseError, naming the setting, if it cannot start.
    """
    if not keys.readers:
        raise BadForm(f"{settings.keys_file}: readers: 缺少 / are missing: nobody may use the codec server")
    with listen(settings.codec_host, settings.codec_port, "AFTERSALES_CODEC") as listener:
        routes = health_routes(monitor.readiness)
        async with serving(make_codec_server(keys, settings.ui_address, routes), listener) as ended:
            yield codec_address(settings), ended


def codec_address(settings: Settings) -> str:
    """Return the address of the codec server."""
    return f"http://{settings.codec_host}:{settings.codec_port}"
