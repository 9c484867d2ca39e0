"""The shipment watch on JD: uploading the number has a public interface, tracks and reports do not."""

from aftersales.platforms.jd.shipping import ShippingAdapter


class JdShipmentAdapter(ShippingAdapter):
    """The interface of the process ``jd_shipment``."""
