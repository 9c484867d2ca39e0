"""Douyin's push: an array of messages, each with its content as a JSON text of its own."""

import json
from typing import Any

from aftersales.platforms.douyin.reship_messages import PROCESS, case_of, report_of
from aftersales.platforms.messages import CaseKey, InboundMessage, short_text
from cases.errors import BadForm

PLATFORM = "douyin"
PROBE = "0"
"""The tag by which the platform tries our address: answered, not kept."""


def read_push(body: bytes) -> list[InboundMessage]:
    """Read a push into the messages to keep; nothing in it is dropped but probes, whatever it is."""
    try:
        pushed = json.loads(body)
    except (ValueError, RecursionError):
        return [InboundMessage.unreadable(PLATFORM, body, "不是 JSON / is no JSON")]
    if not isinstance(pushed, list):
        return [InboundMessage.unreadable(PLATFORM, body, "须为数组 / expected an array")]
    return [message for each in pushed if (message := _read(each))]


def _read(pushed: Any) -> InboundMessage | None:
    whole = _bytes(pushed)
    if not isinstance(pushed, dict):
        return InboundMessage.unreadable(PLATFORM, whole, "须为对象 / expected an object")
    tag, message_id = short_text(pushed.get("tag")), short_text(pushed.get("msg_id"))
    if tag == PROBE:
        return None
    if tag is None or message_id is None:
        return InboundMessage.unreadable(
            PLATFORM, whole, "缺少 tag 或 msg_id / tag or msg_id is missing", tag=tag or ""
        )
    try:
        data = json.loads(pushed["data"]) if isinstance(pushed.get("data"), str) else pushed.get("data")
    except (ValueError, RecursionError):
        return InboundMessage.unreadable(PLATFORM, whole, "data 不是 JSON / data is no JSON", message_id, tag)
    return _of_content(tag, message_id, data, _bytes(data))


def _of_content(tag: str, message_id: str, data: Any, body: bytes) -> InboundMessage:
    try:
        place = case_of(tag, data)
        if place is None:
            kind = data.get("aftersale_type") if isinstance(data, dict) else None
            return InboundMessage.unknown(PLATFORM, body, f"aftersale_type={kind!r:.40}", message_id, tag)
        report = report_of(tag, message_id, data)
    except BadForm as bad:
        return InboundMessage.unreadable(PLATFORM, body, str(bad), message_id, tag)
    return InboundMessage(PLATFORM, message_id, tag, body, case=CaseKey(PROCESS, *place), report=report)


def _bytes(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()  # ASCII: also where it holds what is no Unicode
