"""Messages that overtook others: kept as ignored, and taken when their turn comes (G-3)."""

from typing import Any

import pytest

from cases.messages import ExpiryOutcome
from tests.support.rules.machines import CONSENTED, REFUSAL, SHIPMENT, after, fired, machine, report, where
from workflows.engine.machine import CaseMachine
from workflows.engine.state import EARLY_KEPT

AGREED = {"rule": "agree", "otherwise": ["auto_agree", "rule_reship"]}


def ignored(of: CaseMachine) -> list[str | None]:
    return [message.rule for message in of.state.ignored]


def test_g_3_a_message_that_overtook_another_applies_once_that_has_arrived() -> None:
    case = machine()
    report(case, "5h", rule="ship", form=SHIPMENT, occurred_at="3h")
    assert (where(case), ignored(case), case.state.ignored_in_all) == (["awaiting_merchant"], ["ship"], 1)

    report(case, "6h", rule="agree", occurred_at="2h")

    assert [(entry.rule, entry.at) for entry in case.state.timeline] == [("agree", after("2h")), ("ship", after("3h"))]
    assert (ignored(case), case.state.ignored_in_all) == ([], 0)
    assert [one.effect for one in case.state.effects] == ["tell_reship"]  # the platform itself reported both


def test_g_3_several_that_overtook_one_apply_in_the_order_that_the_states_allow() -> None:
    case = machine()
    report(case, "5h", rule="sign", occurred_at="4h")
    report(case, "5h", rule="ship", occurred_at="3h")
    report(case, "6h", rule="agree", occurred_at="2h")

    assert fired(case) == ["agree", "ship", "sign"]


def test_g_3_what_a_person_does_brings_on_the_turn_of_an_early_message() -> None:
    case = machine()
    report(case, "5h", rule="ship", occurred_at="5h")
    case.decide("agree", None, after("5h"))

    assert fired(case) == ["agree", "ship"]


def test_g_3_an_echo_of_what_was_done_here_is_never_taken_for_something_later() -> None:
    case = machine("short_shipped")
    case.decide("agree", None, after("1h"))
    report(case, "2h", **AGREED, occurred_at="1h")
    case.decide("mark_out_of_stock", None, after("3h"))
    case.decide("refuse", CONSENTED, after("4h"))
    report(case, "5h", rule="modify", form={"reason": "other"}, occurred_at="5h")

    assert where(case) == ["awaiting_merchant"]
    assert ignored(case) == []  # it says nothing new


@pytest.mark.parametrize(("occurred_at", "taken"), [("3h58m59s", False), ("3h59m", True), ("4h", True)])
def test_g_3_an_early_message_applies_only_within_the_stay_it_tells_of(occurred_at: str, *, taken: bool) -> None:
    case = machine("short_shipped")
    case.decide("refuse", REFUSAL, after("1h"))
    report(case, "6h", rule="auto_agree", occurred_at=occurred_at)
    report(case, "7h", rule="modify", form={"reason": "other"}, occurred_at="4h")

    assert ("auto_agree" in fired(case)) is taken
    assert where(case) == (["awaiting_shipment"] if taken else ["awaiting_merchant"])


def test_g_3_a_message_without_an_instant_is_never_looked_at_again() -> None:
    case = machine()
    report(case, "5h", rule="ship")
    report(case, "6h", rule="agree")

    assert (fired(case), ignored(case)) == (["agree"], ["ship"])


def test_g_3_an_early_message_waits_for_a_settlement_of_the_state_it_leads_on_from() -> None:
    case = machine("other")
    report(case, "60h", rule="ship", occurred_at="50h")
    desk_due = case.state.expiries[0]
    assert desk_due.rule == "auto_agree"
    case.resolve_expiry(desk_due.serial, ExpiryOutcome(), after("60h"))

    assert fired(case) == ["auto_agree", "ship"]


def test_g_3_only_the_latest_early_messages_are_kept_for_another_look() -> None:
    case = machine()
    for number in range(EARLY_KEPT + 5):
        report(case, "5h", rule="sign", message_id=f"m{number}", occurred_at="4h")

    assert len([message for message in case.state.ignored if message.input is not None]) == EARLY_KEPT
    assert len(case.state.inputs) == EARLY_KEPT
    assert case.state.ignored_in_all == EARLY_KEPT + 5


