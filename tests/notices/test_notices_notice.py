"""What operators read: Shanghai time, what happens where nobody acts, and where the case is."""

from datetime import timedelta

from cases.messages import ConsoleTask
from notices.notice import Trouble, of_trouble
from tests.notices.telling import MIDNIGHT, WORDS, notice


def test_g_5_a_reminder_says_until_when_and_what_happens_then() -> None:
    told = notice(deadline=MIDNIGHT)

    assert told.text.splitlines() == [
        "【时限提醒】抖店补寄:待商家处理",
        "店铺:S1",
        "案件:A1",
        "当前状态:待商家处理",
        "截止时间:01-06 00:00(北京时间)",
        "逾期未处理:超时自动同意",
        "查看案件:http://127.0.0.1:8233/namespaces/default/workflows/douyin_reship%2FA1",
    ]
    assert (told.kind, told.deadline, told.key) == ("reminder", MIDNIGHT, "k1")


def test_a_reminder_of_an_order_names_it() -> None:
    assert "订单:O2" in notice(order="O2").lines


def test_a_notice_is_late_from_its_deadline_on() -> None:
    told = notice(deadline=MIDNIGHT)

    assert not told.is_late(MIDNIGHT - timedelta(seconds=1))
    assert told.is_late(MIDNIGHT)


def test_g_7_trouble_says_which_step_and_why_and_what_others_say_is_cut() -> None:
    trouble = Trouble("douyin_reship/A1", "douyin_reship", "S1", "在平台同意补寄", why="x" * 900, deadline=MIDNIGHT)
    told = of_trouble(trouble, "k2", WORDS)

    assert told.title == "【需要人工处理】抖店补寄:在平台同意补寄"
    assert max(len(line) for line in told.lines) < 310
    assert "截止时间:01-06 00:00(北京时间)" in told.lines


def test_g_8_a_task_in_the_console_names_page_and_step() -> None:
    task = ConsoleTask(page="售后工作台", instruction="点击同意")
    told = of_trouble(Trouble("x/A1", "x", "S1", "同意\n退款", task=task), "k3", WORDS)

    assert told.title == "【需要人工处理】x:同意 退款"
    assert {"后台页面:售后工作台", "操作:点击同意"} <= set(told.lines)
