"""The gateway: platforms' messages in over HTTP, each kept before it is answered, and handed over to its case."""

import asyncio
import hmac
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import parse_qs

import structlog
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from aftersales.gateway.body import RequestRefused, read_body
from aftersales.gateway.dispatcher import Dispatcher, Feed
from aftersales.gateway.inbox import Inbox
from aftersales.platforms.alibaba_1688 import push as alibaba_1688_push
from aftersales.platforms.alibaba_1688.signing import verify_event as verify_1688
from aftersales.platforms.credentials import Secrets
from aftersales.platforms.douyin import push as douyin_push
from aftersales.platforms.douyin.signing import verify_event as verify_douyin
from aftersales.platforms.messages import InboundMessage
from cases.errors import BadForm

KEEP_SECONDS: Final = 4.0
"""How long keeping may take: the platforms want their answer within 5 s."""
BODY_LIMIT: Final = 1024 * 1024
FIELDS: Final = 20
UNSIGNED: Final = RequestRefused(401, "unauthorized")


class Gateway:
    """The endpoints."""

    def __init__(
        self, secrets: Secrets, inbox: Inbox, hand_over: Dispatcher, body_limit: int, status_token: SecretStr | None
    ) -> None:
        self._secrets, self._inbox, self._hand_over = secrets, inbox, hand_over
        self._body_limit, self._status_token = body_limit, status_token
        self._log = structlog.get_logger("gateway")
        self._refused, self._disk_refuses = 0, False

    async def douyin(self, request: Request) -> Response:
        """Take a push of Douyin: signed over the raw bytes by the app that the header names."""
        try:
            app = self._secrets.douyin.app(request.headers.get("app-id", ""))
        except BadForm:
            raise UNSIGNED from None
        body = await read_body(request, self._body_limit)
        secret = app.app_secret.get_secret_value()
        if not verify_douyin(app.app_key, secret, body, request.headers.get("event-sign", "")):
            raise UNSIGNED
        return await self._kept(douyin_push.read_push(body), JSONResponse({"code": 0, "msg": "success"}))

    async def alibaba_1688(self, request: Request) -> Response:
        """Take a push of 1688: a form whose message one of our apps' secrets has signed."""
        body, access = await read_body(request, self._body_limit), self._secrets.alibaba_1688
        try:
            form = parse_qs(body.decode(), max_num_fields=FIELDS, errors="strict")
        except ValueError:
            raise UNSIGNED from None
        message, given = (form.get(name, [""])[0] for name in ("message", "_aop_signature"))
        if not any(verify_1688(app.app_secret.get_secret_value(), message, given) for app in access.apps):
            raise UNSIGNED
        return await self._kept(alibaba_1688_push.read_push(message), PlainTextResponse(access.acknowledgement))

    async def health(self, request: Request) -> Response:
        """Answer: the gateway is alive."""
        del request
        return PlainTextResponse("ok")

    async def ready(self, request: Request) -> Response:
        """Say whether messages can be kept."""
        del request
        try:
            async with asyncio.timeout(KEEP_SECONDS):
                await self._inbox.prove()
        except (sqlite3.Error, TimeoutError):
            return PlainTextResponse("not ready", 503)
        return PlainTextResponse("ready")

    async def status(self, request: Request) -> Response:
        """Show the counts of the inbox to whoever has the token."""
        given = request.headers.get("authorization", "").encode("utf-8", "surrogatepass")
        token = self._status_token.get_secret_value() if self._status_token else ""
        if not token or not hmac.compare_digest(given, f"Bearer {token}".encode()):
            raise UNSIGNED
        return JSONResponse({**await self._inbox.counts(), "refused_since_start": self._refused})

    async def refuse(self, request: Request, refused: Exception) -> Response:
        """Answer what is not taken, and count it."""
        del request
        assert isinstance(refused, RequestRefused)  # noqa: S101 - the only type this is registered for
        self._refused += 1
        return PlainTextResponse(refused.text, refused.status)

    async def _kept(self, messages: Sequence[InboundMessage], success: Response) -> Response:
        """Answer success once the messages lie on disk; where they cannot, the platform has to send them again."""
        if not messages:
            return success
        try:
            async with asyncio.timeout(KEEP_SECONDS):
                new = await self._inbox.keep(messages)
        except (sqlite3.Error, TimeoutError) as refused:
            if not self._disk_refuses:
                self._log.error("messages cannot be kept", why=f"{type(refused).__name__}: {refused}")
            self._disk_refuses = True
            return PlainTextResponse("try again", 503)
        if self._disk_refuses:
            self._log.info("messages are kept again")
        self._disk_refuses = False
        if new:
            self._hand_over.wake()
        return success


def make_gateway(
    secrets: Secrets,
    inbox: Inbox,
    feed: Feed,
    *,
    body_limit: int = BODY_LIMIT,
    status_token: SecretStr | None = None,
    hand_over: Dispatcher | None = None,
    routes: Sequence[Route] = (),
) -> Starlette:
    """Make the application; while it runs, messages are handed over through ``feed``.

    The inbox stays the caller's to close.  ``hand_over`` replaces the usual pauses; ``routes`` is what else is served.
    """
    handing = hand_over or Dispatcher(inbox, feed)
    gateway = Gateway(secrets, inbox, handing, body_limit, status_token)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(handing.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    app = Starlette(
        routes=[
            Route("/douyin", gateway.douyin, methods=["POST"]),
            Route("/1688", gateway.alibaba_1688, methods=["POST"]),
            *(Route(f"/{each.__name__}", each) for each in (gateway.health, gateway.ready, gateway.status)),
            *routes,
        ],
        exception_handlers={RequestRefused: gateway.refuse},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app
