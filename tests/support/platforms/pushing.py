"""Pushes of the platforms, with their signatures."""

import json
from functools import cache
from typing import Any

from aftersales.gateway.case_client import Fed, FeedResult
from aftersales.gateway.senders import Senders
from aftersales.platforms.credentials import Secrets
from aftersales.platforms.douyin.signing import event_sign
from aftersales.platforms.inbound import CaseKey
from aftersales.platforms.marketplaces import Marketplaces
from aftersales.platforms.push import PushEndpoint
from aftersales.platforms.tokens import TokenStore
from cases.errors import BadForm
from cases.messages import Report

APP, SECRET = "7100000000000000001", "douyin-secret"
APP_1688, SECRET_1688 = "8800001", "1688-secret"
SHOP = "4463798"

SECRETS = Secrets.model_validate_json(
    json.dumps(
        {
            "douyin": {
                "apps": [{"app_key": APP, "app_secret": SECRET}],
                "shops": [{"shop_id": SHOP, "app_key": APP}],
            },
            "alibaba_1688": {
                "apps": [{"app_key": APP_1688, "app_secret": SECRET_1688}],
                "acknowledgement": "got it",
            },
        }
    )
)


SENDERS = Senders({"douyin": SECRETS.of("douyin"), "alibaba_1688": SECRETS.of("alibaba_1688")})
"""What these credentials say of who may send what."""


@cache
def endpoints() -> tuple[PushEndpoint, ...]:
    """Return every marketplace's endpoint, with the adapters of all processes; nothing is called."""
    return Marketplaces(SECRETS, TokenStore()).endpoints


def content(own_id: int | str = 1001, **fields: Any) -> dict[str, Any]:
    """Return the data of a message about a reship."""
    return {
        "aftersale_id": int(own_id),
        "aftersale_type": 7,
        "aftersale_status": 6,
        "p_id": 2001,
        "s_id": 3001,
        "shop_id": int(SHOP),
        "reason_code": 5,
        **fields,
    }


def pushed(tag: str, message_id: str, data: Any) -> dict[str, Any]:
    return {"tag": tag, "msg_id": message_id, "data": json.dumps(data, ensure_ascii=False)}


def body(*messages: Any) -> bytes:
    return json.dumps(messages, ensure_ascii=False).encode()


def signed(content: bytes, app: str = APP, secret: str = SECRET) -> dict[str, str]:
    """Return the headers for a body, with its signature."""
    return {"app-id": app, "event-sign": event_sign(app, secret, content), "content-type": "application/json"}


class RecordingFeed:
    """A ``feed`` that records its calls, and fails as ``fails`` says."""

    def __init__(self) -> None:
        self.fed: list[tuple[str, str | None]] = []
        self.fails: dict[str, Exception] = {}

    async def feed(self, case: CaseKey, report: Report | None) -> Fed:
        assert (case.process, case.shop_id) == ("douyin_reship", SHOP)
        if bad := self.fails.get(case.own_id) or self.fails.get("*"):
            raise bad
        self.fed.append((case.own_id, report.message_id if report else None))
        return Fed(FeedResult.SIGNALLED)

    def of(self, own_id: str) -> list[str | None]:
        return [message_id for case, message_id in self.fed if case == own_id]


def bad_form() -> BadForm:
    return BadForm("order_id: 缺少 / Field required")
