"""The interception's rule book, rule by rule: DS-8, and what cases tell each other (G-15)."""

from typing import Any

import pytest

from cases.errors import BadForm, Refused
from statecharts.chart import Snapshot
from statecharts.douyin_interception import DouyinInterception
from statecharts.rules import Effect, Party, Telling
from tests.support.processes.interceptions import (
    COMPLAINT,
    NEAR,
    OPEN_STATES,
    Interception,
    after,
    interception_in,
)
from tests.support.rules.machines import OPENED
from workflows.engine import decisions

BEFORE_CONFIRMING = ["awaiting_agreement", "choosing", "awaiting_confirmation"]
BEFORE_SUCCESS = [*BEFORE_CONFIRMING, "intercepting"]
GONE = {**NEAR, "out_for_delivery": True}


def allowed(stopped: Interception) -> set[str]:
    return set(decisions.orders_by_rule(decisions.allowed(stopped.machine)))


def effects(state: str, rule: str, **changes: Any) -> list[Effect]:
    """Return the effects of a rule in a state."""
    chart = DouyinInterception(Interception(**changes).machine.case, OPENED, Snapshot({state: OPENED}))
    return list(chart.step(rule, OPENED).effects)


def test_ds_8_a_shop_without_the_agreement_signs_it_first() -> None:
    stopped = Interception(agreement_signed=False)
    assert (stopped.state, stopped.rules) == ("awaiting_agreement", [])

    stopped.act("1h", "sign_agreement")

    assert (stopped.state, stopped.clauses["sign_agreement"]) == ("choosing", "DS-8")
    assert stopped.submitted == ["sign_on_platform"]


def test_ds_8_a_shop_with_the_agreement_chooses_at_once() -> None:
    stopped = Interception()

    assert (stopped.state, stopped.clauses, stopped.submitted) == ("choosing", {"found_agreement": "DS-8"}, [])


def test_g_15_the_agreement_is_told_to_the_other_interceptions_of_the_shop() -> None:
    told = [effect.telling for effect in effects("awaiting_agreement", "sign_agreement") if effect.telling]

    assert told == [Telling("douyin_interception", "agreement_signed", to_shop=True)]


def test_g_15_an_agreement_signed_in_another_interception_is_signed_here_and_not_told_again() -> None:
    stopped = Interception(agreement_signed=False).report("1h", "agreement_signed")

    assert (stopped.state, stopped.clauses, stopped.submitted) == ("choosing", {"agreement_signed": "G-15"}, [])
    assert effects("awaiting_agreement", "agreement_signed") == []
    assert DouyinInterception.rules["agreement_signed"].party is Party.PLATFORM


@pytest.mark.parametrize("state", [state for state in OPEN_STATES if state != "awaiting_agreement"])
def test_g_15_an_agreement_told_to_who_has_it_changes_nothing(state: str) -> None:
    stopped = interception_in(state)
    before = list(stopped.rules)

    stopped.report("2h", "agreement_signed")

    assert (stopped.state, stopped.rules) == (state, before)


@pytest.mark.parametrize("parcel", ["SF1", "YT2"])
def test_ds_8_a_parcel_is_chosen_then_confirmed(parcel: str) -> None:
    stopped = Interception().act("1h", "choose_parcel", {"tracking_no": parcel})
    assert (stopped.state, stopped.submitted) == ("awaiting_confirmation", [])

    stopped.act("2h", "confirm")

    assert (stopped.state, stopped.submitted) == ("intercepting", ["intercept_parcel"])
    assert stopped.clauses["choose_parcel"] == stopped.clauses["confirm"] == "DS-8"


def test_ds_8_a_parcel_is_named() -> None:
    with pytest.raises(BadForm, match="choose_parcel: tracking_no: "):
        Interception().act("1h", "choose_parcel", {})


def test_ds_8_another_parcel_can_be_chosen_before_confirming() -> None:
    stopped = interception_in("awaiting_confirmation").act("2h", "reconsider")
    assert (stopped.state, stopped.machine.case.chosen) == ("choosing", None)

    stopped.act("3h", "choose_parcel", {"tracking_no": "YT2"})

    assert stopped.machine.case.chosen == "YT2"


@pytest.mark.parametrize("rule", ["give_up", "withdraw_refund"])
@pytest.mark.parametrize("state", BEFORE_CONFIRMING)
def test_ds_8_before_confirming_the_merchant_gives_up_or_the_buyer_withdraws(state: str, rule: str) -> None:
    stopped = interception_in(state).act("2h", rule)

    assert (stopped.state, stopped.machine.closed, stopped.clauses[rule]) == ("given_up", True, "DS-8")
    assert stopped.ledger == []


