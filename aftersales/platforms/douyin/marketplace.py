"""Douyin as a marketplace: its client, and its push, an array of messages that each hold their content as JSON text."""

import json
from collections.abc import Mapping
from typing import Any

from aftersales.platforms.douyin.client import DouyinClient
from aftersales.platforms.douyin.session import PLATFORM, DouyinAccess
from aftersales.platforms.douyin.signing import verify_event
from aftersales.platforms.inbound import InboundMessage, digest, short_text
from aftersales.platforms.marketplace import Marketplace
from aftersales.platforms.push import MOST_MESSAGES, NotSigned, PushedMessage, PushFormat, ReadBody, SignedPush
from cases.errors import BadForm

PROBE = "0"
"""The tag by which the platform probes our address: acknowledged, not stored."""


class DouyinPush(PushFormat):
    """A push signed over its raw bytes by the application that a header names."""

    path = "/douyin"
    media_type = "application/json"
    acknowledgement = '{"code":0,"msg":"success"}'

    def __init__(self, access: DouyinAccess) -> None:
        self._access = access

    async def unpack(self, headers: Mapping[str, str], read_body: ReadBody) -> SignedPush:
        """Verify a push and return its messages; raises NotSigned.

        The body of an unknown application is not read.
        """
        try:
            app = self._access.app(headers.get("app-id", ""))
        except BadForm:
            raise NotSigned from None
        body = await read_body()
        if not verify_event(app.app_key, app.app_secret.get_secret_value(), body, headers.get("event-sign", "")):
            raise NotSigned
        return SignedPush(app.app_key, read_push(body))


def read_push(body: bytes) -> list[PushedMessage | InboundMessage]:
    """Return the messages of a push; whatever it holds, only probes are dropped."""
    try:
        pushed = json.loads(body)
    except (ValueError, RecursionError):
        return [InboundMessage.unreadable(PLATFORM, body, "不是 JSON / not valid JSON")]
    if not isinstance(pushed, list):
        return [InboundMessage.unreadable(PLATFORM, body, "须为数组 / expected an array")]
    if len(pushed) > MOST_MESSAGES:
        reason = f"最多 {MOST_MESSAGES} 条消息 / at most {MOST_MESSAGES} messages, got {len(pushed)}"
        return [InboundMessage.unreadable(PLATFORM, body, reason)]
    return [message for item in pushed if (message := _read_within(body, item))]


def _read_within(body: bytes, item: Any) -> PushedMessage | InboundMessage | None:
    try:
        return _read(item)
    except RecursionError:  # what has just been read cannot always be written again
        return InboundMessage.unreadable(PLATFORM, body, "嵌套过深 / nested too deeply")


def _read(item: Any) -> PushedMessage | InboundMessage | None:
    whole = _bytes(item)
    if not isinstance(item, dict):
        return InboundMessage.unreadable(PLATFORM, whole, "须为对象 / expected an object")
    tag, message_id = short_text(item.get("tag")), short_text(item.get("msg_id"))
    if tag == PROBE:
        return None
    fault = "缺少 tag 或 msg_id / tag or msg_id is missing" if tag is None or message_id is None else None
    message_id, tag = message_id or digest(whole), tag or ""
    try:
        data = json.loads(item["data"]) if isinstance(item.get("data"), str) else item.get("data")
    except (ValueError, RecursionError):
        reason = "data 不是 JSON / data is not valid JSON"
        return InboundMessage.unreadable(PLATFORM, whole, reason, message_id, tag)
    kind = data.get("aftersale_type") if isinstance(data, dict) else None
    kept = whole if fault else _bytes(data)
    return PushedMessage(message_id, tag, data, kept, about=f"aftersale_type={kind!r:.40}", fault=fault)


def _bytes(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()  # ASCII, so that a lone surrogate survives


MARKETPLACE = Marketplace(
    label="抖音",
    access=DouyinAccess,
    client=DouyinClient,
    push=DouyinPush,
    consoles={"抖店后台": "https://fxg.jinritemai.com/"},
)
