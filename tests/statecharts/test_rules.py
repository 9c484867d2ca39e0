"""The vocabulary of charts."""

import pytest
from statemachine import State

from statecharts.chart import CaseChart
from statecharts.rules import Party, Rule, after, always, book, by, do, stays, under, upon

tell = do("tell_platform", "告知平台", calls_platform=True)
fine = book("book_fine", "记罚款", clause="T-9")


class Door(CaseChart):
    shut = State("关", initial=True)
    ajar = State("虚掩")
    gone = State("拆除", final=True)

    pull = by(
        Party.MERCHANT,
        "拉开",
        under("T-2", shut.to(ajar, cond="unlocked", on=tell)),
        under("T-1", ajar.to(gone), form="strong_pull"),
        under("T-2", ajar.to(gone, cond="unlocked")),
        form="pull",
    )
    knock = by(Party.BUYER, "敲门", under("T-3", stays(shut, ajar, on=[tell, fine])))
    swing = after(
        "1h", "自行关上", under("T-4", ajar.to(shut)), figure="swinging", of=Party.MERCHANT, run_by=Party.PLATFORM
    )
    rot = after("30d", "朽坏", under("T-5", shut.to(gone)), figure="rotting", of=Party.PROVIDER)
    condemn = always("判定拆除", under("T-6", shut.to(gone, cond="rotten")))
    report = upon("平台拆除", under("T-7", shut.to(gone) | ajar.to(gone)), form="proof")


def test_a_chart_collects_its_rules_in_the_order_of_the_rule_book() -> None:
    assert list(Door.rules) == ["pull", "knock", "swing", "rot", "condemn", "report"]


def test_a_rule_keeps_its_name_label_party_and_form() -> None:
    assert (Door.rules["pull"].id, str(Door.rules["pull"].name), Door.rules["pull"].party, Door.rules["pull"].form) == (
        "pull",
        "拉开",
        Party.MERCHANT,
        "pull",
    )
    assert isinstance(Door.rules["pull"], Rule)


def test_upon_is_the_platforms_fact_and_by_is_not() -> None:
    assert (Door.rules["report"].party, Door.rules["report"].clock, Door.rules["report"].form) == (
        Party.PLATFORM,
        None,
        "proof",
    )
    assert Door.rules["knock"].party is Party.BUYER


def test_a_rule_cites_each_clause_once_in_the_order_of_its_lines() -> None:
    assert Door.rules["pull"].clauses == ("T-2", "T-1")


def test_a_rules_steps_pair_every_move_with_its_line() -> None:
    lines = [(line.clause, line.form, move.source.id) for line, move in Door.rules["pull"].steps()]

    assert lines == [("T-2", None, "shut"), ("T-1", "strong_pull", "ajar"), ("T-2", None, "ajar")]


def test_g_1_only_a_clock_that_the_platform_runs_is_settled_with_it() -> None:
    swing, rot, condemn = Door.rules["swing"].clock, Door.rules["rot"].clock, Door.rules["condemn"].clock

    assert swing
    assert rot
    assert condemn
    assert (swing.figure, swing.of, swing.resolved_by_platform) == ("swinging", Party.MERCHANT, True)
    assert (rot.figure, rot.of, rot.resolved_by_platform) == ("rotting", Party.PROVIDER, False)
    assert (condemn.figure, condemn.resolved_by_platform) == (None, False)


def test_clocks_belong_to_the_clock_whoever_they_run_against() -> None:
    assert {name for name, rule in Door.rules.items() if rule.party is Party.CLOCK} == set(Door.clocks())
    assert set(Door.clocks()) == {"swing", "rot", "condemn"}


def test_stays_has_no_target_and_leaves_from_every_state_named() -> None:
    moves = [move for _, move in Door.rules["knock"].steps()]

    assert [(move.source.id, move.targets) for move in moves] == [("shut", []), ("ajar", [])]


def test_an_effect_calls_the_platform_or_is_a_ledger_entry() -> None:
    assert (tell.effect.name, tell.effect.label, tell.effect.calls_platform, tell.effect.is_ledger_entry) == (
        "tell_platform",
        "告知平台",
        True,
        False,
    )
    assert (fine.effect.calls_platform, fine.effect.is_ledger_entry, fine.effect.clause) == (False, True, "T-9")


@pytest.mark.parametrize("party", list(Party))
def test_every_party_has_a_chinese_name(party: Party) -> None:
    assert party.label
    assert not party.label.isascii()
