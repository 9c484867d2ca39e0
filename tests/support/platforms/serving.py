"""A web application on a free port, for the length of a test."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

import httpx2
import uvicorn

from tests.support.patience import PATIENCE_SECONDS


def _dated(app: Any) -> Any:
    """Tell the time with every answer, as real servers do: a server whose main loop does not run tells none."""

    async def answering(scope: Any, receive: Any, send: Any) -> None:
        async def dated(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"date", formatdate(usegmt=True).encode())]
            await send(message)

        await app(scope, receive, dated)

    return answering


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """Serve an ASGI application over real HTTP in this event loop; yield its address, without a trailing slash."""
    config = uvicorn.Config(_dated(app), log_config=None, access_log=False, timeout_graceful_shutdown=1)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # With the protocol named: without it asyncio leaves Nagle's algorithm on, and answers come 40 ms late.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        await server.startup(sockets=[listener])
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            await server.shutdown(sockets=[listener])


@asynccontextmanager
async def calling(app: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """Serve an application as ``serving`` does; yield a client of it that waits as long as tests do."""
    async with (
        serving(app) as address,
        httpx2.AsyncClient(base_url=address, verify=False, timeout=PATIENCE_SECONDS) as client,
    ):
        yield client
