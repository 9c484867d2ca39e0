"""1688's open platform: signed requests, and the messages that it pushes.  Claims have no public interface."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aftersales.platforms.alibaba_1688.signing import SIGNATURE, sign, verify_event
from aftersales.platforms.credentials import Alibaba1688Access
from aftersales.runtime.http_client import Transport
from cases.errors import BadForm, PlatformRefused, PlatformUnreachable
from cases.models import Strict

TIMESTAMP = "_aop_timestamp"
ACCESS = "access_token"
MESSAGE = "message"

# T: the gateway's codes for calls that come too often begin so.
BUSY = ("gw.Qos",)
# T: the names of a pushed message's fields.
PUSH = {"id": "msgId", "type": "type", "at": "gmtBorn", "data": "data", "user": "userInfo"}


class Push(Strict):
    """A pushed message: ``user`` is the member it concerns, ``app_key`` the application whose secret signed it."""

    app_key: str
    message_id: str
    type: str
    at: datetime | None
    user: str
    data: dict[str, Any]


class Alibaba1688Client:
    """Calls of 1688 for the shops whose credentials are known; all raise PlatformRefused or PlatformUnreachable."""

    def __init__(self, access: Alibaba1688Access, transport: Transport) -> None:
        """Sign with these credentials, send over this transport."""
        self._access = access
        self._transport = transport

    async def call(
        self, shop_id: str, namespace: str, name: str, params: Mapping[str, Any], *, version: int = 1
    ) -> dict[str, Any]:
        """Call a method for a shop; what is no text is sent as JSON.  BadForm: the shop is unknown."""
        shop = self._access.shop(shop_id)
        path = f"param2/{version}/{namespace}/{name}/{shop.app_key}"
        form = {key: _text(value) for key, value in params.items()}
        form |= {ACCESS: shop.access_token.get_secret_value(), TIMESTAMP: str(int(time.time() * 1000))}
        form[SIGNATURE] = sign(shop.app_secret.get_secret_value(), path, form)
        return opened(name, await self._transport.post(f"{self._access.address}/openapi/{path}", data=form))

    def read_push(self, form: Mapping[str, str]) -> Push:
        """Read a push, a form with ``message`` and its signature; raises BadForm where no application of ours signed.

        1688 does not say which application a push is for: the one whose secret fits is.
        """
        message, given = form.get(MESSAGE, ""), form.get(SIGNATURE, "")
        for app in self._access.apps:
            if verify_event(app.app_secret.get_secret_value(), message, given):
                return _push(app.app_key, message)
        raise BadForm(f"{SIGNATURE}: 签名无效 / the signature is wrong", (SIGNATURE,))


def opened(name: str, answer: Any) -> dict[str, Any]:
    """Give an answer that is none of an error; raises what the platform says is wrong."""
    if not isinstance(answer, dict):
        raise PlatformUnreachable(f"{name}: 1688 的答复无法理解 / 1688's answer cannot be understood")
    code = answer.get("error_code")
    if code is None and "error_message" not in answer:
        return answer
    texts = (answer.get("error_message"), answer.get("exception"))
    text = " / ".join(str(each) for each in texts if each)
    where = f"[{code}] request_id={answer.get('request_id')}"
    if str(code).startswith(BUSY):
        raise PlatformUnreachable(f"{name}: 1688 繁忙 / 1688 is busy: {text} {where}")
    raise PlatformRefused(f"{name}: 1688 拒绝 / 1688 refused: {text} {where}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _push(app_key: str, message: str) -> Push:
    try:
        payload = json.loads(message)
        data = payload.get(PUSH["data"]) or {}
        return Push(
            app_key=app_key,
            message_id=str(payload[PUSH["id"]]),
            type=str(payload[PUSH["type"]]),
            at=_instant(payload.get(PUSH["at"])),
            user=str(payload.get(PUSH["user"]) or ""),
            data=json.loads(data) if isinstance(data, str) else data,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadForm(f"{MESSAGE}: 消息内容无法理解 / cannot be understood", (MESSAGE,)) from None


def _instant(milliseconds: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
