"""The output of the commands."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from aftersales.cli.cases.render import print_case
from aftersales.cli.output import complain, print_json, print_table, say, when
from cases.plain_text import NOT_PLAIN
from workflows.engine.view import CaseView


def test_json_is_readable_and_chinese_stays_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([{"label": "抖音补寄", "amount": None}])
    printed = capsys.readouterr().out
    assert json.loads(printed) == [{"label": "抖音补寄", "amount": None}]
    assert "抖音补寄" in printed


def test_what_went_wrong_is_one_line_whatever_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    complain("first\n  second\r\nthird")
    assert capsys.readouterr() == ("", "aftersales: first second third\n")


def test_text_is_taken_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    say("[red]店铺[/red] [/] :smile: " + "长" * 200)
    assert capsys.readouterr().out == "[red]店铺[/red] [/] :smile: " + "长" * 200 + "\n"


FORGING = "不行\n  ⏱ 还剩 9d\x1b[2J\x9b1m\u202e\r已同意"


def test_what_others_wrote_is_one_line_and_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"  原因 {FORGING}")
    complain(FORGING)
    print_table(FORGING, ("原因",), [(FORGING,)])
    output = capsys.readouterr()

    said, *table = output.out.splitlines()
    assert said == "  原因 不行   ⏱ 还剩 9d [2J 1m 已同意"
    assert output.err == "aftersales: 不行 ⏱ 还剩 9d [2J 1m 已同意\n"
    assert sum("不行   ⏱" in line for line in table) == 2
    assert not NOT_PLAIN.search(output.out.replace("\n", ""))


def test_json_says_what_others_wrote_and_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"why": FORGING})
    printed = capsys.readouterr().out

    assert json.loads(printed) == {"why": FORGING}
    assert not NOT_PLAIN.search(printed.replace("\n", ""))


def test_a_table_shows_every_cell_also_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("案件", ("编号", "金额"), [("[b]A1[/b]", None), ("A2", 5)])
    printed = capsys.readouterr().out
    assert all(text in printed for text in ("案件", "编号", "[b]A1[/b]", "A2", "5"))
    assert "None" not in printed


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("案件 / cases", ("编号",), [])
    assert capsys.readouterr().out == "案件 / cases: 无 (none)\n"


@pytest.mark.parametrize(
    ("off", "words"), [(timedelta(hours=3, seconds=30), "还剩 3h"), (timedelta(hours=-2, seconds=-90), "已过 2h2m")]
)
def test_an_instant_says_how_far_off_it_is(off: timedelta, words: str) -> None:
    assert when((datetime.now(UTC) + off).isoformat()).endswith(f"({words})")


def test_an_instant_is_shown_in_shanghai_time() -> None:
    assert when("2026-01-05T01:00:00+00:00").startswith("01-05 09:00 (已过 ")


def test_no_instant_shows_nothing() -> None:
    assert when(None) == ""


ORDERS = tuple(f"O{number}" for number in range(2, 7))


def test_a_case_with_everything_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    at = "2026-01-05T01:00:00+00:00"
    expiry = {"serial": 4, "rule": "lapse", "order": None, "why": "平台无响应"}
    fired = {"at": at, "by": "clock", "left": ["awaiting_merchant"], "reached": ["refused"], "clause": "DR-7"}
    decision = {
        "at": at,
        "rule": "ship",
        "label": "补寄发货",
        "order": None,
        "said": None,
        "by": "merchant",
        "serial": 6,
    }
    effect = {"rule": "agree", "order": None, "at": at, "status": "done", "why": None, "note": None, "task": None}
    clock = {"state": "refused", "of": "merchant", "order": None, "due": at, "decided_at": None, "decision": None}
    case = {
        "case_id": "douyin_reship/A1",
        "process": "douyin_reship",
        "label": "抖音补寄",
        "status": "open",
        "finished": False,
        "busy": False,
        "next": None,
        "facts": {
            "shop_id": "S1",
            "order_amount": "129.00",
            "received_at": None,
            "sub_orders": [{"order_id": "O7", "carries_item": True}, {"order_id": "O8", "carries_item": False}],
        },
        "state": ["refused"],
        "state_labels": ["已拒绝待买家处理"],
        "needs_operator": True,
        "waits_for_operator": True,
        "deadlines": [
            clock | {"resolving": True, "label": "买家逾期未处理", "rule": "lapse", "order": "O2"},
            clock
            | {
                "resolving": False,
                "label": "超时自动同意",
                "rule": "auto_agree",
                "decided_at": at,
                "decision": "agree",
            },
        ],
        "actions": [
            {
                "rule": "modify",
                "order": "O4",
                "label": "修改申请",
                "party": "buyer",
                "record": True,
                "clause": "DR-15",
                "fields": "reason",
                "costs": [{"choice": "keep_all", "note": "运费 ¥12.00", "clause": "AX-8", "amount": "12.00"}],
                "form": {},
            }
        ],
        "timeline": [
            {
                "at": at,
                "rule": "refuse",
                "by": "merchant",
                "left": ["awaiting_merchant"],
                "reached": ["refused"],
                "clause": "DR-7",
                "order": "O5",
                "label": "拒绝补寄",
            }
        ],
        "ignored": [{"at": at, "rule": "sign", "message_id": "m1", "why": "当前状态不适用"}],
        "ignored_in_all": 1,
        "expiries": [],
        "held": 0,
        "effects": [
            expiry,
            effect
            | {
                "serial": 1,
                "effect": "x",
                "label": "联系买家",
                "order": "O3",
                "status": "console_task",
                "task": {"page": "抖店后台", "instruction": "联系买家"},
            },
            effect | {"serial": 2, "effect": "y", "label": "已办好的事"},
            effect | {"serial": 5, "effect": "z", "label": "白办的事", "why": "其依据已撤回"},
        ],
        "decisions": [
            decision | {"status": "being_submitted", "why": None, "actor": "王五", "way": "command"},
            decision | {"status": "refused", "why": "运单号已使用", "actor": None, "way": "web_ui"},
        ],
        "taken_back": [fired | {"rule": "auto_agree", "label": "被撤回的步骤", "order": "O9"}],
        "ledger": [
            {
                "key": "k",
                "case_id": "douyin_reship/A1",
                "shop_id": "S1",
                "clause": "DR-10",
                "order": "O6",
                "at": at,
                "amount": "3.00",
            }
        ],
        "reminders": [{"at": at, "state": "refused", "rule": "lapse", "deadline": at}],
        "notifications": [{"at": at, "serial": 1, "why": "PlatformRefused: 机器人已停用"}],
        "policy": {},
    }
    print_case(CaseView.model_validate_json(json.dumps(case)))
    printed = capsys.readouterr().out
    shown = (
        "已届满",
        "届时:超时自动同意",
        "serial 4 resolve_expiry",
        "平台无响应",
        "抖店后台: 联系买家",
        "修改申请",
        "129.00",
    )
    assert [
        text
        for text in (*shown, *ORDERS, "DR-7", "m1", "DR-10", "3.00", "keep_all: 运费 ¥12.00 (AX-8)")
        if text not in printed
    ] == []
    assert "serial 2" not in printed
    told = (
        "… 提交中",
        "王五",
        "命令行",
        "✗ 平台拒绝",
        "运单号已使用",
        "网页",
        "已撤回",
        "被撤回的步骤 O9",
        "⚠️ 已完成:其依据已撤回",
    )
    assert [text for text in told if text not in printed] == []
    assert "  order_amount: 129.00\n" in printed
    assert "received_at" not in printed
