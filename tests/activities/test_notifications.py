from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import structlog
from temporalio.testing import ActivityEnvironment

from activities.notifications import notification_activities
from aftersales.notifications.log_notifier import LogNotifier
from cases.ledger import CaseOutcome
from cases.messages import ActionRequired, ConsoleTask, Reminder
from cases.ports import Notifier
from tests.support.notifications.notices import ACTION_REQUIRED, OUTCOME, reminder
from tests.support.rules.machines import after

REMINDER = reminder(after("48h"))
TASK = ConsoleTask(page="售后工作台", instruction="点击同意")


class Keys:
    """A notifier that keeps the keys it receives."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def remind(self, reminder: Reminder, key: str) -> None:
        self.keys.append(f"remind {reminder.shop_id} {key}")

    async def notify_action_required(self, required: ActionRequired, key: str) -> None:
        self.keys.append(f"trouble {required.shop_id} {key}")

    async def notify_outcome(self, outcome: CaseOutcome, key: str) -> None:
        self.keys.append(f"outcome {outcome.shop_id} {key}")


def activities(notifier: Notifier) -> list[Callable[..., Any]]:
    return notification_activities(notifier)


async def test_a_notice_has_its_own_key_whatever_run_and_activity_send_it() -> None:
    notifier = Keys()
    for run, number in [("r", "1"), ("r", "2"), ("s", "1")]:
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, workflow_run_id=run, activity_id=number)
        for notify, notice in zip(activities(notifier), (REMINDER, ACTION_REQUIRED), strict=True):
            await environment.run(notify, notice.model_copy(update={"key": "douyin_reship/A1/k1"}))

    assert notifier.keys == ["remind S1 douyin_reship/A1/k1", "trouble S1 douyin_reship/A1/k1"] * 3


@pytest.mark.parametrize(
    ("notice", "written"),
    [
        (
            REMINDER.model_copy(update={"key": "k1"}),
            {
                "event": "reminder",
                "state": "待商家处理",
                "then": "超时自动同意",
                "deadline": "2026-01-07T01:00:00+00:00",
                "log_level": "warning",
            },
        ),
        (
            ACTION_REQUIRED.model_copy(update={"why": "关闭", "key": "k2"}),
            {"event": "needs operator", "step": "同意补寄", "why": "关闭", "log_level": "warning"},
        ),
        (
            ACTION_REQUIRED.model_copy(update={"task": TASK, "escalates": True, "key": "k3"}),
            {"event": "needs operator", "step": "同意补寄", "why": None, "log_level": "warning"},
        ),
        (
            ACTION_REQUIRED.model_copy(update={"task": TASK, "order": "O2", "key": "k4"}),
            {"event": "console task", "step": "同意补寄", "order": "O2", "log_level": "info"},
        ),
        (OUTCOME, {"event": "case closed", "state": "已退款", "by": "clock", "log_level": "info"}),
    ],
    ids=["g_5_reminder", "g_7_failed_step", "escalation", "g_8_console_task", "outcome"],
)
async def test_without_channels_the_log_says_what_operators_are_notified_of(
    notice: Any, written: dict[str, Any]
) -> None:
    notifier = LogNotifier()
    remind, required = activities(notifier)
    with structlog.testing.capture_logs() as lines:
        if isinstance(notice, CaseOutcome):
            await notifier.notify_outcome(notice, notice.key)
        else:
            await ActivityEnvironment().run(remind if isinstance(notice, Reminder) else required, notice)
    assert lines == [{**written, "key": notice.key}]  # by which a repeated line is seen to be one
