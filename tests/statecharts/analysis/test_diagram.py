"""The Mermaid diagram of a chart."""

import re
from collections.abc import Mapping

import pytest
from statemachine import HistoryState, State

from statecharts.analysis.diagram import mermaid
from statecharts.chart import CaseChart
from statecharts.douyin_reship import DouyinReship
from statecharts.rules import Party, after, by, do, stays, under

LABELS = {"in_time": "在申请时限内", "never_received": "一直未收到货"}
CLOCKS = {"shipping": "补寄发货时限 48h"}
NAME = r"\w+"
SYNTAX = [
    r"stateDiagram-v2",
    r"direction (LR|TB)",
    rf'state "[^":;#\n]+" as {NAME}( \{{)?',
    rf"(\[\*\]|{NAME}) --> (\[\*\]|{NAME})( : [^:;#\"\n]+)?",
    rf"{NAME} : [^:;#\"\n]+",
    r"--",
    r"\}",
]


class Odd(CaseChart):
    start = State('起"点"', initial=True)
    middle = State("中:间", enter=do("beep", "哔;哔"))
    end_ = State("终#点", final=True)

    go = by(
        Party.MERCHANT,
        "走: 去",
        under("O-1", start.to(middle, cond="dry") | start.to(middle, unless="wet")),
        under("O-2", start.to(middle, cond="wet")),
        under("O-3", middle.to(end_, cond="dry") | middle.to(end_)),
    )
    stand = by(Party.BUYER, "站", under("O-4", stays(start, middle)))


class Regions(CaseChart):
    class work(State.Compound):  # noqa: N801
        class both(State.Parallel):  # noqa: N801
            class left(State.Compound):  # noqa: N801
                left_open = State("左开", initial=True)
                left_done = State("左毕")

            class right(State.Compound):  # noqa: N801
                right_open = State("右开", initial=True)
                right_done = State("右毕")

        stood = HistoryState(type="deep")

    blocked = State("受阻")

    finish_left = after(
        "1h",
        "左届满",
        under("W-1", work.both.left.left_open.to(work.both.left.left_done)),
        figure="slow",
        of=Party.MERCHANT,
    )
    finish_right = by(Party.MERCHANT, "右毕", under("W-2", work.both.right.right_open.to(work.both.right.right_done)))
    block = by(Party.MERCHANT, "受阻", under("W-3", work.to(blocked)))
    unblock = by(Party.MERCHANT, "恢复", under("W-4", blocked.to(work.stood)))


def lines(chart: type[CaseChart], labels: Mapping[str, str] = LABELS, clocks: Mapping[str, str] = CLOCKS) -> list[str]:
    return [line.strip() for line in mermaid(chart, labels, clocks).splitlines() if line.strip()]


@pytest.mark.parametrize("chart", [DouyinReship, Odd, Regions])
def test_every_line_is_one_that_mermaid_can_read(chart: type[CaseChart]) -> None:
    strange = [line for line in lines(chart) if not any(re.fullmatch(form, line) for form in SYNTAX)]

    assert strange == []


@pytest.mark.parametrize("chart", [DouyinReship, Odd, Regions])
def test_arrows_join_states_that_the_diagram_names(chart: type[CaseChart]) -> None:
    text = mermaid(chart, LABELS, CLOCKS)
    ends = {end for arrow in re.findall(r"(\S+) --> (\S+)", text) for end in arrow} - {"[*]"}

    assert ends <= set(re.findall(r'state ".+?" as (\w+)', text))


@pytest.mark.parametrize("chart", [DouyinReship, Odd, Regions])
def test_every_move_of_every_rule_is_drawn(chart: type[CaseChart]) -> None:
    drawn = lines(chart)
    moves = [(rule, line, move) for rule in chart.rules.values() for line, move in rule.steps()]

    for rule, line, move in moves:
        label = str(rule.name).replace(":", "：")
        arrows = [row for row in drawn if " --> " in row and f"{label} {line.clause}" in row]
        assert arrows, f"{rule.id} {move}"


def test_two_moves_with_the_same_source_target_and_rule_are_two_arrows() -> None:
    assert "awaiting_merchant --> ineligible : ⏱ 即时 不予受理 DR-2 [非「在申请时限内」]" in lines(DouyinReship)
    assert "awaiting_merchant --> ineligible : ⏱ 即时 不予受理 DR-3 [在申请时限内 且 非「category_open」]" in lines(
        DouyinReship
    )


def test_moves_that_differ_by_their_guards_alone_are_one_arrow_with_both() -> None:
    drawn = lines(Odd)

    assert "start --> middle : 走： 去 O-1 [dry 或 非「wet」]" in drawn
    assert "start --> middle : 走： 去 O-2 [wet]" in drawn


def test_a_move_without_a_guard_beside_a_guarded_one_is_drawn_without_guards() -> None:
    assert "middle --> end_ : 走： 去 O-3" in lines(Odd)


def test_a_clock_is_drawn_with_its_length_or_its_figures_name() -> None:
    drawn = lines(DouyinReship)

    assert "awaiting_shipment --> overdue : ⏱ 补寄发货时限 48h 超时未发货 DR-9 [非「一直未收到货」]" in drawn
    assert "refused --> lapsed : ⏱ buyer_window 买家逾期未处理 DR-16" in drawn


def test_a_move_without_target_is_a_loop_that_says_that_nothing_changes() -> None:
    assert "arbitration --> arbitration : 提交凭证 DR-18 不变" in lines(DouyinReship)


def test_states_have_chinese_names_and_show_what_entering_them_owes() -> None:
    assert 'state "起”点”" as start' in lines(Odd)
    assert "middle : entry / 哔；哔" in lines(Odd)


def test_final_states_end_and_the_initial_state_begins() -> None:
    drawn = lines(DouyinReship)
    finals = {state.id for state in DouyinReship.states_map.values() if state.final}

    assert "[*] --> awaiting_merchant" in drawn
    assert {line.removesuffix(" --> [*]") for line in drawn if line.endswith("--> [*]")} == finals
