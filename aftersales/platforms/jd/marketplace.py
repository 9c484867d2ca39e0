"""JD as a marketplace: its client; it pushes nothing."""

from aftersales.platforms.jd.client import JdAccess, JdClient
from aftersales.platforms.jd.shipping import COMPANIES
from aftersales.platforms.marketplace import Marketplace
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.http.http_client import Transport


def _client(access: JdAccess, transport: Transport, _: TokenStore) -> JdClient:
    return JdClient(access, transport)


MARKETPLACE = Marketplace(
    label="京东",
    access=JdAccess,
    client=_client,
    carriers=tuple(COMPANIES),
    consoles={"商家后台": "https://shop.jd.com/"},
)
