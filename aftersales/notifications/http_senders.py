"""Senders over HTTP: the group bots of Feishu, DingTalk and WeCom, and a shop's own webhook."""

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

import httpx2

from aftersales.notifications.channels import DingtalkChannel, FeishuChannel, WebhookChannel, WecomChannel
from aftersales.notifications.notice import Notice
from aftersales.runtime.clock_skew import clock_measured
from aftersales.runtime.http.http_client import Transport
from cases.errors import ClockWrong, PlatformRefused, PlatformUnreachable
from cases.plain_text import squeezed

# Codes for failures inside the service and for too many messages.
_FEISHU_BUSY = frozenset({-1, 2200, 9499, 11232, 11233, 230020})
_DINGTALK_BUSY = frozenset({-1, 90018, 90030, 130101, 410100})
_WECOM_BUSY = frozenset({-1, 45009, 45033})
# Codes for a signature that is wrong or too old.
_FEISHU_STAMPS, _DINGTALK_STAMPS = frozenset({19021}), frozenset({310000})
_STAMPS_HOLD = timedelta(minutes=59)
"""How far a clock may be off: an hour, less what a call takes."""

_FEISHU_BYTES = _DINGTALK_BYTES = 16 * 1024
_WECOM_BYTES = 2048
_FEISHU_HOOK = "/hook/"
_ANSWER_LENGTH = 200
"""Characters kept of a bot's answer."""


def feishu_signature(secret: str, timestamp: int) -> str:
    """Return Feishu's signature of an instant (seconds): HMAC-SHA256 of nothing, keyed with instant and secret."""
    key = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()


def dingtalk_signature(secret: str, timestamp: int) -> str:
    """Return DingTalk's signature of an instant (milliseconds): HMAC-SHA256 of instant and secret."""
    message = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def webhook_signature(secret: str, timestamp: int, body: bytes) -> str:
    """Return a webhook's signature of an instant (seconds) and a body: HMAC-SHA256 of ``instant.body``."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


class FeishuBot:
    """A custom bot of a Feishu group."""

    def __init__(self, channel: FeishuChannel, transport: Transport, clock: Callable[[], float] = time.time) -> None:
        self._channel, self._transport, self._clock = channel, transport, clock

    async def send(self, notice: Notice) -> None:
        """Send once; raises PlatformRefused or PlatformUnreachable."""
        # A tag in the text can mention the whole group; text from outside must not.
        text = _shortened(notice.text.replace("<", "＜"), _FEISHU_BYTES)
        body: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
        if self._channel.secret:
            now = int(self._clock())
            body |= {"timestamp": str(now), "sign": feishu_signature(self._channel.secret.get_secret_value(), now)}
        address = f"{self._channel.address}/{self._channel.key.get_secret_value()}"
        answer = await _post(self._transport, address, body)
        if isinstance(answer, dict) and "code" not in answer:  # robots of the first generation answer in other words
            answer = {"code": answer.get("StatusCode"), "msg": answer.get("StatusMessage")}
        _check("飞书 / Feishu", answer, "code", "msg", _FEISHU_BUSY, _FEISHU_STAMPS, self._transport)


class DingtalkBot:
    """A custom bot of a DingTalk group."""

    def __init__(self, channel: DingtalkChannel, transport: Transport, clock: Callable[[], float] = time.time) -> None:
        self._channel, self._transport, self._clock = channel, transport, clock

    async def send(self, notice: Notice) -> None:
        """Send once; raises PlatformRefused or PlatformUnreachable."""
        query = {"access_token": self._channel.key.get_secret_value()}
        if self._channel.secret:
            now = int(self._clock() * 1000)
            sign = dingtalk_signature(self._channel.secret.get_secret_value(), now)
            query |= {"timestamp": str(now), "sign": sign}
        body = {"msgtype": "text", "text": {"content": _shortened(notice.text, _DINGTALK_BYTES)}}
        answer = await _post(self._transport, self._channel.address, body, query)
        _check("钉钉 / DingTalk", answer, "errcode", "errmsg", _DINGTALK_BUSY, _DINGTALK_STAMPS, self._transport)


class WecomBot:
    """A bot of a WeCom group."""

    def __init__(self, channel: WecomChannel, transport: Transport) -> None:
        self._channel, self._transport = channel, transport

    async def send(self, notice: Notice) -> None:
        """Send once; raises PlatformRefused or PlatformUnreachable."""
        query = {"key": self._channel.key.get_secret_value()}
        body = {"msgtype": "text", "text": {"content": _shortened(notice.text, _WECOM_BYTES)}}
        answer = await _post(self._transport, self._channel.address, body, query)
        _check("企业微信 / WeCom", answer, "errcode", "errmsg", _WECOM_BUSY, frozenset(), self._transport)


class Webhook:
    """A program of the shop's own, which takes the notice as signed JSON."""

    def __init__(self, channel: WebhookChannel, transport: Transport, clock: Callable[[], float] = time.time) -> None:
        self._channel, self._transport, self._clock = channel, transport, clock

    async def send(self, notice: Notice) -> None:
        """Send once; any status from 200 to 299 is success; raises PlatformRefused or PlatformUnreachable."""
        body, now = notice.model_dump_json().encode(), int(self._clock())
        sign = webhook_signature(self._channel.secret.get_secret_value(), now, body)
        answer = await self._transport.answer(
            self._channel.address,
            content=body,
            headers={
                "content-type": "application/json; charset=utf-8",
                "X-Aftersales-Timestamp": str(now),
                "X-Aftersales-Signature": f"sha256={sign}",
            },
        )
        if not answer.is_success:
            raise PlatformRefused(f"webhook: 对方拒绝 / the receiver refused: HTTP {answer.status_code}")


