"""Reading a push of 1688: signed by one of our applications, and kept whatever it says."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from aftersales.platforms.alibaba_1688.client import Alibaba1688Access
from aftersales.platforms.alibaba_1688.marketplace import Alibaba1688Push, read_push
from aftersales.platforms.alibaba_1688.order_messages import PARCEL_MOVED, order_id
from aftersales.platforms.inbound import InboundMessage, MessageState
from aftersales.platforms.push import MOST_MESSAGES, NotSigned, PushedMessage
from aftersales.sandbox.alibaba_1688 import pushed
from cases.models import read

PAYLOAD = {
    "msgId": 153008394,
    "gmtBorn": 1767585600000,
    "data": {"orderId": 123, "备注": "买家投诉"},
    "userInfo": "b2b-1",
    "type": "ORDER_SELLER_VIEW",
}


@pytest.fixture
def push() -> Alibaba1688Push:
    apps = [{"app_key": "K1", "app_secret": "s3cret"}, {"app_key": "K2", "app_secret": "other"}]
    return Alibaba1688Push(read(Alibaba1688Access, {"apps": apps}, "alibaba_1688"))


async def unpacked(push: Alibaba1688Push, form: dict[str, str]) -> Any:
    async def body() -> bytes:
        return urlencode(form).encode()

    (message,) = (await push.unpack({}, body)).messages
    return message


@pytest.mark.parametrize(("secret", "app_key"), [("s3cret", "K1"), ("other", "K2")])
async def test_a_push_is_read_whichever_of_our_applications_signed_it(
    push: Alibaba1688Push, secret: str, app_key: str
) -> None:
    form = pushed(secret, PAYLOAD)

    async def body() -> bytes:
        return urlencode(form).encode()

    assert (await push.unpack({}, body)).app_key == app_key
    data = {"orderId": 123, "备注": "买家投诉", "userInfo": "b2b-1", "gmtBorn": 1767585600000}
    assert await unpacked(push, form) == PushedMessage("153008394", "ORDER_SELLER_VIEW", data, form["message"].encode())


async def test_a_push_may_carry_its_data_as_text_and_lack_what_we_do_not_need(push: Alibaba1688Push) -> None:
    message = await unpacked(push, pushed("s3cret", {"msgId": "m1", "type": "X", "data": '{"orderId": 1}', "new": 1}))
    assert (message.message_id, message.tag, message.data) == ("m1", "X", {"orderId": 1})


async def test_a_message_about_a_parcel_with_several_orders_is_one_for_each_of_them(push: Alibaba1688Push) -> None:
    async def read(*orders: Any) -> list[Any]:
        parcel = {"mailNo": "YT1", "orderLogsItems": [{"orderId": order, "orderEntryId": 1} for order in orders]}
        form = pushed("s3cret", {"msgId": "m1", "type": PARCEL_MOVED, "data": {"OrderLogisticsTracingModel": parcel}})

        async def body() -> bytes:
            return urlencode(form).encode()

        messages = (await push.unpack({}, body)).messages
        return [(message.message_id, order_id(PARCEL_MOVED, message.data)) for message in messages]  # type: ignore[union-attr]

    assert await read(1, 1) == [("m1", "1")]
    assert await read(1, 2, 1) == [("m1/1", "1"), ("m1/2", "2")]


def parcel_of(orders: int) -> dict[str, Any]:
    parcel = {"mailNo": "YT1", "orderLogsItems": [{"orderId": order} for order in range(1, orders + 1)]}
    return {"msgId": "m1", "type": PARCEL_MOVED, "data": {"OrderLogisticsTracingModel": parcel, "remark": "词" * 2000}}


async def unpacked_all(push: Alibaba1688Push, payload: dict[str, Any]) -> list[PushedMessage | InboundMessage]:
    async def body() -> bytes:
        return urlencode(pushed("s3cret", payload)).encode()

    return list((await push.unpack({}, body)).messages)


async def test_what_came_is_kept_once_however_many_orders_the_parcel_has(push: Alibaba1688Push) -> None:
    first, *others = await unpacked_all(push, parcel_of(MOST_MESSAGES))
    assert (len(others), "词" in json.loads(first.body)["data"]["remark"]) == (MOST_MESSAGES - 1, True)
    assert {len(other.body) < 100 for other in others} == {True}
    assert json.loads(others[0].body) == {"msgId": "m1", "orderId": 2}


async def test_a_parcel_of_more_orders_than_any_has_is_kept_whole_and_unreadable(push: Alibaba1688Push) -> None:
    (kept,) = await unpacked_all(push, parcel_of(MOST_MESSAGES + 1))
    assert isinstance(kept, InboundMessage)
    assert (kept.state, kept.message_id, kept.tag) == (MessageState.UNREADABLE, "m1", PARCEL_MOVED)
    assert "1001" in (kept.reason or "")


@pytest.mark.parametrize("spoilt", [{}, {"message": "{}"}, {"_aop_signature": ""}, {"_aop_signature": "签"}])
async def test_a_push_that_none_of_ours_signed_is_refused(push: Alibaba1688Push, spoilt: dict[str, str]) -> None:
    form = pushed("s3cret", PAYLOAD) | spoilt if spoilt else pushed("stranger", PAYLOAD)
    for sent in (form, {}):
        with pytest.raises(NotSigned):
            await unpacked(push, sent)


@pytest.mark.parametrize("message", ["", "?", "[]", "1", "null", "{}", '{"msgId":1}', "[" * 5000])
def test_a_push_that_says_nothing_is_unreadable(message: str) -> None:
    read_message = read_push(message)
    assert not isinstance(read_message, PushedMessage)
    assert (read_message.state, read_message.body) == (MessageState.UNREADABLE, message.encode())


def test_data_that_is_not_json_is_left_as_text() -> None:
    message = read_push(json.dumps({"msgId": 1, "type": "X", "data": "?"}))
    assert isinstance(message, PushedMessage)
    assert message.data == "?"
