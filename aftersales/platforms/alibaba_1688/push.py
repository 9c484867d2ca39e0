"""1688's push: one message in a form field.  No type of it moves a case yet: each is kept, and counted by its type."""

import json

from aftersales.platforms.messages import InboundMessage, short_text

PLATFORM = "alibaba_1688"


def read_push(message: str) -> list[InboundMessage]:
    """Read a push into the message to keep, whatever it is."""
    body = message.encode("utf-8", "surrogatepass")
    try:
        pushed = json.loads(message)
    except (ValueError, RecursionError):
        return [InboundMessage.unreadable(PLATFORM, body, "不是 JSON / is no JSON")]
    message_id = short_text(pushed.get("msgId")) if isinstance(pushed, dict) else None
    tag = short_text(pushed.get("type")) if isinstance(pushed, dict) else None
    if tag is None or message_id is None:
        return [
            InboundMessage.unreadable(PLATFORM, body, "缺少 msgId 或 type / msgId or type is missing", tag=tag or "")
        ]
    return [InboundMessage.unknown(PLATFORM, body, "没有对应的流程 / no process takes it", message_id, tag)]
