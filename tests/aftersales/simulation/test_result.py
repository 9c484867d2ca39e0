"""What ``simulate`` prints of a case: decisions and what became of them, and what was taken back."""

from datetime import timedelta
from typing import Any

import pytest

from aftersales.cli.rules.render_simulation import print_simulation
from aftersales.simulation.result import in_seconds
from aftersales.simulation.virtual_time import RestingCase
from tests.support.rules.machines import OPENED, after, machine
from workflows.engine.view import CaseView, DecisionStatus, DecisionView, TimelineView, view


def decision(at: str, rule: str, status: DecisionStatus, **fields: Any) -> DecisionView:
    unset = dict.fromkeys(("order", "why", "said", "actor", "way"))
    shown = {**unset, "label": rule, "by": "merchant", "serial": 1, **fields}
    return DecisionView(at=after(at), rule=rule, status=status, **shown)


REFUSED = decision("1h", "agree", "refused", why="店铺被处罚")
SUBMITTED = decision("2h", "refuse", "being_submitted", actor="王五", way="command")
DROPPED = decision("3h", "ship", "dropped", why="时限已届满")
TAKEN = decision("4h", "agree", "taken")
UNDONE = TimelineView(
    at=after("48h"),
    rule="auto_agree",
    by="clock",
    left=["awaiting_merchant"],
    reached=["awaiting_shipment"],
    clause="DR-4",
    label="超时自动同意",
)


def case(**fields: Any) -> CaseView:
    return view(machine(), OPENED).model_copy(update=fields)


def result(**fields: Any) -> dict[str, Any]:
    history = {"history": {"events": 1, "bytes": 1}}
    return in_seconds(case(**fields), OPENED, [{"at": 3600, "rule": "agree", "error": "店铺被处罚"}], []) | history


def test_g_10_each_decision_says_what_became_of_it() -> None:
    assert result(decisions=[REFUSED, SUBMITTED, DROPPED, TAKEN])["decisions"] == [
        {"at": 3600, "rule": "agree", "status": "refused", "why": "店铺被处罚"},
        {"at": 7200, "rule": "refuse", "status": "being_submitted", "why": None},
        {"at": 10800, "rule": "ship", "status": "dropped", "why": "时限已届满"},
        {"at": 14400, "rule": "agree", "status": "taken", "why": None},
    ]


def test_g_11_what_was_taken_back_has_the_shape_of_what_fired() -> None:
    (undone,) = result(taken_back=[UNDONE])["taken_back"]
    assert undone == {
        "at": 48 * 3600,
        "rule": "auto_agree",
        "by": "clock",
        "from": ["awaiting_merchant"],
        "to": ["awaiting_shipment"],
        "clause": "DR-4",
        "order": None,
    }


def test_people_are_shown_what_has_not_counted_and_each_refusal_once(capsys: pytest.CaptureFixture[str]) -> None:
    print_simulation(result(decisions=[REFUSED, SUBMITTED, DROPPED, TAKEN], taken_back=[UNDONE]))
    shown = capsys.readouterr().out
    assert all(text in shown for text in ("提交中", "已作废:时限已届满", "已撤回:→ 待补寄发货")), shown
    assert shown.count("店铺被处罚") == 1


def test_g_11_a_case_that_has_closed_is_over_although_facts_may_still_be_told() -> None:
    def resting(**fields: Any) -> RestingCase:
        return RestingCase(case(next=after("7d"), **fields), OPENED, timedelta(), 5)

    assert resting(status="closed", finished=False, busy=False).closed
    assert resting(status="closed", finished=True, busy=False).closed
    assert not resting(status="closed", finished=False, busy=True).closed
    assert not resting(status="open", finished=False, busy=False).closed
    assert resting(status="closed", finished=False, busy=False).upcoming == timedelta(days=7)
