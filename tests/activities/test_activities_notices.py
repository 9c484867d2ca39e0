import structlog
from temporalio.testing import ActivityEnvironment

from activities.notices import LogNotifier, reminder_activity
from cases.messages import Reminder
from tests.dockets import after


async def test_g_5_a_reminder_says_which_state_ends_when_and_what_happens_then() -> None:
    reminder = Reminder(
        case_id="douyin_reship/A1",
        process="douyin_reship",
        shop_id="S1",
        state="awaiting_merchant",
        state_label="待商家处理",
        rule="auto_agree",
        rule_label="超时自动同意",
        deadline=after("48h"),
    )
    with structlog.testing.capture_logs() as lines:
        await ActivityEnvironment().run(reminder_activity(LogNotifier()), reminder)
    (line,) = lines
    assert (line["state"], line["then"], line["deadline"]) == (
        "待商家处理",
        "超时自动同意",
        "2026-01-07T01:00:00+00:00",
    )