@pytest.mark.parametrize("rule", ["give_up", "withdraw_refund", "reconsider", "choose_parcel"])
@pytest.mark.parametrize("state", [state for state in OPEN_STATES if state not in BEFORE_CONFIRMING])
def test_ds_8_and_not_once_it_is_confirmed(state: str, rule: str) -> None:
    assert rule not in allowed(interception_in(state))


def test_ds_8_it_fails_with_a_reason() -> None:
    stopped = interception_in("intercepting").report("2h", "intercept_fails", {"reason": "快件已到派送网点"})

    assert (stopped.state, stopped.machine.closed, stopped.ledger) == ("failed", True, [])
    assert stopped.machine.state.timeline[-1].form == {"reason": "快件已到派送网点"}


@pytest.mark.parametrize("form", [{}, {"reason": ""}])
def test_ds_8_and_not_without_one(form: dict[str, Any]) -> None:
    stopped = interception_in("intercepting").report("2h", "intercept_fails", form)

    assert stopped.state == "intercepting"
    assert "reason" in stopped.ignored[-1]


def test_ds_8_success_is_not_the_end_and_costs_the_fee() -> None:
    stopped = interception_in("intercepting").report("2h", "intercept_succeeds")

    assert (stopped.state, stopped.machine.closed) == ("returning", False)
    assert stopped.ledger == [("8.00", False)]
    assert [entry.clause for entry in stopped.machine.state.ledger] == ["DS-8"]


def test_ds_8_an_unknown_fee_is_entered_as_unknown_never_as_zero() -> None:
    stopped = interception_in("intercepting", parcel="YT2").report("2h", "intercept_succeeds")

    (entry,) = stopped.machine.state.ledger
    assert (entry.amount, entry.is_unknown) == (None, True)


@pytest.mark.parametrize("rule", ["out_for_delivery", "sign"])
@pytest.mark.parametrize("state", ["awaiting_confirmation", "intercepting"])
def test_ds_8_the_chosen_parcel_out_for_delivery_or_signed_for_before_success_is_too_late(
    state: str, rule: str
) -> None:
    stopped = interception_in(state).report("2h", rule, {"tracking_no": "SF1"})

    assert (stopped.state, stopped.machine.closed, stopped.ledger) == ("too_late", True, [])
    assert stopped.clauses[rule] == stopped.clauses["came_too_late"] == "DS-8"


@pytest.mark.parametrize("form", [{"tracking_no": "SF1"}, None])
@pytest.mark.parametrize("rule", ["out_for_delivery", "sign"])
@pytest.mark.parametrize("state", BEFORE_SUCCESS)
def test_ds_8_and_so_is_the_only_one_even_if_it_is_not_named(
    state: str, rule: str, form: dict[str, Any] | None
) -> None:
    assert interception_in(state, parcels=[NEAR]).report("2h", rule, form).state == "too_late"


@pytest.mark.parametrize("rule", ["out_for_delivery", "sign"])
@pytest.mark.parametrize("state", [*BEFORE_SUCCESS, "returning"])
def test_ds_8_another_parcel_is_noted(state: str, rule: str) -> None:
    stopped = interception_in(state).report("2h", rule, {"tracking_no": "YT2"})

    assert (stopped.state, stopped.rules[-1]) == (state, rule)


@pytest.mark.parametrize("rule", ["out_for_delivery", "sign"])
def test_ds_8_a_report_that_names_none_of_several_parcels_moves_nothing(rule: str) -> None:
    assert interception_in("choosing").report("2h", rule).state == "choosing"


def test_ds_8_with_the_last_parcel_out_for_delivery_it_is_too_late_to_choose() -> None:
    stopped = interception_in("choosing").report("2h", "out_for_delivery", {"tracking_no": "YT2"})
    assert stopped.state == "choosing"

    assert stopped.report("3h", "sign", {"tracking_no": "SF1"}).state == "too_late"


@pytest.mark.parametrize("agreement_signed", [True, False])
def test_ds_8_a_case_whose_only_parcel_is_out_for_delivery_is_too_late_at_its_opening(agreement_signed: object) -> None:
    assert Interception(parcels=[GONE], agreement_signed=agreement_signed).state == "too_late"


def test_ds_8_signed_for_while_returning_it_has_failed_and_the_fee_stays() -> None:
    stopped = interception_in("returning").report("2h", "sign", {"tracking_no": "SF1"})

    assert (stopped.state, stopped.clauses["lost_on_return"]) == ("failed", "DS-8")
    assert stopped.ledger == [("8.00", False)]


