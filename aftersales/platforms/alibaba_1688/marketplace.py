"""1688 as a marketplace: its client, and its push, one message in a signed form."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from aftersales.platforms.alibaba_1688.client import Alibaba1688Access, Alibaba1688Client
from aftersales.platforms.alibaba_1688.order_messages import BORN, SITE_1688, USER, for_each_order
from aftersales.platforms.alibaba_1688.signing import SIGNATURE, verify_event
from aftersales.platforms.inbound import InboundMessage, digest, short_text
from aftersales.platforms.marketplace import Marketplace
from aftersales.platforms.push import NotSigned, PushedMessage, PushFormat, ReadBody, SignedPush
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.http.http_client import Transport

_FORM_FIELDS: Final = 20
_INCOMPLETE: Final = "缺少 msgId 或 type / msgId or type is missing"


class Alibaba1688Push(PushFormat):
    """A form signed with the secret of one of our applications; 1688 does not say of which."""

    path = "/1688"
    media_type = "text/plain"

    def __init__(self, access: Alibaba1688Access) -> None:
        self._access = access

    @property
    def acknowledgement(self) -> str:
        """The answer that the secrets file sets."""
        return self._access.acknowledgement

    async def unpack(self, headers: Mapping[str, str], read_body: ReadBody) -> SignedPush:
        """Verify a push and return its message; raises NotSigned."""
        del headers
        try:
            form = parse_qs((await read_body()).decode(), max_num_fields=_FORM_FIELDS, errors="strict")
        except ValueError:
            raise NotSigned from None
        message, signature = (form.get(name, [""])[0] for name in ("message", SIGNATURE))
        for app in self._access.apps:
            if verify_event(app.app_secret.get_secret_value(), message, signature):
                read = read_push(message)
                return SignedPush(app.app_key, for_each_order(read) if isinstance(read, PushedMessage) else [read])
        raise NotSigned


def read_push(message: str) -> PushedMessage | InboundMessage:
    """Read a pushed message, whatever it is; its ``data`` may be an object or JSON text."""
    body = message.encode("utf-8", "surrogatepass")
    try:
        pushed = json.loads(message)
    except (ValueError, RecursionError):
        return InboundMessage.unreadable(SITE_1688, body, "不是 JSON / not valid JSON")
    message_id = short_text(pushed.get("msgId")) if isinstance(pushed, dict) else None
    tag = short_text(pushed.get("type")) if isinstance(pushed, dict) else None
    if not isinstance(pushed, dict) or tag is None:
        return InboundMessage.unreadable(SITE_1688, body, _INCOMPLETE, tag=tag or "")
    fault = _INCOMPLETE if message_id is None else None
    return PushedMessage(message_id or digest(body), tag, _content(pushed), body, fault=fault)


def _content(pushed: Mapping[str, Any]) -> Any:
    """Return the message's data, with what the message says of its sender and time."""
    data = pushed.get("data")
    try:
        content = json.loads(data) if isinstance(data, str) else data
    except (ValueError, RecursionError):
        return data  # text that is not JSON is left for whoever takes the message to judge
    about = {name: pushed[name] for name in (USER, BORN) if name in pushed}
    return {**content, **about} if isinstance(content, dict) else content


def _client(access: Alibaba1688Access, transport: Transport, _: TokenStore) -> Alibaba1688Client:
    return Alibaba1688Client(access, transport)


MARKETPLACE = Marketplace(
    label="1688",
    access=Alibaba1688Access,
    client=_client,
    push=Alibaba1688Push,
    consoles={"1688 商家工作台": "https://work.1688.com/"},
)
