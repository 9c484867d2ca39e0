"""Reports of platforms: their own deadlines (G-1), and messages late, twice or out of order (G-3)."""

import json
from typing import Any

import pytest

from cases.messages import ExpiryOutcome
from cases.models import LONGEST_QUOTE
from tests.support.rules.machines import REFUSAL, after, fired, machine, report, where
from workflows.engine.case_workflow import take_message
from workflows.engine.machine import CaseMachine
from workflows.engine.state import IGNORED_KEPT


def dues(of: CaseMachine) -> list[Any]:
    return [deadline.due for deadline in of.deadlines()]


def test_g_1_the_platforms_own_deadline_replaces_the_computed_one() -> None:
    case = machine()
    report(case, "1h", deadline="20h")
    assert dues(case) == [after("20h")]
    case.advance(after("20h"))
    assert [expiry.due for expiry in case.state.expiries] == [after("20h")]


def test_g_1_a_later_deadline_calls_off_the_settlement_under_way() -> None:
    case = machine()
    case.advance(after("48h"))
    report(case, "49h", deadline="72h")
    assert not case.state.expiries
    case.check("agree", None, after("49h"))
    assert case.next_instant(after("49h")) == after("60h")


def test_g_1_it_survives_only_in_that_state() -> None:
    case = machine()
    report(case, "1h", deadline="20h")
    case.decide("mark_out_of_stock", None, after("2h"))
    assert dues(case) == [after("20h")]  # the state was not left
    case.decide("agree", None, after("3h"))
    assert dues(case) == [after("51h")]


def test_g_1_a_deadline_with_a_rule_is_the_new_states() -> None:
    case = machine()
    report(case, "3h", rule="agree", deadline="60h")
    assert where(case) == ["awaiting_shipment"]
    assert dues(case) == [after("60h")]


@pytest.mark.parametrize(
    ("stale", "ignored"),
    [({"deadline": "48h", "occurred_at": "1h"}, 0), ({"deadline": "9h"}, 1)],
    ids=["that of the state before", "ends before"],
)
def test_g_1_a_stale_deadline_changes_nothing(stale: dict[str, str], ignored: int) -> None:
    case = machine()
    case.decide("agree", None, after("10h"))
    report(case, "11h", **stale)
    assert dues(case) == [after("58h")]
    assert len(case.state.ignored) == ignored


def test_g_1_a_clock_that_is_not_the_platforms_takes_no_deadline() -> None:
    case = machine()
    report(case, "1h", rule="agree")
    report(case, "2h", rule="ship")
    report(case, "3h", deadline="20h")
    assert dues(case) == [after("2h") + (after("10d") - after("0s"))]
    assert len(case.state.ignored) == 1


def test_g_3_a_repeated_message_changes_nothing() -> None:
    case = machine("other")
    for _ in range(2):
        report(case, "1h", message_id="m1", rule="refuse", form=REFUSAL)
        report(case, "2h", message_id="m2", rule="modify", form={"reason": "other"})
    assert fired(case) == ["refuse", "modify"]
    assert case.state.ignored == []


def test_g_3_messages_without_an_id_are_each_looked_at() -> None:
    case = machine()
    report(case, "1h", rule="withdraw")
    report(case, "1h", rule="withdraw")
    assert [message.rule for message in case.state.ignored] == ["withdraw"]


@pytest.mark.parametrize(
    "message",
    [{"rule": "sign"}, {"rule": "no_such_rule"}, {"rule": "refuse", "form": {"reason": ""}}, {"rule": "modify"}, {}],
)
def test_g_3_what_does_not_apply_is_kept_with_the_reason(message: dict[str, Any]) -> None:
    case = machine()
    report(case, "1h", message_id="m1", **message)
    (ignored,) = case.state.ignored
    assert (ignored.rule, ignored.message_id, bool(ignored.why)) == (message.get("rule"), "m1", True)
    assert fired(case) == []


@pytest.mark.parametrize("junk", [None, 1, "agree", [], [{}], {"rule": 1}, {"occurred_at": "soon"}, {"x": {"y": [1]}}])
def test_g_3_junk_is_kept_as_ignored(junk: Any) -> None:
    case = machine()
    take_message(case, junk, after("1h"))
    assert len(case.state.ignored) == 1


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("field", ["deadline", "occurred_at"])
def test_g_3_never_and_unknown_written_as_far_instants_are_ignored(field: str, instant: str) -> None:
    case = machine()
    take_message(case, {"rule": "agree", field: instant}, after("1h"))
    assert where(case) == ["awaiting_merchant"]
    assert len(case.state.ignored) == 1


