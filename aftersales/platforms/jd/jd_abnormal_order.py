"""The abnormal order on JD: shipping and cancelling have a public interface, reports do not."""

from aftersales.platforms.jd.shipping import ShippingAdapter


class JdAbnormalOrderAdapter(ShippingAdapter):
    """The interface of the process ``jd_abnormal_order``."""
