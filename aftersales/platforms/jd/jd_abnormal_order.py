"""The abnormal order on JD: shipping it has a public interface, reports do not."""

from aftersales.platforms.jd.jd_delay_card import JdDelayCardAdapter


class JdAbnormalOrderAdapter(JdDelayCardAdapter):
    """The interface of the process ``jd_abnormal_order``: an order is shipped as one with a delay card."""
