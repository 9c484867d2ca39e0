"""The presale shortage's rule book, clause by clause and to the second."""

from datetime import timedelta

import pytest

from cases.errors import BadForm
from statecharts.jd_presale_shortage import JdPresaleShortage
from statecharts.rules import Party
from tests.support.processes.shortages import (
    CALL,
    CONSENT,
    DELETION,
    ENDS,
    OPEN_STATES,
    SECOND,
    SHORTAGE,
    Shortage,
    after,
    shortage_in,
)

LATE = [("JD-14", None)]


def test_the_states_are_those_of_the_rule_book() -> None:
    assert SHORTAGE.states == (*OPEN_STATES, *ENDS)


def test_jd_8_a_case_opens_by_whether_the_balance_was_paid() -> None:
    unpaid, paid = Shortage(), Shortage(paid=True)

    assert (unpaid.state, unpaid.pending, unpaid.fired) == ("negotiating", ["negotiate"], [])
    assert (paid.state, paid.pending, paid.clauses) == ("calling", ["call_buyer"], {"paid_before": "JD-9"})


# JD-8: before the balance is paid


def test_jd_8_the_buyer_agrees_and_the_deposit_is_returned_twofold() -> None:
    shortage = Shortage().act("1h", "buyer_agrees")

    assert (shortage.state, shortage.clauses["buyer_agrees"]) == ("terminated", "JD-8")
    assert (shortage.booked, shortage.pending) == ([("JD-8", "100.00")], ["return_deposit"])
    assert JdPresaleShortage.rules["buyer_agrees"].party is Party.BUYER


def test_jd_8_the_buyer_refuses_and_it_is_shipped_as_promised() -> None:
    shortage = Shortage().act("1h", "buyer_refuses")
    assert (shortage.state, shortage.clauses["buyer_refuses"], shortage.pending) == ("must_ship", "JD-8", [])
    assert shortage.clocks == {"miss_shipping": after("5d")}

    in_time = shortage.ship("119h")

    assert (in_time.state, in_time.clauses["ship"], in_time.booked) == ("shipped", "JD-8", [])
    assert in_time.submitted == ["push_tracking_number"]


@pytest.mark.parametrize("rule", ["buyer_agrees", "buyer_refuses", "pay_balance"])
@pytest.mark.parametrize("state", [state for state in (*OPEN_STATES, *ENDS) if state != "negotiating"])
def test_jd_8_only_before_the_balance_is_paid(state: str, rule: str) -> None:
    assert rule in shortage_in(state).refusal("121h" if state == "lapsed" else "2h", rule)


def test_jd_8_an_order_under_negotiation_is_not_shipped_as_it_is_not_paid() -> None:
    assert "当前状态不允许" in shortage_in("negotiating").refusal("1h", "ship", {"carrier": "JDL", "tracking_no": "1"})


def test_jd_8_never_paid_it_lapses_at_the_promised_time_not_a_second_before() -> None:
    shortage = Shortage().until("5d", by=-SECOND)
    assert shortage.state == "negotiating"

    shortage.until("5d")

    assert (shortage.state, shortage.fired, shortage.booked) == ("lapsed", [("lapse", after("5d"))], [])
    assert shortage.clauses == {"lapse": "JD-8"}
    assert shortage.pending == []


def test_jd_8_the_merchant_is_not_reminded_of_what_is_the_buyers_to_pay() -> None:
    assert Shortage().until("6d").reminded == []


# JD-9: after the balance is paid


def test_jd_9_once_the_balance_is_paid_the_buyer_is_to_be_called() -> None:
    shortage = Shortage().act("1h", "pay_balance")

    assert (shortage.state, shortage.clauses["pay_balance"]) == ("calling", "JD-9")
    assert shortage.pending == ["call_buyer"]


def test_jd_9_the_buyer_is_called_within_24_hours_of_the_promised_time_not_a_second_later() -> None:
    shortage = Shortage(paid=True).until("6d", by=-SECOND)
    assert (shortage.state, shortage.clocks) == ("calling", {"miss_call": after("6d")})

    shortage.until("6d")

    assert (shortage.state, shortage.fired[-1]) == ("late", ("miss_call", after("6d")))
    assert (shortage.clauses["miss_call"], shortage.booked, shortage.pending) == ("JD-9", LATE, [])


