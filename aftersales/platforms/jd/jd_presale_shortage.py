"""The presale shortage on JD: shipping an order has a public interface, ending and deleting one do not."""

from typing import ClassVar

from aftersales.platforms.jd.shipping import ShippingAdapter


class JdPresaleShortageAdapter(ShippingAdapter):
    """The interface of the process ``jd_presale_shortage``; whose doing a cancellation was, an order does not say."""

    cancelled: ClassVar[str | None] = None
