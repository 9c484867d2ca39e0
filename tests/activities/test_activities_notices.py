from dataclasses import replace

import structlog
from temporalio.testing import ActivityEnvironment

from activities.notices import LogNotifier, reminder_activity
from cases.messages import Reminder
from tests.dockets import after

REMINDER = Reminder(
    case_id="douyin_reship/A1",
    process="douyin_reship",
    shop_id="S1",
    state="awaiting_merchant",
    state_label="待商家处理",
    rule="auto_agree",
    rule_label="超时自动同意",
    deadline=after("48h"),
)


class Keys:
    """Notes the keys that it is given."""

    def __init__(self) -> None:
        self.known: list[str] = []

    async def remind(self, reminder: Reminder, key: str) -> None:
        self.known.append(f"{reminder.shop_id} {key}")


async def test_every_try_of_a_reminder_has_one_key_and_every_reminder_another() -> None:
    notifier = Keys()
    for number, attempt in [("1", 1), ("1", 2), ("2", 1)]:
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, workflow_run_id="r", activity_id=number, attempt=attempt)
        await environment.run(reminder_activity(notifier), REMINDER)

    assert notifier.known == [f"S1 douyin_reship/A1/r/{number}" for number in ("1", "1", "2")]


async def test_g_5_a_reminder_says_which_state_ends_when_and_what_happens_then() -> None:
    with structlog.testing.capture_logs() as lines:
        await ActivityEnvironment().run(reminder_activity(LogNotifier()), REMINDER)
    (line,) = lines
    assert (line["state"], line["then"], line["deadline"]) == (
        "待商家处理",
        "超时自动同意",
        "2026-01-07T01:00:00+00:00",
    )
