"""The control interface, to play buyer, platform and clock, and to make calls and messages fail."""

import secrets
from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from aftersales.sandbox.douyin.actions import ACTIONS, reason_text
from aftersales.sandbox.douyin.backend import RecordUnknown, Sandbox
from aftersales.sandbox.douyin.faults import Fault
from aftersales.sandbox.douyin.model import AfterSaleRecord, Digits, Scan
from aftersales.sandbox.douyin.pushing import Behaviour, SandboxMessage
from aftersales.sandbox.order_control import OrderControl, body_of
from cases.errors import BadForm
from cases.models import Duration, Id, Instant, Money, Strict, Text, read


class Application(Strict):
    """A buyer's application; ``amount`` in CNY, ids default to new ones, ``applied_at`` to now."""

    shop_id: Id
    reason: Text
    amount: Money
    remark: str = ""
    after_sale_id: Digits | None = None
    order_id: Digits | None = None
    applied_at: Instant | None = None


class Advance(Strict):
    """How far to move the clock."""

    advance: Duration


class Expiry(Strict):
    """Tokens to expire: of one shop or of all, with or without the refresh tokens."""

    shop_id: Id | None = None
    refresh: bool = False


class IdleTimeout(Strict):
    """How many seconds to wait."""

    timeout: Annotated[float, Field(ge=0, le=600)] = 10.0


class ScanForm(Strict):
    """One scan of a parcel."""

    at: Instant
    state: Text
    content: Text
    description: str = ""
    site: str = ""


class RouteForm(Strict):
    """All scans of a parcel so far."""

    tracking_no: Text
    scans: tuple[ScanForm, ...]