@pytest.mark.parametrize(("offset", "state"), [("143h", "awaiting_buyer"), ("144h", "late")])
def test_jd_9_called_at_the_last_hour_it_is_in_time(offset: str, state: str) -> None:
    shortage = Shortage(paid=True).until(offset)

    if state == "late":
        form = {"arrival_at": after("9d").isoformat(), "evidence": [CALL]}
        assert "tell_arrival" in shortage.refusal(offset, "tell_arrival", form)
    else:
        shortage.told(offset)

    assert shortage.state == state


def test_jd_9_an_order_long_overdue_at_its_opening_is_late_at_once() -> None:
    shortage = Shortage(promised="-25h", paid=True)

    assert (shortage.state, shortage.fired[-1]) == ("late", ("miss_call", after("0s")))


def test_jd_9_the_24_hours_are_a_reading_and_a_shop_may_set_others() -> None:
    shortage = Shortage({"contacting": "2h"}, paid=True)

    assert shortage.clocks == {"miss_call": after("122h")}
    assert (SHORTAGE.case.policy_type()().contacting.provenance) == "read"


def test_jd_9_the_merchant_is_reminded_12_and_2_hours_before() -> None:
    shortage = Shortage(paid=True).until("6d")

    assert shortage.reminded == [("miss_call", after("132h")), ("miss_call", after("142h"))]


def test_jd_9_stock_can_be_moved_the_buyer_is_told_the_time_of_arrival() -> None:
    shortage = Shortage(paid=True).told("1h")

    assert (shortage.state, shortage.clauses["tell_arrival"], shortage.pending) == ("awaiting_buyer", "JD-9", [])
    assert "miss_call" not in shortage.clocks


@pytest.mark.parametrize("form", [{"evidence": [CALL]}, {"arrival_at": after("9d").isoformat(), "evidence": []}])
def test_jd_9_told_with_its_time_and_the_proof_of_the_call(form: dict[str, object]) -> None:
    with pytest.raises(BadForm, match="tell_arrival: "):
        Shortage(paid=True).act("1h", "tell_arrival", form)


def test_jd_9_an_accepted_arrival_is_the_new_deadline() -> None:
    shortage = Shortage(paid=True).told("1h", "9d").act("2h", "accept_arrival")
    assert (shortage.state, shortage.clocks) == ("must_ship", {"miss_shipping": after("9d")})

    assert shortage.until("9d", by=-SECOND).state == "must_ship"
    shortage.until("9d")

    assert (shortage.state, shortage.clauses["miss_shipping"], shortage.booked) == ("late", "JD-14", LATE)


def test_jd_9_shipped_a_second_before_the_accepted_arrival_it_is_in_time() -> None:
    shortage = Shortage(paid=True).told("1h", "9d").act("2h", "accept_arrival").until("9d", by=-SECOND)

    shortage.machine.decide("ship", {"carrier": "JDL", "tracking_no": "1"}, after("9d") - SECOND)

    assert (shortage.state, shortage.booked) == ("shipped", [])


def test_jd_9_a_refused_arrival_counts_as_late() -> None:
    shortage = Shortage(paid=True).told("1h").act("2h", "refuse_arrival")

    assert (shortage.state, shortage.clauses["refuse_arrival"], shortage.booked) == ("late", "JD-9", LATE)


def test_jd_9_a_buyer_silent_for_24_hours_is_escalated_once_and_still_waited_for() -> None:
    shortage = Shortage(paid=True).told("1h").until("25h", by=-SECOND)
    assert shortage.pending == []

    shortage.until("30d")

    assert [(rule, at) for rule, at in shortage.fired if rule == "buyer_silent"] == [("buyer_silent", after("25h"))]
    assert (shortage.state, shortage.pending) == ("awaiting_buyer", ["urge_buyer"])
    assert shortage.act("30d", "accept_arrival").state == "late"  # the time of arrival is past


@pytest.mark.parametrize("rule", ["accept_arrival", "refuse_arrival"])
def test_jd_9_an_answer_ends_the_escalation(rule: str) -> None:
    shortage = Shortage(paid=True).told("1h").until("30h").act("31h", rule)

    assert shortage.pending == []


@pytest.mark.parametrize("state", ["calling", "awaiting_buyer"])
def test_jd_9_a_deletion_is_filed_with_the_buyers_explicit_consent(state: str) -> None:
    shortage = shortage_in(state).act("2h", "file_deletion", {"evidence": [CALL, CONSENT]})

    assert (shortage.state, shortage.clauses["file_deletion"]) == ("deletion_review", "JD-9")
    assert (shortage.submitted, shortage.pending) == (["request_deletion"], [])


