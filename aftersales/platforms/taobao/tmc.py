"""Taobao's message channel (TMC): a queue for each of our applications."""

import json
from collections.abc import Sequence
from typing import Any, Final

from aftersales.platforms.inbound import InboundMessage, short_text
from aftersales.platforms.message_queue import MessageQueue, QueuedMessage
from aftersales.platforms.push import PushedMessage
from aftersales.platforms.taobao.client import TaobaoClient
from cases.errors import NoCredentials

_PLATFORM: Final = "taobao"
SHOP_FIELD, PUBLISHED_FIELD = "shop_id", "pub_time"
"""What is added to the content of every message: the shop that it is about, and when it was published."""


class TmcQueue(MessageQueue):
    """The messages of one application."""

    def __init__(self, taobao: TaobaoClient, app_key: str) -> None:
        self._taobao, self._app_key = taobao, app_key

    async def consume(self) -> list[QueuedMessage]:
        """Return messages that wait; one that is not confirmed in time comes again."""
        return [self._read(row) for row in await self._taobao.consume(self._app_key)]

    async def confirm(self, receipts: Sequence[str]) -> None:
        """Confirm messages, so that they do not come again."""
        await self._taobao.confirm(self._app_key, receipts)

    def _read(self, row: Any) -> QueuedMessage:
        body = json.dumps(row, separators=(",", ":")).encode()  # ASCII, so that a lone surrogate survives
        fields = row if isinstance(row, dict) else {}
        receipt, topic = short_text(fields.get("id")), short_text(fields.get("topic"))
        if receipt is None or topic is None:
            reason = "缺少 id 或 topic / id or topic is missing"
            return QueuedMessage(receipt, InboundMessage.unreadable(_PLATFORM, body, reason, tag=topic or ""))
        # Each application has ids of its own.
        message_id = f"{self._app_key}:{receipt}"
        try:
            content = json.loads(fields["content"])
        except (KeyError, TypeError, ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            reason = "content 不是 JSON 对象 / content is not a JSON object"
            return QueuedMessage(receipt, InboundMessage.unreadable(_PLATFORM, body, reason, message_id, topic))
        shop_id = self._shop(fields.get("user_nick"))
        if shop_id is None:
            reason = "不是本应用的店铺 / of no shop that this application serves"
            return QueuedMessage(receipt, InboundMessage.unknown(_PLATFORM, body, reason, message_id, topic))
        data = {**content, SHOP_FIELD: shop_id, PUBLISHED_FIELD: fields.get(PUBLISHED_FIELD)}
        return QueuedMessage(receipt, PushedMessage(message_id, topic, data, body))

    def _shop(self, user: Any) -> str | None:
        try:
            shop = self._taobao.access.shop_called(str(user))
        except NoCredentials:
            return None
        return shop.shop_id if shop.app_key == self._app_key else None
