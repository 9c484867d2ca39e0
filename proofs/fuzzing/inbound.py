"""Marketplaces' messages, from the body of a push or the row of a queue to the inbox and the case."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlencode

from hypothesis import strategies as st

from aftersales.gateway.inbox import Inbox
from aftersales.platforms.alibaba_1688.signing import event_sign as sign_1688
from aftersales.platforms.credentials import Secrets
from aftersales.platforms.inbound import InboundMessage
from aftersales.platforms.marketplaces import Marketplaces
from aftersales.platforms.message_queue import QueueEndpoint
from aftersales.platforms.push import PushEndpoint
from aftersales.platforms.taobao.client import TaobaoClient
from aftersales.platforms.taobao.tmc import TmcQueue
from aftersales.platforms.tokens import TokenStore
from cases.errors import CaseError
from cases.models import read
from proofs.fuzzing.spoiling import ODD_TEXTS, as_json, deep, garbled, json_bytes, spoilt
from proofs.fuzzing.target import BadOutcome, FuzzTarget, folder
from tests.support.platforms.pushing import SECRET_1688, content, endpoints, pushed, signed
from tests.support.rules.telling import OPENED, OPENINGS, opened
from workflows.engine.case_workflow import take_message

ORDER = {"order_id": "6920001", "p_id": 6920001, "shop_id": 4463798, "order_status": 3, "update_time": 1767585600}
PUSHED: list[Any] = [
    [pushed("227", "m1", content())],
    [pushed("206", "m2", content(2, aftersale_status=7, deadline=1767585600)), pushed("102", "m3", ORDER)],
    [pushed(tag, f"m{tag}", {**content(), **ORDER}) for tag in ("105", "106", "108", "217", "228", "233", "236")],
    [{"tag": "0", "msg_id": "0", "data": "2026"}],
]
PARCEL = {
    "OrderLogisticsTracingModel": {
        "mailNo": "YT1",
        "orderLogsItems": [{"orderId": 1, "orderEntryId": 1}, {"orderId": 2}],
        "statusChanged": "SIGN",
        "changeTime": "2026-01-05 12:00:00",
    }
}
PUSHED_1688: list[Any] = [
    {"msgId": 1, "gmtBorn": 1767585600000, "data": data, "userInfo": "b2b-1", "type": tag}
    for tag, data in (
        ("ORDER_SELLER_VIEW", {"orderId": 123, "currentStatus": "waitsellersend"}),
        ("ORDER_ORDER_REFUND_AFTER_SALES", {"orderId": 123, "refundId": "TQ1", "operation": "BUYER_APPLY"}),
        ("LOGISTICS_BUYER_VIEW_TRACE", PARCEL),
    )
]
TOPICS = ("taobao_trade_TradeSuccess", "taobao_trade_TradeClose", "taobao_refund_RefundSuccess")
ROWS = [
    {"id": 7, "topic": topic, "content": json.dumps(data), "pub_time": "2026-01-05 12:00:00", "user_nick": "卖家一"}
    for topic, data in (
        *((topic, {"tid": 1, "status": "TRADE_CLOSED", "modified": "2026-01-05 12:00:00"}) for topic in TOPICS),
        ("taobao_logistics_LogsticDetailTrace", {"tid": 1, "action": "GOT", "time": "2026-01-05 12:00:00"}),
    )
]
SHOPS = {
    "apps": [{"app_key": "K1", "app_secret": "s"}],
    "shops": [{"shop_id": "M1", "user": "卖家一", "app_key": "K1", "access_token": "T"}],
}


class DrawnQueue(TaobaoClient):
    """A client whose queue has the rows that were drawn."""

    def __init__(self) -> None:
        """Begin with an empty queue."""
        self.access = read(Secrets, {"taobao": SHOPS}, "secrets").taobao
        self.rows: list[Any] = []

    async def consume(self, app_key: str) -> list[Any]:
        """Return the rows."""
        del app_key
        return self.rows


@cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


@cache
def _inbox() -> Inbox:
    inbox = Inbox(folder() / "inbox.db")

    async def enter() -> Inbox:
        return await inbox.__aenter__()

    return _runner().run(enter())


def _endpoint(platform: str) -> PushEndpoint:
    (found,) = [endpoint for endpoint in endpoints() if endpoint.platform == platform]
    return found


@cache
def _queue() -> tuple[DrawnQueue, QueueEndpoint]:
    queued = DrawnQueue()
    secrets = read(Secrets, {"taobao": SHOPS}, "secrets")
    (endpoint,) = [one for one in Marketplaces(secrets, TokenStore()).queues if one.platform == "taobao"]
    return queued, QueueEndpoint("taobao", TmcQueue(queued, "K1"), endpoint.adapters)


def _take(receive: Callable[[], Awaitable[Sequence[InboundMessage]]]) -> None:
    """Receive messages, store them, and let a case of each have what is reported to it."""
    inbox = _inbox()

    async def received() -> Sequence[InboundMessage]:
        messages = await receive()
        await inbox.store(messages)
        return messages

    for message in _runner().run(received()):
        if message.case is not None and message.report is not None:
            _tell(message.case.process, json.loads(message.report.model_dump_json()))


def _tell(process: str, report: Mapping[str, Any]) -> None:
    machine = opened(process, OPENINGS[process][0])
    take_message(machine, report, OPENED)


def _push(platform: str, body: bytes, headers: Mapping[str, str]) -> None:
    async def read_body() -> bytes:
        return body

    try:
        _take(lambda: _endpoint(platform).receive(headers, read_body))
    except CaseError as told:
        raise BadOutcome(f"a push leads to {type(told).__name__}: {told}") from told


def take_douyin(body: bytes) -> None:
    """Take a push of Douyin in, correctly signed."""
    _push("douyin", body, signed(body))


def take_1688(message: bytes) -> None:
    """Take a push of 1688 in, correctly signed."""
    text = message.decode("utf-8", "replace")
    form = {"message": text, "_aop_signature": sign_1688(SECRET_1688, text)}
    _push("alibaba_1688", urlencode(form).encode(), {})


def take_tmc(row: bytes) -> None:
    """Take a row of Taobao's queue in."""
    queued, endpoint = _queue()
    try:
        queued.rows = [json.loads(row)]
    except (ValueError, RecursionError):
        return  # the client has read the platform's answer as JSON before

    async def receive() -> Sequence[InboundMessage]:
        return (await endpoint.receive())[0]

    _take(receive)