def test_ds_8_out_for_delivery_on_the_way_back_is_noted() -> None:
    assert interception_in("returning").report("2h", "out_for_delivery", {"tracking_no": "SF1"}).state == "returning"


def test_g_11_a_delivery_told_late_makes_a_success_too_late_and_takes_the_fee_back() -> None:
    stopped = interception_in("intercepting").report("9h", "intercept_succeeds")
    delivery = {"tracking_no": "SF1"}

    stopped.report("10h", "out_for_delivery", delivery, occurred_at="2026-01-05T08:00:00+00:00")

    assert (stopped.state, stopped.ledger) == ("too_late", [])


def test_ds_8_the_parcel_is_back() -> None:
    stopped = interception_in("returning").act("2h", "arrive")

    assert (stopped.state, stopped.machine.closed, stopped.ledger) == ("returned", True, [("8.00", False)])


@pytest.mark.parametrize("kind", ["lost", "damaged"])
def test_ds_8_or_it_is_lost_or_damaged_on_its_way_back(kind: str) -> None:
    stopped = interception_in("returning").act("2h", "lose", {"kind": kind, "actual_loss": "20.00"})

    assert (stopped.state, stopped.clauses["lose"]) == ("damaged_or_lost", "DS-8")


@pytest.mark.parametrize(
    ("form", "named"),
    [
        ({"kind": "lost"}, "actual_loss"),
        ({"kind": "lost", "actual_loss": "-1.00"}, "actual_loss"),
        ({"actual_loss": "1.00"}, "kind"),
        ({"kind": "stolen", "actual_loss": "1.00"}, "kind"),
    ],
)
def test_ds_8_a_loss_has_its_kind_and_amount(form: dict[str, Any], named: str) -> None:
    with pytest.raises(BadForm, match=f"lose: {named}: "):
        interception_in("returning").act("2h", "lose", form)


@pytest.mark.parametrize(
    ("loss", "expected"), [("999.99", "999.99"), ("1000.00", "1000.00"), ("1000.01", "1000.00"), ("0.00", "0.00")]
)
def test_ds_8_a_complaint_expects_the_actual_loss_at_most_1000_as_income(loss: str, expected: str) -> None:
    stopped = interception_in("returning").act("2h", "lose", {"kind": "damaged", "actual_loss": loss})

    stopped.act("3h", "complain", COMPLAINT)

    assert (stopped.state, stopped.submitted[-1]) == ("complaint", "file_complaint")
    assert stopped.ledger == [("8.00", False), (expected, True)]


@pytest.mark.parametrize("form", [{}, {"evidence": []}])
def test_ds_8_a_complaint_needs_evidence(form: dict[str, Any]) -> None:
    with pytest.raises(BadForm, match="complain: evidence: "):
        interception_in("damaged_or_lost").act("2h", "complain", form)


def test_ds_8_without_a_complaint_nothing_is_expected() -> None:
    stopped = interception_in("damaged_or_lost").act("2h", "waive_complaint")

    assert (stopped.state, stopped.machine.closed, stopped.ledger) == ("uncompensated", True, [("8.00", False)])


def test_ds_8_what_was_really_paid_replaces_what_was_expected() -> None:
    stopped = interception_in("complaint").report("2h", "compensate", {"amount": "640.00"})

    assert (stopped.state, stopped.machine.closed) == ("compensated", True)
    assert stopped.ledger == [("8.00", False), ("640.00", True)]
    assert stopped.taken_back == [("1000.00", True)]


def test_ds_8_a_complaint_rejected_reverses_what_was_expected() -> None:
    stopped = interception_in("complaint").report("2h", "reject_complaint", {"reason": "外包装完好"})

    assert (stopped.state, stopped.machine.closed, stopped.ledger) == ("uncompensated", True, [("8.00", False)])
    assert stopped.taken_back == [("1000.00", True)]


@pytest.mark.parametrize("rule", ["out_for_delivery", "sign"])
def test_ds_8_g_4_a_parcel_out_of_reach_is_refused_with_the_reason_and_nothing_is_written(rule: str) -> None:
    stopped = interception_in("choosing").report("1h", rule, {"tracking_no": "SF1"})
    before = list(stopped.rules)

    with pytest.raises(Refused, match=r"SF1 已.*choosing"):
        stopped.act("2h", "choose_parcel", {"tracking_no": "SF1"})

    assert (stopped.state, stopped.rules, stopped.machine.state.decisions) == ("choosing", before, [])
    assert stopped.act("3h", "choose_parcel", {"tracking_no": "YT2"}).state == "awaiting_confirmation"


