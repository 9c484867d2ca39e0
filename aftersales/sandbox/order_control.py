"""The control interface of orders: to place them, to play their merchant, buyer and platform."""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from aftersales.sandbox.douyin import shop_orders
from aftersales.sandbox.douyin.backend import Sandbox
from aftersales.sandbox.douyin.model import Digits
from aftersales.sandbox.douyin.shop_orders import OrderChange, Refund, SandboxOrder
from cases.errors import BadForm
from cases.models import Id, Instant, Money, Strict, Text, read

Step = Callable[[SandboxOrder, int], OrderChange]


class Placing(Strict):
    """A paid order; ``amount`` in CNY, ``placed_at`` defaults to now."""

    shop_id: Id
    order_id: Digits
    amount: Money
    placed_at: Instant | None = None
    ship_by: Instant | None = None


class ParcelForm(Strict):
    """The parcel in which an order is sent."""

    company_code: Text
    tracking_no: Text


class ShipByForm(Strict):
    """Until when the order is to be shipped."""

    ship_by: Instant


class RefundForm(Strict):
    """An application for money back; ``kind`` as the platform codes it: 0, 1 or 2."""

    after_sale_id: Digits
    amount: Money
    kind: Annotated[int, Field(ge=0, le=2)] = 1


class RefundNamed(Strict):
    """An after-sale of the order."""

    after_sale_id: Digits


def _ship(raw: Any) -> Step:
    form = read(ParcelForm, raw, "ship")
    return lambda order, now: shop_orders.ship(order, now, form.company_code, form.tracking_no)


def _correct(raw: Any) -> Step:
    form = read(ParcelForm, raw, "correct")
    return lambda order, now: shop_orders.correct(order, now, form.company_code, form.tracking_no)


def _put_off(raw: Any) -> Step:
    form = read(ShipByForm, raw, "put-off")
    return lambda order, now: shop_orders.put_off(order, now, int(form.ship_by.timestamp()))


def _apply(raw: Any) -> Step:
    form = read(RefundForm, raw, "apply")

    def step(order: SandboxOrder, now: int) -> OrderChange:
        asked = Refund(
            after_sale_id=form.after_sale_id,
            kind=form.kind,
            amount=int(form.amount * 100),
            applied_at=now,
            updated_at=now,
        )
        return shop_orders.apply_for_refund(order, now, asked)

    return step


def _refund(raw: Any) -> Step:
    form = read(RefundNamed, raw, "refund")
    return lambda order, now: shop_orders.refund(order, now, form.after_sale_id)


def _close_refund(raw: Any) -> Step:
    form = read(RefundNamed, raw, "close-refund")
    return lambda order, now: shop_orders.close_refund(order, now, form.after_sale_id)


ORDER_ACTIONS: Final[Mapping[str, Callable[[Any], Step]]] = {
    "ship": _ship,
    "correct": _correct,
    "put-off": _put_off,
    "complete": lambda _: shop_orders.complete,
    "cancel": lambda _: shop_orders.cancel,
    "apply": _apply,
    "refund": _refund,
    "close-refund": _close_refund,
}


class OrderControl:
    """The endpoints below ``/control/orders``; they raise what those of after-sales raise."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/orders", self.place, methods=["POST"]),
            Route("/orders/{shop_id}/{order_id}/{act}", self.act, methods=["POST"]),
        ]

    async def place(self, request: Request) -> JSONResponse:
        """Place an order that is paid at once."""
        form = read(Placing, await body_of(request), "order")
        at = int(form.placed_at.timestamp()) if form.placed_at else self._sandbox.now()
        order = SandboxOrder(
            shop_id=form.shop_id,
            order_id=form.order_id,
            amount=int(form.amount * 100),
            placed_at=at,
            paid_at=at,
            updated_at=at,
            ship_by=int(form.ship_by.timestamp()) if form.ship_by else 0,
        )
        return JSONResponse(self._sandbox.place(order).model_dump(mode="json"), 201)

    async def act(self, request: Request) -> JSONResponse:
        """Perform an action on an order."""
        named = request.path_params
        if named["act"] not in ORDER_ACTIONS:
            raise BadForm(f"没有该动作 / no such action: {named['act']}; {', '.join(ORDER_ACTIONS)}")
        step = ORDER_ACTIONS[named["act"]](await body_of(request))
        order = self._sandbox.change_order(named["shop_id"], named["order_id"], step)
        return JSONResponse(order.model_dump(mode="json"))


async def body_of(request: Request) -> Any:
    """Return a request's body, empty without one; raises BadForm."""
    raw = await request.body()
    try:
        return json.loads(raw) if raw else {}
    except (ValueError, RecursionError):
        raise BadForm("请求体不是 JSON / the body is not valid JSON") from None
