"""The reship's rule book, clause by clause and to the second."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from statemachine.exceptions import TransitionNotAllowed

from cases.case import SAMPLE_INSTANT
from cases.douyin_reship import EvidenceAsked, Modification, Reason, ReshipCase, ReshipFacts, ReshipPolicy, UntrueNumber
from statecharts.chart import Snapshot, Step
from statecharts.douyin_reship import DouyinReship
from statecharts.rules import Party, Telling

T0 = SAMPLE_INSTANT
SECOND = timedelta(seconds=1)
H48 = timedelta(hours=48)
D10 = timedelta(days=10)
OTHERS = [Reason.SHORT_SHIPPED, Reason.OTHER]
H24 = timedelta(hours=24)
OLD = "2026-11-26"
"""The edition of the figures before DR-20 to DR-22."""
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


def test_dr_2_an_order_that_was_not_shipped_is_ineligible_at_once() -> None:
    opened = case()
    unshipped = opened.model_copy(update={"facts": opened.facts.model_copy(update={"shipped": False})})

    steps = DouyinReship(unshipped, T0).elapse(T0)

    assert [(step.rule, step.clause, step.reached) for step in steps] == [("screen_out", "DR-2", ("ineligible",))]


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

    assert (step.reached, step.clause, effects(step)) == (
        ("in_transit",),
        "DR-5",
        ["push_tracking_number", "tell_reship"],
    )


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


@pytest.mark.parametrize("edition", [OLD, "2026-11-27"])
@pytest.mark.parametrize("reason", Reason)
def test_dr_10_and_dr_11_are_owed_to_the_ledger_whatever_the_reason(reason: Reason, edition: str) -> None:
    [step] = chart("awaiting_shipment", reason, edition=edition).elapse(T0 + H48)

    assert [(effect.name, effect.clause) for effect in step.effects if effect.is_ledger_entry] == [
        ("charge_late_penalty", "DR-10"),
        ("record_late_violation", "DR-11"),
    ]


def again(every: str | None) -> DouyinReship:
    """Return a reship that was not shipped in time, of a shop that is judged again after so long."""
    policy = ReshipPolicy.resolve({"late_again_every": every, "buyer_window": "30d"} if every else {})
    return chart("overdue", Reason.OTHER, policy=policy)


def test_dr_11_by_default_a_late_shipment_is_judged_once() -> None:
    assert [deadline.rule for deadline in again(None).deadlines()] == ["lapse"]


def test_dr_11_judged_again_every_24_hours_while_unshipped_three_times_in_all() -> None:
    reship = again("24h")

    assert reship.elapse(T0 + H24 - SECOND) == []
    steps = reship.elapse(T0 + timedelta(days=29))

    assert [(step.rule, step.at - T0, step.clause, step.reached) for step in steps] == [
        ("late_again", count * H24, "DR-11", ("overdue",)) for count in (1, 2, 3)
    ]
    assert [[(one.clause, one.each, one.is_ledger_entry) for one in step.effects] for step in steps] == [
        [("DR-11", True, True)]
    ] * 3


@pytest.mark.parametrize(("shipped_at", "times"), [(H24 - SECOND, 0), (H24, 1)])
def test_dr_11_is_not_judged_again_once_shipped(shipped_at: timedelta, times: int) -> None:
    reship = again("24h")

    judged = reship.elapse(T0 + shipped_at)
    reship.step("ship", T0 + shipped_at)

    assert [step.rule for step in [*judged, *reship.elapse(T0 + timedelta(days=5))]] == ["late_again"] * times


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

    assert (step.reached, step.clause, effects(step)) == (
        ("in_transit",),
        "DR-17",
        ["push_tracking_number", "tell_reship"],
    )


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


def test_dr_18_arbitration_has_no_clock_while_no_evidence_is_asked_for() -> None:
    assert list(chart("arbitration").deadlines()) == []
    assert chart("arbitration").elapse(T0 + timedelta(days=3650)) == []


UNTIL = T0 + timedelta(days=3)
ASKED = EvidenceAsked(until=UNTIL)


def after_rules(state: str, *fired: tuple[str, Any, datetime]) -> DouyinReship:
    """Return a chart in a state after rules have fired with their forms."""
    reship = chart(state)
    known = case()
    for rule, form, at in fired:
        reship.step(rule, at, form)
        known = known.apply(rule, form, at)
        reship = DouyinReship(known, at, reship.snapshot())
    return reship


def test_dr_20_evidence_that_is_asked_for_has_a_deadline_of_the_merchant_beside_the_state() -> None:
    reship = after_rules("arbitration", ("ask_evidence", ASKED, T0))

    [deadline] = reship.deadlines()

    assert (deadline.rule, deadline.due, deadline.state) == ("evidence_over", UNTIL, "arbitration")
    assert reship.view.owner(deadline) is Party.MERCHANT
    assert reship.entered == {"arbitration": T0}


def test_dr_20_the_deadline_passes_at_its_instant_not_before_and_the_case_stays_in_arbitration() -> None:
    reship = after_rules("arbitration", ("ask_evidence", ASKED, T0))

    assert reship.elapse(UNTIL - SECOND) == []
    step = reship.step("evidence_over", UNTIL)

    assert (step.reached, step.clause) == (("arbitration",), "DR-20")
    assert [(effect.name, effect.notice) for effect in step.effects] == [("note_evidence_over", True)]


def test_dr_20_once_passed_it_does_not_run_again_and_evidence_can_still_be_handed_in() -> None:
    reship = after_rules("arbitration", ("ask_evidence", ASKED, T0), ("evidence_over", None, UNTIL))

    assert list(reship.deadlines()) == []
    assert moved(reship, "submit_evidence") == ("arbitration", "DR-18")


def test_dr_20_handed_in_in_time_nobody_is_reminded_any_more_but_the_end_is_noted() -> None:
    reship = after_rules("arbitration", ("ask_evidence", ASKED, T0), ("submit_evidence", None, UNTIL - SECOND))

    [deadline] = reship.deadlines()

    assert (deadline.rule, deadline.due) == ("evidence_over", UNTIL)
    assert reship.view.owner(deadline) is Party.PLATFORM
    assert effects(reship.step("evidence_over", UNTIL)) == ["note_evidence_over"]


@pytest.mark.parametrize("by", [SECOND, -SECOND])
@pytest.mark.parametrize("meanwhile", [[], [("submit_evidence", None, T0)]])
def test_g_12_the_deadline_for_evidence_that_was_set_last_counts(by: timedelta, meanwhile: list[Any]) -> None:
    again = ("ask_evidence", EvidenceAsked(until=UNTIL + by), T0 + SECOND)
    reship = after_rules("arbitration", ("ask_evidence", ASKED, T0), *meanwhile, again)

    assert [deadline.due for deadline in reship.deadlines()] == [UNTIL + by]


def test_dr_20_the_same_deadline_told_again_asks_for_nothing_more() -> None:
    handed_in = ("submit_evidence", None, T0)
    reship = after_rules("arbitration", ("ask_evidence", ASKED, T0), handed_in, ("ask_evidence", ASKED, T0 + SECOND))

    [deadline] = reship.deadlines()

    assert (deadline.due, reship.view.owner(deadline)) == (UNTIL, Party.PLATFORM)


def test_dr_20_asked_for_again_after_the_deadline_it_is_waited_for_again() -> None:
    later = EvidenceAsked(until=UNTIL + H24)
    reship = after_rules(
        "arbitration", ("ask_evidence", ASKED, T0), ("evidence_over", None, UNTIL), ("ask_evidence", later, UNTIL)
    )

    [deadline] = reship.deadlines()

    assert (deadline.due, reship.view.owner(deadline)) == (UNTIL + H24, Party.MERCHANT)


def test_dr_20_a_ruling_ends_the_waiting_for_evidence_for_another_arbitration_too() -> None:
    reship = after_rules("arbitration", ("ask_evidence", ASKED, T0), ("rule_reship", None, T0 + SECOND))

    assert [deadline.rule for deadline in reship.deadlines()] == ["miss_shipment"]
    assert "evidence_until" not in case().apply("ask_evidence", ASKED, T0).apply("rule_reship", None, T0).model_dump()


@pytest.mark.parametrize("reason", OTHERS)
def test_dr_21_a_merchant_that_refused_may_still_agree_while_the_buyers_window_runs(reason: Reason) -> None:
    reship = chart("refused", reason)
    agreed = T0 + H48 - SECOND

    step = reship.step("agree", agreed)

    assert (step.reached, step.clause, effects(step)) == (("awaiting_shipment",), "DR-21", ["agree_on_platform"])
    assert reship.elapse(agreed + H48 - SECOND) == []
    assert [step.rule for step in reship.elapse(agreed + H48)] == ["miss_shipment"]


@pytest.mark.parametrize("state", ["refused", "arbitration", "overdue", "in_transit"])
def test_dr_21_there_is_no_agreeing_once_the_window_is_over_nor_in_another_state(state: str) -> None:
    reship = chart(state, Reason.OTHER)
    if state == "refused":
        reship.elapse(T0 + H48)

    with pytest.raises(TransitionNotAllowed):
        reship.step("agree", T0 + H48)


def shipped() -> DouyinReship:
    reship = chart("awaiting_shipment", Reason.OTHER)
    reship.step("ship", T0)
    return reship


def test_dr_22_a_number_can_be_corrected_until_24_hours_after_its_upload() -> None:
    reship = shipped()

    step = reship.step("correct_tracking", T0 + H24 - SECOND)

    assert (step.reached, step.clause, effects(step)) == (("in_transit",), "DR-22", ["correct_number_on_platform"])
    assert reship.entered == {"in_transit": T0}


def test_dr_22_a_number_cannot_be_corrected_24_hours_after_its_upload() -> None:
    reship = shipped()

    assert reship.open_rules(Party.MERCHANT) == ["correct_tracking"]
    with pytest.raises(TransitionNotAllowed):
        reship.step("correct_tracking", T0 + H24)
    assert reship.view.open_rules(Party.MERCHANT, at=T0 + H24) == []


def test_dr_22_correcting_a_number_does_not_prolong_the_24_hours() -> None:
    reship = shipped()
    reship.step("correct_tracking", T0 + H24 - SECOND)

    with pytest.raises(TransitionNotAllowed):
        reship.step("correct_tracking", T0 + H24)


@pytest.mark.parametrize("state", [*BEFORE_SHIPPING, "arbitration"])
def test_dr_22_a_number_is_corrected_and_found_untrue_only_in_transit(state: str) -> None:
    for rule, form in (("correct_tracking", None), ("number_found_untrue", UntrueNumber(shipped=False))):
        with pytest.raises(TransitionNotAllowed):
            chart(state, Reason.OTHER).step(rule, T0, form)


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize(("was_shipped", "to"), [(True, "in_transit"), (False, "overdue")])
def test_dr_22_an_untrue_number_owes_dr_10_and_dr_11_and_is_overdue_if_nothing_was_shipped(
    reason: Reason, to: str, *, was_shipped: bool
) -> None:
    step = chart("in_transit", reason).step("number_found_untrue", T0 + H24, UntrueNumber(shipped=was_shipped))

    assert (step.reached, step.clause) == ((to,), "DR-22")
    assert [(effect.name, effect.clause) for effect in step.effects] == [
        ("charge_late_penalty", "DR-10"),
        ("record_another_violation", "DR-11"),
    ]


def test_dr_22_overdue_by_an_untrue_number_the_buyer_has_a_fresh_48_hours_and_the_merchant_can_ship() -> None:
    reship = chart("in_transit", Reason.OTHER)
    found = T0 + timedelta(days=5)
    reship.step("number_found_untrue", found, UntrueNumber(shipped=False))

    assert [(deadline.rule, deadline.due) for deadline in reship.deadlines()] == [("lapse", found + H48)]
    assert moved(reship, "ship") == ("in_transit", "DR-17")


def test_dr_22_the_same_number_is_found_untrue_once_but_may_turn_out_not_to_have_been_shipped() -> None:
    reship = chart("in_transit", Reason.OTHER, found_untrue=True)

    with pytest.raises(TransitionNotAllowed):
        reship.step("number_found_untrue", T0, UntrueNumber(shipped=True))
    step = reship.step("number_found_untrue", T0, UntrueNumber(shipped=False))
    assert (step.reached, effects(step)) == (("overdue",), [])


def test_g_15_a_refund_stops_the_watch_over_the_orders_shipment() -> None:
    told = [chart("awaiting_shipment").elapse(T0 + H48)[0], chart("arbitration").step("rule_refund", T0)]

    assert [[effect.telling for effect in step.effects if effect.telling] for step in told] == [
        [Telling("douyin_shipment", "refund")]
    ] * 2


NEW_RULES = {
    "correct_tracking": ("in_transit", None),
    "number_found_untrue": ("in_transit", UntrueNumber(shipped=True)),
    "ask_evidence": ("arbitration", ASKED),
    "agree": ("refused", None),
}


@pytest.mark.parametrize("rule", NEW_RULES)
def test_g_9_a_case_keeps_the_rules_with_which_it_was_opened(rule: str) -> None:
    state, form = NEW_RULES[rule]

    with pytest.raises(TransitionNotAllowed):
        chart(state, Reason.OTHER, edition=OLD).step(rule, T0, form)
    missed = chart("awaiting_shipment", edition=OLD).elapse(T0 + H48)[0]
    assert effects(missed) == ["charge_late_penalty", "record_late_violation"]
    assert effects(chart("arbitration", edition=OLD).step("rule_refund", T0)) == []
    judged_again = ReshipPolicy.resolve({"late_again_every": "24h"})
    overdue = chart("overdue", Reason.OTHER, edition=OLD, policy=judged_again)
    assert [deadline.rule for deadline in overdue.deadlines()] == ["lapse"]


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
