"""The presale shortage on JD: shipping an order has a public interface, ending and deleting one do not."""

from aftersales.platforms.jd.jd_delay_card import JdDelayCardAdapter


class JdPresaleShortageAdapter(JdDelayCardAdapter):
    """The interface of the process ``jd_presale_shortage``: an order is shipped as from a delay card."""
