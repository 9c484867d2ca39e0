"""Taobao's open platform (TOP): consume and confirm the messages of an application."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from aftersales.platforms.access import TokenAccess
from aftersales.platforms.taobao.signing import METHOD, SignMethod, sign
from aftersales.platforms.wording import platform_words
from aftersales.runtime.clock_skew import clock_measured
from aftersales.runtime.http_client import Transport
from aftersales.runtime.secret_files import Address
from cases.errors import ClockWrong, PlatformRefused, PlatformUnreachable
from cases.models import Strict
from cases.shanghai import SHANGHAI

_TIME = "%Y-%m-%d %H:%M:%S"
CONSUME, CONFIRM = "taobao.tmc.messages.consume", "taobao.tmc.messages.confirm"
MOST = 200
"""The most messages that one call consumes or confirms."""
_ERROR = "error_response"

# T: codes for "called too often" (7) and, by how they begin, for services behind the gateway that do not answer.
_BUSY_CODE, _BUSY = "7", ("isp.", "accesscontrol.limited")
_CLOCK_WRONG = "31"


class TaobaoAccess(TokenAccess):
    """Taobao's block in the secrets file."""

    address: Address = "https://gw.api.taobao.com"


class TmcMessage(Strict):
    """A message; ``content`` is JSON as the topic defines it, ``user`` the seller it concerns."""

    id: str
    topic: str
    content: str
    published_at: datetime | None
    user: str


class TaobaoClient:
    """Calls of TOP for the applications whose credentials are known; raise PlatformRefused or PlatformUnreachable."""

    def __init__(self, access: TaobaoAccess, transport: Transport, *, sign_method: SignMethod = "hmac-sha256") -> None:
        self._access = access
        self._transport = transport
        self._sign_method = sign_method

    async def call(self, app_key: str, method: str, params: Mapping[str, str]) -> dict[str, Any]:
        """Call a method that needs no seller's session and return what the envelope holds.  BadForm: unknown app."""
        app = self._access.app(app_key)
        form = {
            **params,
            "method": method,
            "app_key": app_key,
            "timestamp": datetime.now(SHANGHAI).strftime(_TIME),
            "format": "json",
            "v": "2.0",
            METHOD: self._sign_method,
        }
        form["sign"] = sign(app.app_secret.get_secret_value(), form, self._sign_method)
        answer = await self._transport.post(f"{self._access.address}/router/rest", data=form)
        with clock_measured(self._transport):
            return opened(method, answer)

    async def consume(self, app_key: str, *, quantity: int = 100, group: str | None = None) -> list[TmcMessage]:
        """Return up to ``quantity`` messages (10 to 200); one that is not confirmed comes again."""
        answer = await self.call(app_key, CONSUME, {"quantity": str(quantity)} | _group(group))
        messages = answer.get("messages")
        rows = messages.get("tmc_message") if isinstance(messages, dict) else None
        return [_message(row) for row in rows or []]

    async def confirm(self, app_key: str, ids: Sequence[str], *, group: str | None = None) -> None:
        """Confirm messages, so that they do not come again."""
        for first in range(0, len(ids), MOST):
            answer = await self.call(
                app_key, CONFIRM, {"s_message_ids": ",".join(ids[first : first + MOST])} | _group(group)
            )
            if answer.get("is_success") is not True:
                raise PlatformRefused(f"{CONFIRM}: 消息未被确认 / messages were not confirmed")


def opened(method: str, answer: Any) -> dict[str, Any]:
    """Return what an answer's envelope holds; raises the error that the platform reports."""
    body = answer if isinstance(answer, dict) else {}
    error = body.get(_ERROR)
    if isinstance(error, dict):
        raise _refused(method, error)
    inner = body.get(f"{method.removeprefix('taobao.').replace('.', '_')}_response")
    if not isinstance(inner, dict):
        raise PlatformUnreachable(f"{method}: 淘宝返回内容无法理解 / Taobao's answer cannot be understood")
    return inner


def _refused(method: str, error: Mapping[str, Any]) -> PlatformRefused | PlatformUnreachable:
    code, sub_code = str(error.get("code")), str(error.get("sub_code") or "")
    text = platform_words(error.get("sub_msg"), error.get("msg"))
    which = f"[{code} {sub_code}]".replace(" ]", "]")
    if code == _BUSY_CODE or sub_code.startswith(_BUSY):
        return PlatformUnreachable(f"{method}: 淘宝繁忙 / Taobao is busy: {text} {which}")
    if code == _CLOCK_WRONG:
        return ClockWrong(f"{method}: 淘宝不接受本机时间 / Taobao does not take our time: {text} {which}")
    return PlatformRefused(f"{method}: 淘宝拒绝 / Taobao refused: {text} {which}")


def _group(name: str | None) -> dict[str, str]:
    return {"group_name": name} if name else {}


def _message(row: Any) -> TmcMessage:
    try:
        return TmcMessage(
            id=str(row["id"]),
            topic=str(row["topic"]),
            content=str(row.get("content") or "{}"),
            published_at=_instant(row.get("pub_time")),
            user=str(row.get("user_nick") or ""),
        )
    except (KeyError, TypeError, AttributeError):
        raise PlatformUnreachable(f"{CONSUME}: 消息无法理解 / a message cannot be understood") from None


def _instant(text: Any) -> datetime | None:
    try:
        return datetime.strptime(str(text)[:19], _TIME).replace(tzinfo=SHANGHAI)
    except ValueError:
        return None