def test_ds_8_a_parcel_of_another_order_is_not_chosen_and_a_report_of_it_is_ignored_with_the_reason() -> None:
    stopped = interception_in("choosing")

    with pytest.raises(Refused, match="不是本案件的包裹"):
        stopped.act("1h", "choose_parcel", {"tracking_no": "ZT9"})
    stopped.report("2h", "sign", {"tracking_no": "ZT9"})

    assert stopped.state == "choosing"
    assert "不是本案件的包裹" in stopped.ignored[-1]


def test_g_11_a_choice_told_late_is_judged_by_what_was_known_of_the_parcel_then() -> None:
    stopped = interception_in("choosing").report("5h", "out_for_delivery", {"tracking_no": "SF1"})
    form = {"tracking_no": "SF1", "occurred_at": after("6h").isoformat()}

    with pytest.raises(Refused, match=r"当时不可能.*SF1 已在派送"):
        stopped.act("7h", "choose_parcel", form)


def test_ds_8_what_was_expected_is_taken_back_however_the_complaint_ends() -> None:
    paid, rejected = (effects("complaint", rule) for rule in ("compensate", "reject_complaint"))

    assert [effect.undoes or effect.name for effect in paid] == [("expect_compensation",), "receive_compensation"]
    assert [effect.undoes for effect in rejected] == [("expect_compensation",)]


@pytest.mark.parametrize(
    ("rule", "form"), [("compensate", {}), ("reject_complaint", {}), ("compensate", {"amount": "-1.00"})]
)
def test_ds_8_what_became_of_a_complaint_is_told_with_its_amount_or_reason(rule: str, form: dict[str, Any]) -> None:
    assert interception_in("complaint").report("2h", rule, form).state == "complaint"


def test_g_15_a_refund_that_succeeded_before_the_opening_is_told_once_to_the_shipment_of_the_order() -> None:
    stopped = Interception(refund="succeeded", agreement_signed=False)

    assert (stopped.state, stopped.clauses) == ("awaiting_agreement", {"found_refunded": "G-15"})
    assert stopped.report("2h", "refund_succeeds").rules == ["found_refunded"]
    told = [effect.telling for effect in effects("choosing", "refund_succeeds")]
    assert told == [Telling("douyin_shipment", "refund")]


def test_g_15_a_refund_is_told_also_when_it_is_too_late_for_an_interception() -> None:
    assert Interception(refund="succeeded", parcels=[GONE]).rules == ["found_refunded", "came_too_late"]


@pytest.mark.parametrize("state", OPEN_STATES)
def test_g_15_a_refund_that_succeeds_moves_nothing_and_counts_once(state: str) -> None:
    stopped = interception_in(state).report("2h", "refund_succeeds").report("3h", "refund_succeeds")

    assert (stopped.state, stopped.rules.count("refund_succeeds")) == (state, 1)


def test_g_15_a_refund_that_was_only_applied_for_is_told_to_nobody() -> None:
    assert "found_refunded" not in Interception().rules


def test_g_4_what_is_allowed_is_offered() -> None:
    noted = {"out_for_delivery", "sign", "refund_succeeds"}

    assert {state: allowed(interception_in(state)) - noted for state in OPEN_STATES} == {
        "awaiting_agreement": {"sign_agreement", "agreement_signed", "give_up", "withdraw_refund"},
        "choosing": {"choose_parcel", "give_up", "withdraw_refund"},
        "awaiting_confirmation": {"confirm", "reconsider", "give_up", "withdraw_refund"},
        "intercepting": {"intercept_fails", "intercept_succeeds"},
        "returning": {"arrive", "lose"},
        "damaged_or_lost": {"complain", "waive_complaint"},
        "complaint": {"compensate", "reject_complaint"},
    }


def test_ds_8_whose_rules_they_are() -> None:
    parties = {rule.party: set[str]() for rule in DouyinInterception.rules.values()}
    for name, rule in DouyinInterception.rules.items():
        parties[rule.party].add(name)

    assert parties[Party.MERCHANT] == {
        *("sign_agreement", "choose_parcel", "confirm", "reconsider", "give_up"),
        *("arrive", "lose", "complain", "waive_complaint"),
    }
    assert parties[Party.BUYER] == {"withdraw_refund"}
    assert parties[Party.PLATFORM] >= {
        *("intercept_fails", "intercept_succeeds", "out_for_delivery", "sign", "compensate", "reject_complaint"),
    }
