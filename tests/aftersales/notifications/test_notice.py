"""The text of notices: Shanghai time, the consequence of not acting, and the link to the case."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from aftersales.notifications.notice import action_required_notice, outcome_notice, reminder_notice
from cases.messages import ConsoleTask
from tests.support.notifications.notices import ACTION_REQUIRED, CONTEXT, MIDNIGHT, OUTCOME, notice, reminder


def test_g_5_a_reminder_says_until_when_and_what_happens_then() -> None:
    sent = notice(deadline=MIDNIGHT)

    assert sent.text.splitlines() == [
        "【时限提醒】抖店补寄:待商家处理",
        "店铺:S1",
        "案件:A1",
        "当前状态:待商家处理",
        "截止时间:01-06 00:00(北京时间)",
        "逾期未处理:超时自动同意",
        "查看案件:http://127.0.0.1:8233/namespaces/default/workflows/douyin_reship%2FA1",
    ]
    assert (sent.kind, sent.deadline, sent.key) == ("reminder", MIDNIGHT, "k1")


def test_a_reminder_of_an_order_names_it() -> None:
    assert "订单:O2" in notice(order="O2").lines


def test_a_notice_is_late_from_its_deadline_on() -> None:
    sent = notice(deadline=MIDNIGHT)

    assert not sent.is_late(MIDNIGHT - timedelta(seconds=1))
    assert sent.is_late(MIDNIGHT)


def test_ax_9_a_reminder_of_a_deadline_that_escalates_is_an_escalation() -> None:
    words = replace(CONTEXT, escalations=[("douyin_reship", "auto_agree")])
    sent = reminder_notice(reminder(deadline=MIDNIGHT), "k1", words)

    assert (sent.kind, sent.title) == ("escalation", "【升级提醒】抖店补寄:待商家处理")
    assert sent.is_late(MIDNIGHT)


def test_g_7_trouble_says_which_step_and_why_and_what_others_say_is_cut() -> None:
    required = ACTION_REQUIRED.model_copy(update={"why": "x" * 900, "deadline": MIDNIGHT})
    sent = action_required_notice(required, "k2", CONTEXT)

    assert (sent.kind, sent.title) == ("needs_operator", "【需要人工处理】抖店补寄:同意补寄")
    assert max(len(line) for line in sent.lines) < 310
    assert "截止时间:01-06 00:00(北京时间)" in sent.lines
    assert any("retry_effect / done_by_hand (serial 3)" in line for line in sent.lines)


def test_g_7_a_waiting_step_is_notified_even_after_a_deadline() -> None:
    sent = action_required_notice(ACTION_REQUIRED.model_copy(update={"deadline": MIDNIGHT}), "k2", CONTEXT)

    assert not sent.is_late(MIDNIGHT + timedelta(days=1))


def test_g_8_a_task_in_the_console_names_page_and_step() -> None:
    task = ConsoleTask(page="售后工作台", instruction="点击同意")
    sent = action_required_notice(
        ACTION_REQUIRED.model_copy(update={"step": "同意\n退款", "task": task}), "k3", CONTEXT
    )

    assert sent.title == "【需要人工处理】抖店补寄:同意 退款"
    assert {"后台页面:售后工作台", "操作:点击同意"} <= set(sent.lines)
    assert not any("retry_effect" in line for line in sent.lines)


def test_jd_4_a_step_that_escalates_makes_an_escalation() -> None:
    sent = action_required_notice(ACTION_REQUIRED.model_copy(update={"escalates": True}), "k4", CONTEXT)

    assert (sent.kind, sent.title) == ("escalation", "【升级提醒】抖店补寄:同意补寄")


def test_an_outcome_says_who_decided_whether_in_time_and_what_it_cost() -> None:
    sent = outcome_notice(OUTCOME, "k5", CONTEXT)

    assert sent.text.splitlines() == [
        "【案件结果】抖店补寄:已退款",
        "店铺:S1",
        "案件:A1",
        "订单:O1",
        "结果:已退款",
        "结束时间:01-05 12:00(北京时间)",
        "决定方:clock",
        "我方时限:有逾期",
        "预计支出:¥3.00",
        "查看案件:http://127.0.0.1:8233/namespaces/default/workflows/douyin_reship%2FA1",
    ]
    assert (sent.kind, sent.is_late(MIDNIGHT)) == ("outcome", False)


@pytest.mark.parametrize(
    ("lost", "unknown", "line"),
    [
        (None, 1, "预计支出:1 笔金额未知"),
        (None, 0, "预计支出:金额未知"),
        (Decimal("3.00"), 2, "预计支出:¥3.00,另有 2 笔金额未知"),
        (Decimal("0.00"), 1, "预计支出:1 笔金额未知"),
    ],
)
def test_a_cost_that_is_unknown_is_said_to_be_unknown(lost: Decimal | None, unknown: int, line: str) -> None:
    sent = outcome_notice(OUTCOME.model_copy(update={"lost": lost, "unknown_losses": unknown}), "k5", CONTEXT)

    assert [text for text in sent.lines if text.startswith("预计支出")] == [line]


def test_an_outcome_without_cost_or_deadlines_of_ours_says_nothing_of_them() -> None:
    free = {"decided_by": "merchant", "decided_before_deadline": None, "lost": Decimal("0.00")}
    sent = outcome_notice(OUTCOME.model_copy(update=free), "k5", CONTEXT)

    assert "决定方:商家" in sent.lines
    assert not any(line.startswith(("我方时限", "预计支出")) for line in sent.lines)


def test_a_notice_about_a_case_as_a_whole_asks_for_no_step() -> None:
    task = ConsoleTask(page="命令行 / terminal", instruction="aftersales revive douyin_reship/A1")
    required = ACTION_REQUIRED.model_copy(update={"serial": None, "task": task, "why": "工作流被终止"})
    sent = action_required_notice(required, "k1", CONTEXT)

    assert sent.serial is None
    assert "操作:aftersales revive douyin_reship/A1" in sent.lines
    assert not any("done_by_hand" in line for line in sent.lines)


def test_with_a_desk_a_notice_leads_to_the_case_there_and_says_what_to_press() -> None:
    at_the_desk = replace(CONTEXT, desk_at="https://desk.example.com/")
    failed = action_required_notice(
        ACTION_REQUIRED.model_copy(update={"case_id": "douyin_reship/A/1#2"}), "k", at_the_desk
    )
    task = ConsoleTask(page="后台", instruction="点击")
    by_hand = action_required_notice(ACTION_REQUIRED.model_copy(update={"task": task}), "k", at_the_desk)

    assert failed.lines[-1] == "去工作台处理:https://desk.example.com/case/douyin_reship/A/1%232"
    assert any(line.startswith("办妥后:在工作台的案件页点「重试」或「已手工办妥」") for line in failed.lines)
    assert any(
        line.startswith("办妥后:在工作台的案件页点列出的结果,没有列出的点「已手工办妥」") for line in by_hand.lines
    )
    assert "done_by_hand" not in failed.text + by_hand.text