@pytest.mark.parametrize("evidence", [[], [CALL]])
def test_jd_9_without_the_buyers_consent_it_is_not(evidence: list[dict[str, str]]) -> None:
    with pytest.raises(BadForm, match="file_deletion"):
        Shortage(paid=True).act("1h", "file_deletion", {"evidence": evidence})


@pytest.mark.parametrize("state", [state for state in OPEN_STATES if state not in ("calling", "awaiting_buyer")])
def test_jd_9_nor_from_any_other_state(state: str) -> None:
    assert "当前状态不允许" in shortage_in(state).refusal("2h", "file_deletion", DELETION)


def test_jd_9_once_it_is_deleted_the_deposit_is_returned_twofold() -> None:
    shortage = shortage_in("deletion_review").report("2h", rule="approve_deletion")

    assert (shortage.state, shortage.clauses["approve_deletion"]) == ("terminated", "JD-9")
    assert (shortage.booked, shortage.pending) == ([("JD-9", "100.00")], ["return_deposit"])
    assert JdPresaleShortage.rules["approve_deletion"].party is Party.PLATFORM


@pytest.mark.parametrize(("at", "state"), [("119h", "must_ship"), ("120h", "late"), ("140h", "late")])
def test_jd_9_a_deletion_refused_leaves_the_promised_time_and_one_already_past_runs_out_at_once(
    at: str, state: str
) -> None:
    shortage = shortage_in("deletion_review").report(at, rule="refuse_deletion", form={"reason": "凭证不清晰"})

    assert (shortage.state, shortage.clauses["refuse_deletion"]) == (state, "JD-9")
    assert shortage.booked == (LATE if state == "late" else [])


def test_jd_9_an_arrival_that_was_told_but_not_accepted_is_no_deadline() -> None:
    shortage = shortage_in("awaiting_buyer").act("2h", "file_deletion", DELETION)

    shortage.report("3h", rule="refuse_deletion", form={"reason": "凭证不清晰"})

    assert shortage.clocks == {"miss_shipping": after("5d")}


@pytest.mark.parametrize("state", [state for state in OPEN_STATES if state != "negotiating"])
def test_jd_9_it_can_be_shipped_from_every_open_state_once_the_balance_is_paid(state: str) -> None:
    shortage = shortage_in(state).ship("2h")

    assert (shortage.state, shortage.submitted[-1], shortage.booked) == ("shipped", "push_tracking_number", [])
    assert shortage.pending == []


@pytest.mark.parametrize("state", ENDS)
def test_jd_9_an_order_that_has_ended_is_not_shipped(state: str) -> None:
    shipment = {"carrier": "JDL", "tracking_no": "JD2"}

    assert "案件已结束" in shortage_in(state).refusal("121h" if state == "lapsed" else "2h", "ship", shipment)


# JD-14: one late order


def test_jd_14_a_late_order_counts_once_an_order_whoever_saw_it() -> None:
    (entry,) = shortage_in("late").machine.state.ledger

    assert (entry.clause, entry.counted, entry.once_an_order, entry.amount) == ("JD-14", True, True, None)


@pytest.mark.parametrize("state", [state for state in OPEN_STATES if state != "must_ship"])
def test_jd_14_passing_the_promised_time_elsewhere_is_not_yet_late(state: str) -> None:
    shortage = shortage_in(state).until("5d", by=timedelta(hours=1))

    assert shortage.state == ("lapsed" if state == "negotiating" else state)
    assert shortage.booked == []


# G-11 and G-15


def test_g_11_told_late_that_it_was_shipped_in_time_it_is_not_late() -> None:
    shortage = Shortage().act("1h", "buyer_refuses").until("121h")
    assert (shortage.state, shortage.booked) == ("late", LATE)

    shortage.act("122h", "ship", {"carrier": "JDL", "tracking_no": "1", "occurred_at": after("119h").isoformat()})

    assert (shortage.state, shortage.booked) == ("shipped", [])
    assert [entry.status for entry in shortage.machine.state.reversed] == ["reversed"]


@pytest.mark.parametrize(
    ("effect", "rule"), [("stop_watch_of_cancelled", "cancel_order"), ("stop_watch_of_deleted", "delete_order")]
)
def test_g_15_the_shipping_watch_of_the_order_is_told_that_it_has_ended(effect: str, rule: str) -> None:
    telling = SHORTAGE.effects()[effect].telling

    assert telling is not None
    assert (telling.process, telling.rule, telling.to_shop) == ("jd_shipment", rule, False)
