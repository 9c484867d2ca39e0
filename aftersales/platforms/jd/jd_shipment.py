"""The shipment watch on JD: uploads and cancellations have a public interface, pickups and reports do not."""

from typing import ClassVar

from aftersales.platforms.jd.shipping import ShippingAdapter


class JdShipmentAdapter(ShippingAdapter):
    """The interface of the process ``jd_shipment``."""

    shipped: ClassVar[str | None] = "upload_tracking"
