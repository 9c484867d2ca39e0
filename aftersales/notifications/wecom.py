"""WeCom's group robot: text into the group that it belongs to."""

import json

from aftersales.notifications.answers import fitting, read_answer
from aftersales.notifications.channels import WecomChannel
from aftersales.notifications.notice import Notice
from aftersales.runtime.http_client import Transport

BUSY = frozenset({-1, 45009, 45033})
"""WeCom's codes for its own troubles and for too many messages."""
AT_MOST = 2048


class Wecom:
    """Sends through one robot."""

    def __init__(self, channel: WecomChannel, transport: Transport) -> None:
        self._channel, self._transport = channel, transport

    async def send(self, notice: Notice) -> None:
        """Send once; raises PlatformRefused or PlatformUnreachable."""
        body = {"msgtype": "text", "text": {"content": fitting(notice.text, AT_MOST)}}
        answer = await self._transport.post(
            self._channel.address,
            params={"key": self._channel.key.get_secret_value()},
            content=json.dumps(body, ensure_ascii=False),
            headers={"content-type": "application/json; charset=utf-8"},
        )
        read_answer("企业微信 / WeCom", answer, "errcode", "errmsg", BUSY)
