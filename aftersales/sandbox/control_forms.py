"""What the control interface takes."""

from typing import Annotated

from pydantic import Field

from aftersales.sandbox.records import Digits
from cases.models import Duration, Id, Instant, Money, Strict, Text


class Application(Strict):
    """A buyer's application; ``amount`` in CNY, ids are chosen where none are given; ``applied_at``: now, or before."""

    shop_id: Id
    reason: Text
    amount: Money
    remark: str = ""
    after_sale_id: Digits | None = None
    order_id: Digits | None = None
    applied_at: Instant | None = None


class Advance(Strict):
    """How far the clock is moved."""

    advance: Duration


class Expiry(Strict):
    """Whose tokens are over: one shop's or all; refresh tokens too where asked."""

    shop_id: Id | None = None
    refresh: bool = False


class Patience(Strict):
    """How many seconds to wait."""

    timeout: Annotated[float, Field(ge=0, le=600)] = 10.0


class Seen(Strict):
    """Where a parcel was seen."""

    at: Instant
    state: Text
    content: Text
    site: str = ""


class Seeing(Strict):
    """A parcel's whole route."""

    tracking_no: Text
    scans: tuple[Seen, ...]
