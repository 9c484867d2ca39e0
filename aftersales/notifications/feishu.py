"""Feishu's custom robot: text into the group that it belongs to, signed where the group asks for it."""

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from typing import Any

import httpx2

from aftersales.notifications.answers import fitting, read_answer
from aftersales.notifications.channels import FeishuChannel
from aftersales.notifications.notice import Notice
from aftersales.runtime.http_client import Transport

BUSY = frozenset({-1, 2200, 9499, 11232, 11233, 230020})
"""Feishu's codes for its own troubles and for too many messages."""
AT_MOST = 16 * 1024
HOOK = "/hook/"


def sign(secret: str, timestamp: int) -> str:
    """The signature of an instant (seconds): HMAC-SHA256 of nothing, under the instant and the secret."""
    key = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()


class Feishu:
    """Sends through one robot."""

    def __init__(self, channel: FeishuChannel, transport: Transport, clock: Callable[[], float] = time.time) -> None:
        self._channel, self._transport, self._clock = channel, transport, clock

    async def send(self, notice: Notice) -> None:
        """Send once; raises PlatformRefused or PlatformUnreachable."""
        # A text may call the whole group with a tag; what others wrote must not.
        text = fitting(notice.text.replace("<", "＜"), AT_MOST)
        body: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
        if self._channel.secret:
            now = int(self._clock())
            body |= {"timestamp": str(now), "sign": sign(self._channel.secret.get_secret_value(), now)}
        answer = await self._transport.post(
            f"{self._channel.address}/{self._channel.key.get_secret_value()}",
            content=json.dumps(body, ensure_ascii=False),
            headers={"content-type": "application/json; charset=utf-8"},
        )
        read_answer("飞书 / Feishu", answer, "code", "msg", BUSY)


def _without_key(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(_shortened(each) if isinstance(each, httpx2.URL) else each for each in record.args)
    return True


def _shortened(url: httpx2.URL) -> httpx2.URL:
    before, hook, _ = url.path.partition(HOOK)
    return url.copy_with(path=f"{before}{hook}-") if hook else url


# The HTTP client logs every address, and a robot's ends with its key.
logging.getLogger("httpx2").addFilter(_without_key)