async def _post(transport: Transport, address: str, body: Any, query: dict[str, str] | None = None) -> Any:
    return await transport.post(
        address,
        params=query,
        content=json.dumps(body, ensure_ascii=False),
        headers={"content-type": "application/json; charset=utf-8"},
    )


def _check(
    bot: str,
    answer: Any,
    field: str,
    text: str,
    busy: Collection[int],
    stamps: Collection[int],
    transport: Transport,
) -> None:
    """Raise PlatformRefused unless the code in ``field`` is 0, PlatformUnreachable if it is one of ``busy``.

    One of ``stamps`` stands for a wrong secret as well as for a wrong clock: it is ClockWrong if our clock is known to
    be.  Bots answer with HTTP status 200 even if they refuse.
    """
    code = answer.get(field) if isinstance(answer, dict) else None
    if code == 0 and not isinstance(code, bool):
        return
    if not isinstance(code, int):
        raise PlatformUnreachable(f"{bot}: 返回内容无法理解 / unexpected answer")
    reason = squeezed(str(answer.get(text) or ""))[:_ANSWER_LENGTH]
    if code in busy:
        raise PlatformUnreachable(
            f"{bot}: 机器人繁忙或超出频率限制 / the bot is busy or over its rate limit: {code} {reason}"
        )
    if code in stamps and transport.ahead is not None and abs(transport.ahead) > _STAMPS_HOLD:
        with clock_measured(transport):
            raise ClockWrong(f"{bot}: 机器人不接受本机时间 / the bot does not take our time: {code} {reason}")
    raise PlatformRefused(f"{bot}: 机器人拒绝 / the bot refused: {code} {reason}")


def _shortened(text: str, longest: int) -> str:
    """Return a text cut to a number of bytes."""
    if len(text.encode()) <= longest:
        return text
    return text.encode()[: longest - len("…".encode())].decode(errors="ignore") + "…"


def _without_key(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(_masked(arg) if isinstance(arg, httpx2.URL) else arg for arg in record.args)
    return True


def _masked(url: httpx2.URL) -> httpx2.URL:
    before, hook, _ = url.path.partition(_FEISHU_HOOK)
    return url.copy_with(path=f"{before}{hook}-") if hook else url


# The HTTP client logs every address, and that of a Feishu bot ends with its key.
logging.getLogger("httpx2").addFilter(_without_key)
