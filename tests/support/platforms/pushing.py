"""What platforms push, signed as they sign it."""

import json
from typing import Any

from aftersales.platforms.credentials import Secrets
from aftersales.platforms.douyin.signing import event_sign
from cases.errors import BadForm

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


def content(own_id: int | str = 1001, **given: Any) -> dict[str, Any]:
    """The data of a message about a reship."""
    return {
        "aftersale_id": int(own_id),
        "aftersale_type": 7,
        "aftersale_status": 6,
        "p_id": 2001,
        "s_id": 3001,
        "shop_id": int(SHOP),
        "reason_code": 5,
        **given,
    }


def pushed(tag: str, message_id: str, data: Any) -> dict[str, Any]:
    return {"tag": tag, "msg_id": message_id, "data": json.dumps(data, ensure_ascii=False)}


def body(*messages: Any) -> bytes:
    return json.dumps(messages, ensure_ascii=False).encode()


def signed(content: bytes, app: str = APP, secret: str = SECRET) -> dict[str, str]:
    """The headers that go with a body."""
    return {"app-id": app, "event-sign": event_sign(app, secret, content), "content-type": "application/json"}


class Ears:
    """A ``feed`` that remembers what it was told, and fails as it is told to."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str | None]] = []
        self.fails: dict[str, Exception] = {}

    async def feed(self, process: str, shop_id: str, own_id: str, report: dict[str, Any] | None) -> str:
        assert (process, shop_id) == ("douyin_reship", SHOP)
        if bad := self.fails.get(own_id) or self.fails.get("*"):
            raise bad
        self.heard.append((own_id, report and report["message_id"]))
        return "told"

    def of(self, own_id: str) -> list[str | None]:
        return [message_id for case, message_id in self.heard if case == own_id]


def bad_form() -> BadForm:
    return BadForm("order_id: 缺少 / Field required")