@pytest.mark.parametrize(
    ("state", "message", "rule"),
    [
        ("awaiting_merchant", AGREED, "agree"),
        ("arbitration", AGREED, "rule_reship"),
        ("arbitration", {"rule": "miss_shipment", "otherwise": ["rule_refund"]}, "rule_refund"),
        ("awaiting_shipment", {"rule": "miss_shipment", "otherwise": ["rule_refund"]}, "miss_shipment"),
    ],
)
def test_g_3_a_fact_counts_as_the_first_rule_that_applies_where_the_case_stands(
    state: str, message: dict[str, Any], rule: str
) -> None:
    case = machine()
    if state == "arbitration":
        case.decide("refuse", REFUSAL, after("1h"))
    if state == "awaiting_shipment":
        case.decide("agree", None, after("1h"))
    report(case, "2h", **message)

    assert fired(case)[-1] == rule


def test_g_2_a_fact_that_tells_what_the_clock_led_to_settles_it_under_the_clocks_own_name() -> None:
    case = machine()
    report(case, "49h", **AGREED, occurred_at="48h30m")

    assert fired(case) == ["auto_agree"]
    assert case.state.expiries == []


def test_g_3_one_unknown_name_among_those_a_fact_may_mean_is_told() -> None:
    case = machine()
    report(case, "1h", rule="agree", otherwise=["agreed"])

    assert (where(case), ignored(case)) == (["awaiting_merchant"], ["agree"])


CLOSED = {"rule": "withdraw", "otherwise": ["rule_dismiss", "lapse"]}


@pytest.mark.parametrize(("occurred_at", "rule"), [("48h59m59s", "withdraw"), ("49h", "lapse")])
def test_g_2_a_fact_told_after_the_clock_ran_out_counts_as_what_the_clock_led_to(occurred_at: str, rule: str) -> None:
    case = machine("short_shipped")
    case.decide("refuse", REFUSAL, after("1h"))
    case.advance(after("50h"))
    report(case, "51h", **CLOSED, occurred_at=occurred_at)

    assert fired(case)[-1] == rule


@pytest.mark.parametrize(
    "message", [{"rule": "agree", "occurred_at": "1h"}, {"deadline": "90h", "occurred_at": "1h"}, {"rule": "sign"}]
)
def test_g_3_a_report_from_a_record_that_repeats_old_news_changes_nothing(message: dict[str, Any]) -> None:
    case = machine()
    case.decide("agree", None, after("1h"))
    case.decide("ship", SHIPMENT, after("2h"))
    closed = machine()
    report(closed, "1h", rule="withdraw")
    for machine_ in (case, closed):
        report(machine_, "3h", **message, look=True)

    assert (case.state.ignored, closed.state.ignored) == ([], [])


def test_g_3_what_a_look_at_the_record_tells_first_counts() -> None:
    case = machine()
    report(case, "3h", **AGREED, occurred_at="2h", look=True)

    assert [(entry.rule, entry.at) for entry in case.state.timeline] == [("agree", after("2h"))]


@pytest.mark.parametrize(("occurred_at", "applies"), [("58m59s", False), ("59m", True)])
def test_g_3_a_look_at_a_record_older_than_the_state_moves_nothing(occurred_at: str, *, applies: bool) -> None:
    case = machine("short_shipped")
    case.decide("refuse", REFUSAL, after("1h"))
    report(case, "2h", rule="modify", form={"reason": "other"}, occurred_at=occurred_at, look=True)

    assert where(case) == (["awaiting_merchant"] if applies else ["refused"])


@pytest.mark.parametrize(("occurred_at", "held"), [("48h59m59s", False), ("49h", True)])
def test_g_1_a_deadline_set_once_a_clock_was_over_is_that_of_what_the_clock_led_to(
    occurred_at: str, *, held: bool
) -> None:
    case = machine("other")
    case.decide("agree", None, after("1h"))
    case.advance(after("49h"))
    report(case, "50h", deadline="97h", occurred_at=occurred_at)
    assert [len(case.state.held), len(case.state.expiries)] == ([1, 1] if held else [0, 0])
    for expiry in case.state.expiries:
        case.resolve_expiry(expiry.serial, ExpiryOutcome(), after("51h"))

    assert (where(case), case.deadlines()[0].due) == (["overdue" if held else "awaiting_shipment"], after("97h"))


def test_g_3_a_look_that_did_not_apply_may_be_told_again_and_one_that_did_counts_once() -> None:
    case = machine()
    message = {"rule": "ship", "message_id": "detail/1/2/ship", "occurred_at": "3h", "look": True}
    report(case, "3h", **message)
    case.decide("agree", None, after("2h"))
    for offset in ("4h", "5h"):
        report(case, offset, **message)

    assert fired(case) == ["agree", "ship"]
    assert case.state.seen == ["detail/1/2/ship"]
