"""DingTalk's custom robot: text into the group that it belongs to, signed where the group asks for it."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable

from aftersales.notifications.answers import fitting, read_answer
from aftersales.notifications.channels import DingtalkChannel
from aftersales.notifications.notice import Notice
from aftersales.runtime.http_client import Transport

BUSY = frozenset({-1, 90018, 90030, 130101, 410100})
"""DingTalk's codes for its own troubles and for too many messages."""
AT_MOST = 16 * 1024


def sign(secret: str, timestamp: int) -> str:
    """The signature of an instant (milliseconds): HMAC-SHA256 of the instant and the secret, under the secret."""
    message = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


class Dingtalk:
    """Sends through one robot."""

    def __init__(self, channel: DingtalkChannel, transport: Transport, clock: Callable[[], float] = time.time) -> None:
        self._channel, self._transport, self._clock = channel, transport, clock

    async def send(self, notice: Notice) -> None:
        """Send once; raises PlatformRefused or PlatformUnreachable."""
        query = {"access_token": self._channel.key.get_secret_value()}
        if self._channel.secret:
            now = int(self._clock() * 1000)
            query |= {"timestamp": str(now), "sign": sign(self._channel.secret.get_secret_value(), now)}
        body = {"msgtype": "text", "text": {"content": fitting(notice.text, AT_MOST)}}
        answer = await self._transport.post(
            self._channel.address,
            params=query,
            content=json.dumps(body, ensure_ascii=False),
            headers={"content-type": "application/json; charset=utf-8"},
        )
        read_answer("钉钉 / DingTalk", answer, "errcode", "errmsg", BUSY)
