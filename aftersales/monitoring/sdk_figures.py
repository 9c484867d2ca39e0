"""The figures of Temporal's SDK, which its core serves itself: at an address of this machine alone, read by us."""

import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx2
import structlog
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from aftersales.runtime.telemetry.logs import CORE_LOGGING
from cases.errors import CaseError

_ATTEMPTS: Final = 5
_READING_SECONDS: Final = 3.0


class SdkFigures:
    """A runtime that serves its figures, and the way to read them."""

    def __init__(self, runtime: Runtime, address: str, client: httpx2.AsyncClient) -> None:
        """Keep what was started."""
        self.runtime, self._address, self._client = runtime, address, client

    async def read(self) -> bytes:
        """Return the figures as Prometheus reads them; none if the core does not answer, which is logged."""
        try:
            answer = await self._client.get(self._address)
            answer.raise_for_status()
        except httpx2.HTTPError as failed:
            log = structlog.get_logger("monitor")
            log.warning("figures cannot be read", figures="Temporal's SDK", why=type(failed).__name__)
            return b""
        return answer.content


@asynccontextmanager
async def sdk_figures() -> AsyncIterator[SdkFigures]:
    """Start a runtime that serves its figures at a free port of this machine."""
    runtime, address = _started()
    async with httpx2.AsyncClient(timeout=_READING_SECONDS, trust_env=False) as client:
        yield SdkFigures(runtime, f"http://{address}/metrics", client)


def _started() -> tuple[Runtime, str]:
    """Return a runtime, and where it serves; the port may be taken by another between our looking and its listening."""
    failed: Exception | None = None
    for _ in range(_ATTEMPTS):
        address = f"127.0.0.1:{_free_port()}"
        telemetry = TelemetryConfig(logging=CORE_LOGGING, metrics=PrometheusConfig(bind_address=address))
        try:
            return Runtime(telemetry=telemetry), address
        except (ValueError, RuntimeError) as taken:
            failed = taken
    raise CaseError(f"Temporal's SDK cannot serve its metrics: {failed}")


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
