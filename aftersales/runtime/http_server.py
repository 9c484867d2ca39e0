"""Serving the gateway until it is told to stop."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from cases.errors import CaseError

MOST_AT_ONCE = 500
"""Requests at once; more are answered 503, so that their platform sends them again."""
LAST_ANSWERS_SECONDS = 5


class Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def listen(host: str, port: int, setting: str = "AFTERSALES_GATEWAY") -> socket.socket:
    """A socket at the address; raises CaseError, naming the setting, where it cannot be had."""
    try:
        # With the protocol named: without it asyncio leaves Nagle's algorithm on, and answers come 40 ms late.
        ((family, kind, protocol, _, address), *_) = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        listener = socket.socket(family, kind, protocol)
    except OSError as bad:
        raise CaseError(f"{setting}_HOST: {host!r} cannot be used: {bad.strerror}") from bad
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as bad:
        listener.close()
        if bad.errno in (errno.EADDRINUSE, errno.EACCES):
            raise CaseError(f"port {port} is taken: set {setting}_PORT to another port") from bad
        raise CaseError(f"{setting}_HOST: {host!r} cannot be used: {bad.strerror}") from bad
    return listener


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket) -> AsyncIterator[asyncio.Task[None]]:
    """Serve on the socket until the block ends; what is being answered then gets a few seconds to end."""
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        limit_concurrency=MOST_AT_ONCE,
        timeout_graceful_shutdown=LAST_ANSWERS_SECONDS,
    )
    server = Server(config)
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield task
    finally:
        server.should_exit = True
        await task
