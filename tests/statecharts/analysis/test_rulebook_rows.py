"""The rule book as rows and as a table."""

import pytest
from statemachine import State

from statecharts.analysis.rulebook_rows import HEADERS, RulebookRow, markdown_table, rows, table
from statecharts.chart import CaseChart
from statecharts.douyin_reship import DouyinReship
from statecharts.rules import Party, after, always, book, by, do, stays, under

LABELS = {"never_received": "一直未收到货", "out_of_stock": "已标记缺货"}
CLOCKS = {"shipping": "补寄发货时限 48h", "silent_completion": "无消息自动完成时限 10d"}


class Lamp(CaseChart):
    off = State("灭", initial=True)
    lit = State("亮", enter=do("warm", "变热"))
    out = State("烧毁", final=True)

    light = by(
        Party.PROVIDER,
        "点亮",
        under("L-1", off.to(lit, cond=["dry", "whole"], unless="forbidden", on=book("pay", "付电费", clause="L-8"))),
    )
    peek = by(Party.BUYER, "看|看", under("L-2", stays(off)))
    dim = after("1h", "变暗", under("L-3", lit.to(off)), figure="dimming", of=Party.PROVIDER)
    burst = always("爆裂", under("L-4", lit.to(out, unless="whole")))


def of(rule: str, *, chart: type[CaseChart] = DouyinReship) -> list[RulebookRow]:
    return [row for row in rows(chart, LABELS, CLOCKS) if row.rule == rule]


def test_there_is_one_row_for_every_move_in_the_order_of_the_chart() -> None:
    moves = [(name, move.source.id) for name, rule in DouyinReship.rules.items() for _, move in rule.steps()]

    assert [(row.rule, row.state) for row in rows(DouyinReship, LABELS, CLOCKS)] == moves


def test_two_moves_with_the_same_source_target_and_rule_are_two_rows() -> None:
    assert [(row.clause, row.state, row.to) for row in of("screen_out")] == [
        ("DR-2", "awaiting_merchant", "ineligible"),
        ("DR-3", "awaiting_merchant", "ineligible"),
    ]


def test_guards_are_shown_in_chinese_and_negated_with_fei() -> None:
    assert [row.conditions for row in of("refuse")] == [
        ("一直未收到货",),
        ("非「一直未收到货」",),
        ("已标记缺货", "一直未收到货"),
        ("已标记缺货", "非「一直未收到货」"),
    ]


def test_a_guard_without_a_label_is_shown_by_its_name() -> None:
    assert of("light", chart=Lamp)[0].conditions == ("dry", "whole", "非「forbidden」")


@pytest.mark.parametrize(
    ("rule", "clock", "who"),
    [
        ("miss_shipment", "⏱ 补寄发货时限 48h", "商家时限,平台计时"),
        ("lapse", "⏱ buyer_window", "买家时限,平台计时"),
        ("auto_complete", "⏱ 无消息自动完成时限 10d", "平台时限,本系统计时"),
        ("screen_out", "⏱ 即时", "本系统"),
        ("ship", None, "商家"),
    ],
)
def test_g_1_a_row_says_whose_deadline_it_is_and_who_runs_the_clock(rule: str, clock: str | None, who: str) -> None:
    assert {(row.clock, row.who) for row in of(rule)} == {(clock, who)}


def test_a_move_without_target_is_shown_as_unchanged() -> None:
    assert {(row.to, row.to_label) for row in of("mark_out_of_stock")} == {(None, "不变")}


def test_a_row_says_whether_the_case_ends_there() -> None:
    assert [row.closes for row in of("miss_shipment")] == [True, True, False]


def test_effects_are_the_moves_own_and_those_of_the_state_entered_with_the_ledgers_clause() -> None:
    assert of("light", chart=Lamp)[0].effects == ("付电费(L-8)", "变热")
    assert of("dim", chart=Lamp)[0].effects == ()


def test_the_table_has_the_rule_books_columns_and_a_line_a_row() -> None:
    lines = table(rows(Lamp, {"whole": "完好"}, {})).splitlines()

    assert lines[0] == "| 条款 | 谁 | 当前 | 动作 | 条件 | 变为 | 随即 |"
    assert lines[2] == "| L-1 | 服务商 | 灭 | 点亮 `light` | dry 且 完好 且 非「forbidden」 | 亮 | 付电费(L-8)、变热 |"
    assert lines[4] == "| L-3 | ⏱ dimming(服务商时限,本系统计时) | 亮 | 变暗 `dim` |  | 灭 |  |"
    assert lines[5] == "| L-4 | ⏱ 即时(本系统) | 亮 | 爆裂 `burst` | 非「完好」 | 烧毁(结案) |  |"
    assert len(lines) == 2 + 4


def test_a_bar_or_a_line_break_in_a_cell_does_not_break_the_table() -> None:
    peek = table(of("peek", chart=Lamp)).splitlines()[-1]

    assert peek.replace("\\|", "").count("|") == len(HEADERS) + 1
    assert markdown_table(["a"], [["x\ny"]]).splitlines() == ["| a |", "| --- |", "| x y |"]
