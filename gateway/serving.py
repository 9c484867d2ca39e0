"""Serving the gateway until it is told to stop."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator

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


def listen(host: str, port: int) -> socket.socket:
    """A socket at the address; raises CaseError, naming the setting, where it cannot be had."""
    try:
        # With the protocol named: without it asyncio leaves Nagle's algorithm on, and answers come 40 ms late.
        ((family, kind, protocol, _, address), *_) = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        listener = socket.socket(family, kind, protocol)
    except OSError as bad:
        raise CaseError(f"AFTERSALES_GATEWAY_HOST: {host!r} cannot be used: {bad.strerror}") from bad
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as bad:
        listener.close()
        if bad.errno in (errno.EADDRINUSE, errno.EACCES):
            raise CaseError(f"port {port} is taken: set AFTERSALES_GATEWAY_PORT to another port") from bad
        raise CaseError(f"AFTERSALES_GATEWAY_HOST: {host!r} cannot be used: {bad.strerror}") from bad
    return listener


async def serve(app: ASGIApp, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serve on the socket until ``stop`` is set; what is being answered then gets a few seconds to end."""
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

    async def end() -> None:
        await stop.wait()
        server.should_exit = True

    ending = asyncio.create_task(end())
    try:
        await server.serve([listener])
    finally:
        ending.cancel()
