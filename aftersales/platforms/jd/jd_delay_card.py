"""The delay card on JD: shipping and cancelling have a public interface, cards and reports do not."""

from aftersales.platforms.jd.shipping import ShippingAdapter


class JdDelayCardAdapter(ShippingAdapter):
    """The interface of the process ``jd_delay_card``."""
