"""The gateway: marketplaces' messages in over HTTP, each stored before it is answered, then dispatched to its case."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from aftersales.gateway.case_client import Feed
from aftersales.gateway.consumer import QueueConsumer, failing_seconds
from aftersales.gateway.dispatcher import Dispatcher
from aftersales.gateway.inbox import Inbox
from aftersales.gateway.senders import Senders
from aftersales.gateway.unreadable import log_unreadable
from aftersales.monitoring.figures import PUSHES
from aftersales.monitoring.health_pages import health_routes
from aftersales.monitoring.readiness import Readiness, ReadinessCheck
from aftersales.platforms.inbound import InboundMessage
from aftersales.platforms.push import NotSigned, PushEndpoint
from aftersales.runtime.http.http_authorization import TokenSource, bears
from aftersales.runtime.http.http_request import UNAUTHORIZED, RequestRefused, read_body
from aftersales.runtime.telemetry.spans import Attributes, SpanSide, span

STORE_SECONDS: Final = 4.0
"""How long storing messages may take: marketplaces want their answer within 5 s."""
BODY_LIMIT: Final = 1024 * 1024


class Gateway:
    """The handlers of all paths."""

    def __init__(
        self,
        inbox: Inbox,
        dispatcher: Dispatcher,
        body_limit: int,
        status_token: TokenSource,
        consumers: Sequence[QueueConsumer],
    ) -> None:
        self._inbox, self._dispatcher, self._consumers = inbox, dispatcher, consumers
        self._body_limit, self._status_token = body_limit, status_token
        self._log = structlog.get_logger("gateway")
        self._refused, self._disk_refuses = 0, False

    async def push(self, endpoint: PushEndpoint, request: Request) -> Response:
        """Store the messages of a push; an error makes the marketplace send them again."""
        try:
            messages = await endpoint.receive(request.headers, partial(read_body, request, self._body_limit))
        except (NotSigned, RequestRefused) as refused:
            PUSHES.labels(endpoint.platform, "refused").inc()
            raise (UNAUTHORIZED if isinstance(refused, NotSigned) else refused) from None
        about: Attributes = {"aftersales.platform": endpoint.platform, "aftersales.messages": len(messages)}
        with span(f"push {endpoint.platform}", SpanSide.SERVER, about):
            stored = await self._stored(messages)
        if not stored:
            PUSHES.labels(endpoint.platform, "not_stored").inc()
            return PlainTextResponse("try again", 503)
        PUSHES.labels(endpoint.platform, "stored").inc()
        return Response(endpoint.format.acknowledgement, media_type=endpoint.format.media_type)

    async def status(self, request: Request) -> Response:
        """Show the counts of the inbox to whoever has the token."""
        if not bears(request, self._status_token()):
            raise UNAUTHORIZED
        counts = {**await self._inbox.counts(), "refused_since_start": self._refused}
        return JSONResponse({**counts, "queues_failing_seconds": failing_seconds(self._consumers)})

    async def refuse(self, request: Request, refused: Exception) -> Response:
        """Answer a request that is not accepted, and count it."""
        del request
        assert isinstance(refused, RequestRefused)  # noqa: S101 - the only type this is registered for
        self._refused += 1
        return PlainTextResponse(refused.text, refused.status)

    async def _stored(self, messages: Sequence[InboundMessage]) -> bool:
        if not messages:
            return True
        try:
            async with asyncio.timeout(STORE_SECONDS):
                new = await self._inbox.store(messages)
        except (sqlite3.Error, TimeoutError) as refused:
            if not self._disk_refuses:
                self._log.error("messages cannot be stored", why=f"{type(refused).__name__}: {refused}")
            self._disk_refuses = True
            return False
        if self._disk_refuses:
            self._log.info("messages are stored again")
        self._disk_refuses = False
        if new:
            log_unreadable(messages)
            self._dispatcher.wake()
        return True


def storing(inbox: Inbox) -> ReadinessCheck:
    """Return the check whether messages can be stored: without Temporal they can."""
    return ReadinessCheck("inbox", inbox.check_writable)


def make_gateway(  # noqa: PLR0913 - the parts of which it is made, each with a name
    endpoints: Sequence[PushEndpoint],
    inbox: Inbox,
    feed: Feed,
    *,
    body_limit: int = BODY_LIMIT,
    status_token: TokenSource = lambda: None,
    dispatcher: Dispatcher | None = None,
    consumers: Sequence[QueueConsumer] = (),
    readiness: Readiness | None = None,
    routes: Sequence[Route] = (),
) -> Starlette:
    """Make the application; while it runs, messages are dispatched through ``feed``.

    The caller closes the inbox.  ``dispatcher`` replaces the usual one; ``consumers`` are those whose failures
    are shown, ``routes`` is what else is served.  ``readiness`` says more than that messages can be stored, which is
    what a gateway needs.
    """
    if readiness is None:
        readiness = Readiness(storing(inbox), patience=STORE_SECONDS, kept=0)
        readiness.has_started = True
    senders = Senders({endpoint.platform: endpoint.access for endpoint in endpoints})
    dispatching = dispatcher or Dispatcher(inbox, feed, senders)
    gateway = Gateway(inbox, dispatching, body_limit, status_token, consumers)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(dispatching.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    app = Starlette(
        routes=[
            *(Route(endpoint.format.path, partial(gateway.push, endpoint), methods=["POST"]) for endpoint in endpoints),
            Route("/status", gateway.status),
            *health_routes(readiness),
            *routes,
        ],
        exception_handlers={RequestRefused: gateway.refuse},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app
