"""The list of a shop's orders that changed, read once for all processes that ask about one span."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from aftersales.platforms.jd.answers import part_of, unclear
from aftersales.platforms.jd.orders import FIELDS, TELLING_STATES, TIME, JdOrder, read_order
from cases.shanghai import SHANGHAI

_SEARCH = "jingdong.pop.order.search"
_BY_CHANGE = 0
ORDERS_AT_ONCE: Final = 100
"""The most orders in a page."""
MOST_PAGES: Final = 10
"""With more pages a span is halved: JD asks for short spans of few pages."""
LONGEST_SPAN: Final = timedelta(days=28)
"""JD takes a month."""
_SECOND = timedelta(seconds=1)
LOOKS_KEPT: Final = 2
"""The looks kept of a shop: the one by schedule, and one that somebody asked for beside it."""

Call = Callable[[str, str, Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""``JdClient.call``."""


class _Look(NamedTuple):
    since: datetime
    until: datetime
    orders: Mapping[str, JdOrder]


class _Page(NamedTuple):
    total: int
    orders: list[JdOrder]


class OrderList:
    """The orders that changed, shop by shop.

    Several processes are about one order and reconcile the same span one after the other; the list is read for the
    first of them, with all that it says of an order, so that no order has to be read by itself.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._looks: dict[str, deque[_Look]] = {}

    async def changed(self, shop_id: str, since: datetime, until: datetime) -> Mapping[str, JdOrder]:
        """Return by id the orders that changed between two instants, both included, and say that something happened."""
        looks = self._looks.setdefault(shop_id, deque(maxlen=LOOKS_KEPT))
        for look in looks:
            if (look.since, look.until) == (since, until):
                return look.orders
        orders = {order.order_id: order async for order in self._listed(shop_id, since, until)}
        looks.append(_Look(since, until, orders))
        return orders

    def known(self, shop_id: str, order_id: str) -> JdOrder | None:
        """Return an order as the last look at its shop showed it, None if it was not listed."""
        for look in reversed(self._looks.get(shop_id, ())):
            if order := look.orders.get(order_id):
                return order
        return None

    async def _listed(self, shop_id: str, since: datetime, until: datetime) -> AsyncIterator[JdOrder]:
        """Yield the orders of a span; one may come twice.

        Pages are read from the last to the first: an order that changes meanwhile leaves the span, and those after it
        move towards the first page, where they are read once more instead of not at all.
        """
        whole = await self._page(shop_id, since, until, 1) if until - since <= LONGEST_SPAN else None
        if whole is None or (whole.total > ORDERS_AT_ONCE * MOST_PAGES and until - since > _SECOND):
            middle = since + (until - since) // 2
            middle -= timedelta(microseconds=middle.microsecond)
            for begin, end in ((since, middle), (middle + _SECOND, until)):
                async for order in self._listed(shop_id, begin, end):
                    yield order
            return
        for number in range(-(-whole.total // ORDERS_AT_ONCE), 1, -1):
            for order in (await self._page(shop_id, since, until, number)).orders:
                yield order
        if whole.total > ORDERS_AT_ONCE:
            whole = await self._page(shop_id, since, until, 1)
        for order in whole.orders:
            yield order

    async def _page(self, shop_id: str, since: datetime, until: datetime, number: int) -> _Page:
        params = {
            "start_date": since.astimezone(SHANGHAI).strftime(TIME),
            "end_date": until.astimezone(SHANGHAI).strftime(TIME),
            "order_state": ",".join(TELLING_STATES),
            "optional_fields": FIELDS,
            "page": str(number),
            "page_size": str(ORDERS_AT_ONCE),
            "dateType": _BY_CHANGE,
        }
        found = part_of(_SEARCH, await self._call(shop_id, _SEARCH, params), "searchorderinfo_result")
        total, rows = found.get("orderTotal"), found.get("orderInfoList") or []
        orders = [read_order(row) for row in rows] if isinstance(rows, list) else [None]
        read = [order for order in orders if order is not None]
        if not str(total).isdecimal() or len(read) < len(orders):
            raise unclear(_SEARCH)
        return _Page(int(str(total)), read)
