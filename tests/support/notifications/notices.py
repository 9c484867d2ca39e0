"""Fixtures of notices: a notice, a shop's channels, and a clock that tests move."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from aftersales.notifications.channels import Channel, Channels
from aftersales.notifications.delivery import NotificationClock
from aftersales.notifications.notice import Notice, NoticeContext, reminder_notice
from cases.messages import ActionRequired, Reminder
from tests.support.notifications.bots import KEY, SECRET
from tests.support.records.booking import ended
from tests.support.rules.machines import after

NOON = datetime(2026, 1, 5, 4, tzinfo=UTC)  # 12:00 in Shanghai
MIDNIGHT = datetime(2026, 1, 5, 16, tzinfo=UTC)  # 00:00 in Shanghai
ACTION_REQUIRED = ActionRequired(
    case_id="douyin_reship/A1", process="douyin_reship", shop_id="S1", serial=3, step="同意补寄"
)
OUTCOME = ended(
    "A1",
    "refunded",
    process="douyin_reship",
    order="O1",
    closed_at=after("3h"),
    state_label="已退款",
    decided_by="clock",
    decided_before_deadline=False,
    lost=Decimal("3.00"),
)
CONTEXT = NoticeContext(
    "http://127.0.0.1:8233/namespaces/default/workflows", {"douyin_reship": "抖店补寄"}, {"merchant": "商家"}
)


def reminder(deadline: datetime = MIDNIGHT + timedelta(days=2), **more: Any) -> Reminder:
    return Reminder(
        case_id="douyin_reship/A1",
        process="douyin_reship",
        shop_id="S1",
        state="awaiting_merchant",
        state_label="待商家处理",
        rule="auto_agree",
        rule_label="超时自动同意",
        deadline=deadline,
        **more,
    )


def notice(key: str = "k1", **more: Any) -> Notice:
    return reminder_notice(reminder(**more), key, CONTEXT)


def shop(*channels: dict[str, Any]) -> Channels:
    """Return the channels of the shop S1."""
    return Channels.model_validate({"S1": tuple(channels)})


def channel(address: str, kind: str, **more: Any) -> dict[str, Any]:
    """Return a channel to the bots at an address, as its file has it."""
    own = {
        "feishu": {"address": f"{address}/hook", "key": KEY, "secret": SECRET},
        "dingtalk": {"address": f"{address}/dingtalk", "key": KEY, "secret": SECRET},
        "wecom": {"address": f"{address}/wecom", "key": KEY},
        "webhook": {"address": f"{address}/program", "secret": SECRET},
    }
    return {"type": kind, "name": kind, **own[kind], **more}


def one(fields: dict[str, Any]) -> Channel:
    return shop(fields).of("S1")[0]


class SetClock(NotificationClock):
    """A clock that moves only by ``move``."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def move(self, to: datetime) -> None:
        self._now = to
