"""A shop's own program: the notice as JSON, with a signature that tells it from anybody else's."""

import hashlib
import hmac
import time
from collections.abc import Callable

from aftersales.notifications.channels import WebhookChannel
from aftersales.notifications.notice import Notice
from aftersales.runtime.http_client import Transport
from cases.errors import PlatformRefused

TIMESTAMP = "X-Aftersales-Timestamp"
SIGNATURE = "X-Aftersales-Signature"


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The signature of an instant (seconds) and a body: HMAC-SHA256 of ``instant.body``, under the secret."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


class Webhook:
    """Sends to one address."""

    def __init__(self, channel: WebhookChannel, transport: Transport, clock: Callable[[], float] = time.time) -> None:
        self._channel, self._transport, self._clock = channel, transport, clock

    async def send(self, notice: Notice) -> None:
        """Send once; every status of 200 to 299 means taken; raises PlatformRefused or PlatformUnreachable."""
        body, now = notice.model_dump_json().encode(), int(self._clock())
        answer = await self._transport.answer(
            self._channel.address,
            content=body,
            headers={
                "content-type": "application/json; charset=utf-8",
                TIMESTAMP: str(now),
                SIGNATURE: f"sha256={sign(self._channel.secret.get_secret_value(), now, body)}",
            },
        )
        if not answer.is_success:
            raise PlatformRefused(f"webhook: 对方拒绝 / the receiver refused: HTTP {answer.status_code}")
