"""Taobao's queue: which of its messages can be read, and of whose shop they are."""

import json
from typing import Any

import pytest

from aftersales.platforms.credentials import Secrets
from aftersales.platforms.inbound import InboundMessage, MessageState
from aftersales.platforms.message_queue import QueuedMessage
from aftersales.platforms.push import PushedMessage
from aftersales.platforms.taobao.client import TaobaoClient
from aftersales.platforms.taobao.tmc import TmcQueue
from cases.errors import BadForm
from cases.models import read

TOPIC = "taobao_trade_TradeSuccess"
ROW = {"id": 7, "topic": TOPIC, "content": '{"tid": 1}', "pub_time": "2026-01-05 12:00:00", "user_nick": "卖家一"}
BLOCK = {
    "apps": [{"app_key": "K1", "app_secret": "s"}, {"app_key": "K2", "app_secret": "s"}],
    "shops": [
        {"shop_id": "M1", "user": "卖家一", "app_key": "K1", "access_token": "T"},
        {"shop_id": "M2", "app_key": "K1", "access_token": "T"},
        {"shop_id": "M3", "user": "卖家三", "app_key": "K2", "access_token": "T"},
    ],
}


class Rows(TaobaoClient):
    """A client whose queue has these rows."""

    def __init__(self, *rows: Any) -> None:
        self.access = read(Secrets, {"taobao": BLOCK}, "secrets").taobao
        self.rows = list(rows)

    async def consume(self, app_key: str) -> list[Any]:
        assert app_key == "K1"
        return self.rows


async def consumed(row: Any) -> QueuedMessage:
    (message,) = await TmcQueue(Rows(row), "K1").consume()
    return message


async def test_a_message_is_read_with_the_shop_of_its_user_and_when_it_was_published() -> None:
    data = {"tid": 1, "shop_id": "M1", "pub_time": "2026-01-05 12:00:00"}
    body = json.dumps(ROW, separators=(",", ":")).encode()
    assert await consumed(ROW) == QueuedMessage("7", PushedMessage("K1:7", TOPIC, data, body))


async def test_without_a_name_of_its_own_a_shop_is_called_by_its_id() -> None:
    message = (await consumed({**ROW, "user_nick": "M2"})).message
    assert isinstance(message, PushedMessage)
    assert message.data["shop_id"] == "M2"


async def test_content_cannot_say_of_which_shop_it_is() -> None:
    message = (await consumed({**ROW, "content": '{"tid": 1, "shop_id": "M3"}'})).message
    assert isinstance(message, PushedMessage)
    assert message.data["shop_id"] == "M1"


@pytest.mark.parametrize("user", ["卖家三", "M1", "nobody", None, 7])
async def test_a_shop_that_the_application_does_not_serve_is_none_of_ours(user: Any) -> None:
    queued = await consumed({**ROW, "user_nick": user})
    assert isinstance(queued.message, InboundMessage)
    assert (queued.receipt, queued.message.state, queued.message.message_id) == ("7", MessageState.UNKNOWN, "K1:7")


@pytest.mark.parametrize("content", [None, "", "?", "[]", "1", 7, "[" * 100_000])
async def test_content_that_cannot_be_read_is_kept_and_confirmed_all_the_same(content: Any) -> None:
    queued = await consumed({**ROW, "content": content})
    assert isinstance(queued.message, InboundMessage)
    assert (queued.receipt, queued.message.state, queued.message.tag) == ("7", MessageState.UNREADABLE, TOPIC)


@pytest.mark.parametrize(("row", "receipt"), [({**ROW, "topic": None}, "7"), ({**ROW, "id": None}, None), ("?", None)])
async def test_a_row_that_is_no_message_is_kept(row: Any, receipt: str | None) -> None:
    queued = await consumed(row)
    assert isinstance(queued.message, InboundMessage)
    assert (queued.receipt, queued.message.state) == (receipt, MessageState.UNREADABLE)


def test_two_shops_cannot_be_called_the_same() -> None:
    twin = {"shop_id": "M4", "user": "M2", "app_key": "K1", "access_token": "T"}
    with pytest.raises(BadForm, match="duplicate: M2"):
        read(Secrets, {"taobao": {**BLOCK, "shops": [*BLOCK["shops"], twin]}}, "secrets")