def test_g_3_a_message_on_a_closed_case_is_ignored() -> None:
    case = machine()
    report(case, "1h", rule="withdraw")
    report(case, "2h", rule="agree")
    assert [message.rule for message in case.state.ignored] == ["agree"]


def test_g_3_a_late_message_counts_from_its_own_instant() -> None:
    case = machine()
    report(case, "60h", rule="agree", occurred_at="47h")
    assert fired(case) == ["agree"]
    assert dues(case) == [after("95h")]


def test_g_3_what_ran_out_before_a_late_message_goes_first() -> None:
    case = machine("other")
    case.decide("agree", None, after("1h"))
    report(case, "60h", rule="ship", occurred_at="50h")  # the 48 h ran out at 49 h
    assert [expiry.rule for expiry in case.state.expiries] == ["miss_shipment"]
    case.resolve_expiry(case.state.expiries[0].serial, ExpiryOutcome(), after("60h"))
    assert [(entry.rule, entry.clause) for entry in case.state.timeline[1:]] == [
        ("miss_shipment", "DR-9"),
        ("ship", "DR-17"),
    ]
    assert [entry.clause for entry in case.state.ledger] == ["DR-10", "DR-11"]


@pytest.mark.parametrize("message", [{"rule": "withdraw", "occurred_at": "47h"}, {"rule": "withdraw"}])
def test_g_3_a_message_that_may_tell_what_the_clock_led_to_settles_it(message: dict[str, str]) -> None:
    case = machine()
    case.advance(after("48h"))
    report(case, "49h", **message)
    assert where(case) == ["withdrawn"]
    assert case.state.held == []


def test_g_3_a_message_of_a_later_state_waits_for_the_settlement_under_way() -> None:
    case = machine()
    case.advance(after("48h"))
    report(case, "49h", rule="ship", occurred_at="48h30m")
    assert case.state.ignored == []
    case.resolve_expiry(case.state.expiries[0].serial, ExpiryOutcome(), after("50h"))
    assert fired(case) == ["auto_agree", "ship"]
    assert case.state.timeline[-1].at == after("48h30m")


def test_g_3_one_that_still_does_not_fit_after_the_settlement_is_ignored() -> None:
    case = machine()
    case.advance(after("48h"))
    report(case, "49h", rule="sign")
    case.resolve_expiry(case.state.expiries[0].serial, ExpiryOutcome(rule="withdraw"), after("50h"))
    assert [message.rule for message in case.state.ignored] == ["sign"]
    assert case.state.held == []


def test_g_3_a_settlement_that_needs_an_operator_holds_nothing_back() -> None:
    case = machine()
    case.advance(after("48h"))
    case.state.expiries[0].why = "unreachable"
    report(case, "49h", rule="sign")
    assert case.state.held == []
    report(case, "50h", rule="withdraw")
    assert where(case) == ["withdrawn"]
    assert not case.state.needs_operator


def test_g_3_junk_does_not_fill_the_memory_of_a_case() -> None:
    case = machine()
    for number in range(IGNORED_KEPT + 10):
        take_message(case, {"rule": "x" * 2000, f"{number}{'y' * 5000}": 1}, after("1h"))
        take_message(case, {"rule": "x" * 2000}, after("1h"))
    assert case.state.ignored_in_all == 2 * (IGNORED_KEPT + 10)
    assert len(case.state.ignored) == IGNORED_KEPT
    assert all(
        len(entry.why) <= LONGEST_QUOTE and len(entry.rule or "") <= LONGEST_QUOTE for entry in case.state.ignored
    )
    assert len(json.dumps(case.state.model_dump(mode="json"))) < 1_000_000


def test_g_3_an_ignored_message_says_when_it_was_told_and_when_it_happened() -> None:
    case = machine()
    report(case, "5h", rule="sign", occurred_at="3h")
    report(case, "6h", rule="sign")
    assert [(ignored.at, ignored.occurred_at) for ignored in case.state.ignored] == [
        (after("5h"), after("3h")),
        (after("6h"), None),
    ]


@pytest.mark.parametrize(("states", "taken"), [(["awaiting_merchant"], True), (["awaiting_shipment"], False)])
def test_g_1_a_deadline_of_a_named_state_is_that_of_no_other(states: list[str], *, taken: bool) -> None:
    case = machine()
    report(case, "1h", deadline="20h", states=states)
    assert dues(case) == [after("20h" if taken else "48h")]
    assert len(case.state.ignored) == (0 if taken else 1)