class Bearer:
    """Middleware that requires the token in ``Authorization: Bearer`` and answers 401 otherwise."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        shown = dict(scope["headers"]).get(b"authorization", b"")
        if secrets.compare_digest(shown, self._expected):
            await self._app(scope, receive, send)
            return
        refused = JSONResponse({"error": "须带控制令牌 / the control token is missing or wrong"}, 401)
        await refused(scope, receive, send)


class Control:
    """The endpoints below ``/control``. They raise BadForm (400), RecordUnknown (404), PlatformRefused (409)."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/clock", self.clock, methods=["GET"]),
            Route("/clock", self.advance, methods=["POST"]),
            Route("/after-sales", self.list_, methods=["GET"]),
            Route("/after-sales", self.apply, methods=["POST"]),
            Route("/after-sales/{own_id}", self.get, methods=["GET"]),
            Route("/after-sales/{own_id}/{act}", self.act, methods=["POST"]),
            Route("/faults", self.faults, methods=["GET"]),
            Route("/faults", self.fail, methods=["POST"]),
            Route("/faults", self.mend, methods=["DELETE"]),
            Route("/pushing", self.pushing, methods=["GET"]),
            Route("/pushing", self.behave, methods=["POST"]),
            Route("/pushing/pause", self.pause, methods=["POST"]),
            Route("/pushing/resume", self.resume, methods=["POST"]),
            Route("/messages", self.messages, methods=["GET"]),
            Route("/idle", self.idle, methods=["POST"]),
            Route("/tokens/expire", self.expire, methods=["POST"]),
            Route("/routes", self.route, methods=["POST"]),
            *OrderControl(self._sandbox).routes(),
        ]

    async def clock(self, _: Request) -> JSONResponse:
        """Return the sandbox's time."""
        return JSONResponse({"now": self._sandbox.now(), "offset": self._sandbox.clock.offset})

    async def advance(self, request: Request) -> JSONResponse:
        """Move the clock forward, and let everything that is due by then happen."""
        by = int(read(Advance, await body_of(request), "clock").advance.total_seconds())
        if by < 0:
            raise BadForm("时钟只能向前 / the clock moves forward only", ("advance",))
        self._sandbox.advance(by)
        return await self.clock(request)

    async def apply(self, request: Request) -> JSONResponse:
        """Let a buyer apply."""
        form = read(Application, await body_of(request), "after-sale")
        record = self._sandbox.apply(
            form.shop_id,
            reason_text(form.reason),
            int(form.amount * 100),
            remark=form.remark,
            after_sale_id=form.after_sale_id,
            order_id=form.order_id,
            applied_at=int(form.applied_at.timestamp()) if form.applied_at else None,
        )
        return JSONResponse(_shown(record), 201)

    async def list_(self, request: Request) -> JSONResponse:
        """List the records, of one shop (``shop_id``) or of all."""
        shop = request.query_params.get("shop_id")
        records = [_shown(record) for record in self._sandbox.records() if shop in (None, record.shop_id)]
        return JSONResponse({"after_sales": records})

    async def get(self, request: Request) -> JSONResponse:
        """Return one record."""
        own_id = request.path_params["own_id"]
        record = self._sandbox.record(own_id)
        if record is None:
            raise RecordUnknown(f"没有该售后单 / no such after-sale: {own_id}")
        return JSONResponse(_shown(record))

    async def act(self, request: Request) -> JSONResponse:
        """Perform an action on a record."""
        own_id, name = request.path_params["own_id"], request.path_params["act"]
        if name not in ACTIONS:
            raise BadForm(f"没有该动作 / no such action: {name}; {', '.join(ACTIONS)}")
        step = ACTIONS[name].read(await body_of(request), name)
        return JSONResponse(_shown(self._sandbox.change(own_id, step)))

    async def faults(self, _: Request) -> JSONResponse:
        """List the faults that are still active."""
        return JSONResponse({"faults": [fault.model_dump(mode="json") for fault in self._sandbox.faults.open()]})

    async def fail(self, request: Request) -> JSONResponse:
        """Add a fault."""
        self._sandbox.faults.add(read(Fault, await body_of(request), "fault"))
        return await self.faults(request)

    async def mend(self, request: Request) -> JSONResponse:
        """Remove all faults."""
        self._sandbox.faults.clear()
        return await self.faults(request)

    async def pushing(self, _: Request) -> JSONResponse:
        """Return the state of message delivery."""
        pusher = self._sandbox.pusher
        return JSONResponse(
            {
                "gateway": pusher.gateway,
                "paused": pusher.paused,
                "behaviour": pusher.behaviour.model_dump(mode="json"),
                "pending": len(pusher.pending),
                "delivered": len(pusher.delivered),
                "lost": len(pusher.lost),
                "failures": pusher.failures,
            }
        )

    async def behave(self, request: Request) -> JSONResponse:
        """Set how messages are lost, delayed or duplicated from now on."""
        self._sandbox.pusher.behave(read(Behaviour, await body_of(request), "pushing"))
        return await self.pushing(request)

    async def pause(self, request: Request) -> JSONResponse:
        """Pause pushing."""
        self._sandbox.pusher.pause()
        return await self.pushing(request)

    async def resume(self, request: Request) -> JSONResponse:
        """Resume pushing."""
        self._sandbox.pusher.resume()
        return await self.pushing(request)

    async def messages(self, _: Request) -> JSONResponse:
        """List the messages, by pending, delivered and lost."""
        pusher = self._sandbox.pusher
        kinds = {"pending": pusher.pending, "delivered": pusher.delivered, "lost": pusher.lost}
        return JSONResponse(
            {kind: [_message(message) for message in list(messages)] for kind, messages in kinds.items()}
        )

    async def idle(self, request: Request) -> JSONResponse:
        """Wait until every message is delivered."""
        limit = read(IdleTimeout, await body_of(request), "idle")
        idle = await self._sandbox.pusher.idle(limit.timeout)
        return JSONResponse({"idle": idle, "pending": len(self._sandbox.pusher.pending)})

    async def expire(self, request: Request) -> JSONResponse:
        """Expire access tokens."""
        form = read(Expiry, await body_of(request), "tokens")
        return JSONResponse({"expired": self._sandbox.expire_tokens(form.shop_id, refresh=form.refresh)})

    async def route(self, request: Request) -> JSONResponse:
        """Set the scans of a parcel."""
        form = read(RouteForm, await body_of(request), "route")
        self._sandbox.routes[form.tracking_no] = tuple(
            Scan(time=int(scan.at.timestamp()), **scan.model_dump(exclude={"at"})) for scan in form.scans
        )
        return JSONResponse({"tracking_no": form.tracking_no, "scans": len(form.scans)})


def _shown(record: AfterSaleRecord) -> dict[str, Any]:
    return record.model_dump(mode="json")


def _message(message: SandboxMessage) -> dict[str, Any]:
    return message.model_dump(mode="json", include={"msg_id", "tag", "record", "data"})