def _as_rows(rows: Sequence[dict[str, Any]]) -> st.SearchStrategy[bytes]:
    """Draw rows, of which the content, JSON within JSON, is spoilt too."""
    contents = [json.loads(row["content"]) for row in rows]
    inner = st.one_of(spoilt(contents).map(json.dumps), st.sampled_from([*ODD_TEXTS, deep("[", "]").decode()]))
    mixed = st.tuples(st.sampled_from(list(rows)), inner).map(lambda pair: as_json({**pair[0], "content": pair[1]}))
    return st.one_of(mixed, json_bytes(list(rows)))


def _as_pushes(pushes: Sequence[Any]) -> st.SearchStrategy[bytes]:
    messages = [{**one, "data": json.loads(one["data"])} for push in pushes for one in push]
    as_text = spoilt(messages).map(
        lambda one: as_json([{**one, "data": json.dumps(one.get("data"))} if isinstance(one, dict) else one])
    )
    return st.one_of(as_text, json_bytes(list(pushes)))


TARGETS = (
    FuzzTarget("push_douyin", _as_pushes(PUSHED), take_douyin),
    FuzzTarget(
        "push_1688", st.one_of(json_bytes(PUSHED_1688), garbled([as_json(one) for one in PUSHED_1688])), take_1688
    ),
    FuzzTarget("queue_taobao", _as_rows(ROWS), take_tmc),
)
