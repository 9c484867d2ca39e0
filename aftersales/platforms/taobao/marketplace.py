"""Taobao as a marketplace: its client; messages are not pushed but wait in a queue for each application."""

from aftersales.platforms.marketplace import Marketplace
from aftersales.platforms.taobao.client import TaobaoAccess, TaobaoClient
from aftersales.platforms.taobao.tmc import TmcQueue
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.http.http_client import Transport


def _client(access: TaobaoAccess, transport: Transport, _: TokenStore) -> TaobaoClient:
    return TaobaoClient(access, transport)


def _queues(access: TaobaoAccess, client: TaobaoClient) -> list[TmcQueue]:
    return [TmcQueue(client, app.app_key) for app in access.apps]


MARKETPLACE = Marketplace(label="淘宝", access=TaobaoAccess, client=_client, queues=_queues)
