"""The reship's rule book, clause by clause and to the second."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from statemachine.exceptions import TransitionNotAllowed

from cases.case import SAMPLE_INSTANT
from cases.douyin_reship import Modification, Reason, ReshipCase, ReshipFacts, ReshipPolicy
from statecharts.chart import Snapshot, Step
from statecharts.douyin_reship import DouyinReship
from statecharts.rules import Party

T0 = SAMPLE_INSTANT
SECOND = timedelta(seconds=1)
H48 = timedelta(hours=48)
D10 = timedelta(days=10)
OTHERS = [Reason.SHORT_SHIPPED, Reason.OTHER]
BEFORE_SHIPPING = ["awaiting_merchant", "awaiting_shipment", "refused", "overdue"]


def case(
    reason: Reason = Reason.NEVER_RECEIVED,
    *,
    received_at: datetime | None = None,
    policy: ReshipPolicy | None = None,
    **known: Any,
) -> ReshipCase:
    facts = ReshipFacts(
        shop_id="S1",
        after_sale_id="A1",
        order_id="O1",
        category_id="C1",
        reason=reason,
        order_amount=Decimal("100.00"),
        applied_at=T0,
        received_at=received_at,
    )
    return ReshipCase(facts=facts, policy=policy or ReshipPolicy(), **known)


def chart(state: str = "awaiting_merchant", reason: Reason = Reason.NEVER_RECEIVED, **known: Any) -> DouyinReship:
    return DouyinReship(case(reason, **known), T0, Snapshot({state: T0}))


def effects(step: Step) -> list[str]:
    return [effect.name for effect in step.effects]


def moved(reship: DouyinReship, rule: str) -> tuple[str, str]:
    """Return the state that a rule leads to, and its clause."""
    step = reship.step(rule, T0 + SECOND)
    return step.reached[0], step.clause


def test_dr_2_applied_in_time_the_case_waits_for_the_merchant() -> None:
    opened = DouyinReship(case(received_at=T0 - timedelta(days=15)), T0)

    assert opened.elapse(T0) == []
    assert list(opened.entered) == ["awaiting_merchant"]


def test_dr_2_applied_too_late_is_ineligible_at_once() -> None:
    opened = DouyinReship(case(received_at=T0 - timedelta(days=15) - SECOND), T0)

    assert [(step.rule, step.at, step.clause, step.reached) for step in opened.elapse(T0)] == [
        ("screen_out", T0, "DR-2", ("ineligible",))
    ]
    assert opened.closed


def test_dr_3_a_category_that_is_not_open_is_ineligible_at_once() -> None:
    closed = ReshipPolicy.resolve({"open_categories": ["C9"]})

    steps = DouyinReship(case(policy=closed), T0).elapse(T0)

    assert [(step.rule, step.clause, step.reached) for step in steps] == [("screen_out", "DR-3", ("ineligible",))]


def test_dr_2_goes_before_dr_3_when_neither_is_met() -> None:
    closed = ReshipPolicy.resolve({"open_categories": ["C9"]})
    late = case(policy=closed, received_at=T0 - timedelta(days=16))

    assert [step.clause for step in DouyinReship(late, T0).elapse(T0)] == ["DR-2"]


@pytest.mark.parametrize("reason", Reason)
def test_dr_4_agreeing_by_hand_is_performed_on_the_platform(reason: Reason) -> None:
    reship = chart(reason=reason)

    step = reship.step("agree", T0 + H48 - SECOND)

    assert (step.reached, step.clause, effects(step)) == (("awaiting_shipment",), "DR-4", ["agree_on_platform"])


@pytest.mark.parametrize("reason", Reason)
def test_dr_4_nothing_happens_in_47_59_59_and_it_is_agreed_at_48_00_00(reason: Reason) -> None:
    reship = DouyinReship(case(reason), T0)

    assert reship.elapse(T0 + H48 - SECOND) == []
    steps = reship.elapse(T0 + H48)

    assert [(step.rule, step.at, step.clause) for step in steps] == [("auto_agree", T0 + H48, "DR-4")]
    assert reship.entered == {"awaiting_shipment": T0 + H48}


def test_dr_4_what_the_platform_agreed_itself_is_not_told_to_it_again() -> None:
    assert DouyinReship(case(), T0).elapse(T0 + H48)[0].effects == ()


def test_dr_5_shipping_in_time_uploads_the_tracking_number() -> None:
    step = chart("awaiting_shipment").step("ship", T0 + H48 - SECOND)

    assert (step.reached, step.clause, effects(step)) == (("in_transit",), "DR-5", ["push_tracking_number"])


def test_dr_5_the_48_hours_run_from_the_agreement_by_hand() -> None:
    reship = DouyinReship(case(), T0)
    agreed = T0 + timedelta(hours=5)
    reship.step("agree", agreed)

    assert reship.elapse(agreed + H48 - SECOND) == []
    assert [step.rule for step in reship.elapse(agreed + H48)] == ["miss_shipment"]


def test_dr_5_the_48_hours_run_from_the_automatic_agreement() -> None:
    reship = DouyinReship(case(), T0)

    assert [step.rule for step in reship.elapse(T0 + 2 * H48 - SECOND)] == ["auto_agree"]
    assert [(step.rule, step.at) for step in reship.elapse(T0 + 2 * H48)] == [("miss_shipment", T0 + 2 * H48)]


def test_dr_6_a_refusal_of_never_received_goes_straight_to_arbitration() -> None:
    step = chart().step("refuse", T0)

    assert (step.reached, step.clause, effects(step)) == (("arbitration",), "DR-6", ["refuse_on_platform"])


@pytest.mark.parametrize("reason", OTHERS)
def test_dr_7_a_refusal_of_other_reasons_waits_for_the_buyer(reason: Reason) -> None:
    step = chart(reason=reason).step("refuse", T0)

    assert (step.reached, step.clause, effects(step)) == (("refused",), "DR-7", ["refuse_on_platform"])


def test_dr_7_the_refused_buyer_may_modify_or_ask_the_platform_in_or_withdraw() -> None:
    assert chart("refused", Reason.OTHER).open_rules(Party.BUYER) == ["modify", "request_intervention", "withdraw"]
    assert moved(chart("refused", Reason.OTHER), "request_intervention") == ("arbitration", "DR-7")


def test_dr_8_never_received_and_not_shipped_is_refunded_at_48_00_00_not_before() -> None:
    reship = chart("awaiting_shipment")

    assert reship.elapse(T0 + H48 - SECOND) == []
    assert [(step.rule, step.at, step.clause, step.reached) for step in reship.elapse(T0 + H48)] == [
        ("miss_shipment", T0 + H48, "DR-8", ("refunded",))
    ]
    assert reship.closed


@pytest.mark.parametrize("reason", OTHERS)
def test_dr_9_other_reasons_and_not_shipped_waits_for_the_buyer_at_48_00_00_not_before(reason: Reason) -> None:
    reship = chart("awaiting_shipment", reason)

    assert reship.elapse(T0 + H48 - SECOND) == []
    assert [(step.rule, step.clause, step.reached) for step in reship.elapse(T0 + H48)] == [
        ("miss_shipment", "DR-9", ("overdue",))
    ]
    assert reship.entered == {"overdue": T0 + H48}


def test_dr_9_the_buyer_left_waiting_may_modify_or_ask_the_platform_in_or_withdraw() -> None:
    assert chart("overdue", Reason.OTHER).open_rules(Party.BUYER) == ["modify", "request_intervention", "withdraw"]
    assert moved(chart("overdue", Reason.OTHER), "request_intervention") == ("arbitration", "DR-9")


@pytest.mark.parametrize("reason", Reason)
def test_dr_10_and_dr_11_are_owed_to_the_ledger_whatever_the_reason(reason: Reason) -> None:
    [step] = chart("awaiting_shipment", reason).elapse(T0 + H48)

    assert [(effect.name, effect.clause, effect.is_ledger_entry) for effect in step.effects] == [
        ("charge_late_penalty", "DR-10", True),
        ("record_late_violation", "DR-11", True),
    ]


@pytest.mark.parametrize("state", [*BEFORE_SHIPPING, "arbitration"])
def test_dr_12_the_buyer_can_withdraw_before_shipping_and_in_arbitration(state: str) -> None:
    assert moved(chart(state, Reason.OTHER), "withdraw") == ("withdrawn", "DR-12")


def test_dr_12_the_buyer_cannot_withdraw_once_the_goods_are_shipped() -> None:
    with pytest.raises(TransitionNotAllowed):
        chart("in_transit").step("withdraw", T0)


@pytest.mark.parametrize("state", ["awaiting_merchant", "awaiting_shipment"])
def test_dr_13_marking_out_of_stock_stays_calls_for_the_buyer_and_leaves_the_clock_running(state: str) -> None:
    reship = chart(state, Reason.OTHER)
    before = list(reship.deadlines())

    step = reship.step("mark_out_of_stock", T0 + timedelta(hours=47))

    assert (step.left, step.reached, step.clause, effects(step)) == ((state,), (state,), "DR-13", ["contact_buyer"])
    assert reship.entered == {state: T0}
    assert list(reship.deadlines()) == before


@pytest.mark.parametrize("state", ["awaiting_merchant", "awaiting_shipment"])
def test_dr_13_what_is_marked_cannot_be_marked_again(state: str) -> None:
    with pytest.raises(TransitionNotAllowed):
        chart(state, marked_out_of_stock=True).step("mark_out_of_stock", T0)


@pytest.mark.parametrize("reason", Reason)
def test_dr_13_once_agreed_there_is_no_refusal_while_the_goods_are_not_marked_out_of_stock(reason: Reason) -> None:
    with pytest.raises(TransitionNotAllowed):
        chart("awaiting_shipment", reason).step("refuse", T0)


@pytest.mark.parametrize(
    ("reason", "to"),
    [(Reason.NEVER_RECEIVED, "arbitration"), (Reason.SHORT_SHIPPED, "refused"), (Reason.OTHER, "refused")],
)
def test_dr_13_out_of_stock_after_agreement_can_be_refused_with_the_buyers_consent(reason: Reason, to: str) -> None:
    reship = chart("awaiting_shipment", reason, marked_out_of_stock=True)
    line = reship.line("refuse")
    assert line
    assert line.form == "consented_refusal"

    step = reship.step("refuse", T0)

    assert (step.reached, step.clause, effects(step)) == ((to,), "DR-13", ["refuse_on_platform"])


def test_dr_13_before_agreement_being_out_of_stock_changes_nothing_about_a_refusal() -> None:
    assert moved(chart(marked_out_of_stock=True), "refuse") == ("arbitration", "DR-6")


@pytest.mark.parametrize("state", ["awaiting_merchant", "awaiting_shipment"])
def test_dr_14_every_refusal_asks_for_the_form_that_has_a_reason(state: str) -> None:
    reship = chart(state, marked_out_of_stock=True)
    line = reship.line("refuse")
    assert line
    form = ReshipCase.form_type(line.form or DouyinReship.rules["refuse"].form)

    assert form.model_fields["reason"].is_required()


@pytest.mark.parametrize("state", ["refused", "overdue"])
def test_dr_15_a_modified_application_starts_anew_with_a_fresh_48_hours(state: str) -> None:
    reship = chart(state, Reason.OTHER)
    modified = T0 + timedelta(hours=30)

    step = reship.step("modify", modified)

    assert (step.reached, step.clause) == (("awaiting_merchant",), "DR-15")
    assert reship.elapse(modified + H48 - SECOND) == []
    assert [step.rule for step in reship.elapse(modified + H48)] == ["auto_agree"]


@pytest.mark.parametrize("state", ["refused", "overdue"])
def test_dr_15_the_new_reason_chooses_the_path(state: str) -> None:
    reship = chart(state, Reason.OTHER)
    reship.step("modify", T0)

    learned = DouyinReship(
        case(Reason.OTHER).apply("modify", Modification(reason=Reason.NEVER_RECEIVED), T0), T0, reship.snapshot()
    )

    assert moved(learned, "refuse") == ("arbitration", "DR-6")


@pytest.mark.parametrize("state", ["refused", "overdue"])
def test_dr_16_the_buyers_window_lapses_at_48_00_00_not_before(state: str) -> None:
    reship = chart(state, Reason.OTHER)

    assert reship.elapse(T0 + H48 - SECOND) == []
    assert [(step.rule, step.at, step.clause, step.reached) for step in reship.elapse(T0 + H48)] == [
        ("lapse", T0 + H48, "DR-16", ("lapsed",))
    ]
    assert reship.closed


def test_dr_17_late_shipping_is_accepted_while_the_buyers_window_runs() -> None:
    step = chart("overdue", Reason.OTHER).step("ship", T0 + H48 - SECOND)

    assert (step.reached, step.clause, effects(step)) == (("in_transit",), "DR-17", ["push_tracking_number"])


def test_dr_17_late_shipping_is_refused_once_the_window_has_lapsed() -> None:
    reship = chart("overdue", Reason.OTHER)
    reship.elapse(T0 + H48)

    with pytest.raises(TransitionNotAllowed):
        reship.step("ship", T0 + H48)


def test_dr_18_evidence_is_handed_in_as_often_as_wanted() -> None:
    reship = chart("arbitration")

    steps = [reship.step("submit_evidence", T0 + timedelta(hours=hour)) for hour in (1, 2)]

    assert [(step.reached, step.clause, effects(step)) for step in steps] == [
        (("arbitration",), "DR-18", ["submit_evidence"])
    ] * 2
    assert reship.entered == {"arbitration": T0}


@pytest.mark.parametrize(
    ("rule", "to"),
    [("rule_reship", "awaiting_shipment"), ("rule_refund", "refunded"), ("rule_dismiss", "dismissed")],
)
def test_dr_18_the_platforms_ruling_ends_arbitration(rule: str, to: str) -> None:
    assert moved(chart("arbitration"), rule) == (to, "DR-18")
    assert DouyinReship.rules[rule].party is Party.PLATFORM


def test_dr_18_a_reship_ruling_gives_a_fresh_48_hours() -> None:
    reship = chart("arbitration")
    ruled = T0 + timedelta(days=9)
    reship.step("rule_reship", ruled)

    assert reship.elapse(ruled + H48 - SECOND) == []
    assert [step.rule for step in reship.elapse(ruled + H48)] == ["miss_shipment"]


def test_dr_18_arbitration_has_no_clock() -> None:
    assert list(chart("arbitration").deadlines()) == []
    assert chart("arbitration").elapse(T0 + timedelta(days=3650)) == []


def test_dr_19_the_buyers_signature_completes_the_case() -> None:
    assert moved(chart("in_transit"), "sign") == ("completed", "DR-19")


def test_dr_19_without_a_message_it_completes_after_10_days_not_a_second_earlier() -> None:
    reship = chart("in_transit")

    assert reship.elapse(T0 + D10 - SECOND) == []
    assert [(step.rule, step.at, step.clause, step.reached) for step in reship.elapse(T0 + D10)] == [
        ("auto_complete", T0 + D10, "DR-19", ("completed",))
    ]


def test_g_1_every_clock_of_the_platform_is_settled_with_it_and_the_10_days_are_our_own() -> None:
    settled = {name for name, clock in DouyinReship.clocks().items() if clock.resolved_by_platform}

    assert settled == {"auto_agree", "miss_shipment", "lapse"}


def test_g_9_a_clock_runs_by_the_figure_of_the_pinned_policy() -> None:
    pinned = ReshipPolicy.resolve({"merchant_handling": "24h"})
    reship = DouyinReship(case(policy=pinned), T0)

    assert reship.elapse(T0 + timedelta(hours=24) - SECOND) == []
    assert [step.rule for step in reship.elapse(T0 + timedelta(hours=24))] == ["auto_agree"]
