"""Serving a web application next to other work, until it is stopped."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from aftersales.runtime.http.http_connection import Connection
from cases.errors import CaseError

_MOST_CONCURRENT = 500
"""Concurrent requests; more are answered with 503, so that the platform sends them again.

As many connections may be open: beyond that, the one that has waited the longest for its client is closed.
"""
_SHUTDOWN_SECONDS = 5


class Server(uvicorn.Server):
    """A server that leaves signals to its caller."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def listen(host: str, port: int, setting: str = "AFTERSALES_GATEWAY") -> socket.socket:
    """Listen at an address; raises CaseError, naming the setting, if that is not possible."""
    try:
        return open_listener(host, port)
    except OSError as bad:
        if bad.errno in (errno.EADDRINUSE, errno.EACCES):
            raise CaseError(f"port {port} is taken: set {setting}_PORT to another port") from bad
        raise CaseError(f"{setting}_HOST: {host!r} cannot be used: {bad.strerror}") from bad


def open_listener(host: str, port: int) -> socket.socket:
    """Listen at an address; raises OSError."""
    # The protocol must be named: otherwise asyncio leaves Nagle's algorithm on and answers are 40 ms late.
    ((family, kind, protocol, _, address), *_) = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket) -> AsyncIterator[asyncio.Task[None]]:
    """Serve on the socket until the block ends; running requests get a few seconds to finish.

    Answers that have no end of their own end once the event ``stopping`` of their request's state is set.
    """
    stopping = asyncio.Event()

    async def stoppable(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["stopping"] = stopping
        await app(scope, receive, send)

    config = uvicorn.Config(
        stoppable,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who sent a request is decided by what needs to know it
        ws="none",
        lifespan="on",
        http=Connection,
        limit_concurrency=_MOST_CONCURRENT,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    server = Server(config)
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield task
    finally:
        stopping.set()
        server.should_exit = True
        await task
