"""Taobao as a marketplace: its client; messages are not pushed but consumed."""

from aftersales.platforms.marketplace import Marketplace
from aftersales.platforms.taobao.client import TaobaoAccess, TaobaoClient
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.http_client import Transport


def _client(access: TaobaoAccess, transport: Transport, _: TokenStore) -> TaobaoClient:
    return TaobaoClient(access, transport)


MARKETPLACE = Marketplace(label="淘宝", access=TaobaoAccess, client=_client)
