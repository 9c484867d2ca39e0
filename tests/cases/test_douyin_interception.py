"""The case of an interception: facts, forms, the compensation to the cent, and what is told before a decision."""

from decimal import Decimal
from typing import Any

import pytest

from cases.case import SAMPLE_INSTANT
from cases.douyin_interception import (
    CompensationPaid,
    InterceptionCase,
    InterceptionFacts,
    InterceptionLoss,
    InterceptionPolicy,
    InterceptionRefused,
    InterceptionTarget,
    ParcelLoss,
)
from cases.errors import BadForm
from cases.forms import NoForm
from cases.models import read
from tests.support.processes.interceptions import FAR, NEAR, interception_facts

RECORD = interception_facts()


def facts(**changed: Any) -> InterceptionFacts:
    return read(InterceptionFacts, RECORD | changed, "opening")


def case(policy: dict[str, Any] | None = None, **changed: Any) -> InterceptionCase:
    return InterceptionCase(facts=facts(**changed), policy=InterceptionPolicy.resolve(policy or {}))


def chosen(number: str, **changed: Any) -> InterceptionCase:
    return case(**changed).apply("choose_parcel", InterceptionTarget(tracking_no=number), SAMPLE_INSTANT)


def lost(amount: str, policy: dict[str, Any] | None = None) -> InterceptionCase:
    loss = InterceptionLoss(kind=ParcelLoss.LOST, actual_loss=Decimal(amount))
    return case(policy).apply("lose", loss, SAMPLE_INSTANT)


def unfit(of: InterceptionCase, rule: str, number: str) -> str | None:
    return of.unfit(rule, InterceptionTarget(tracking_no=number), SAMPLE_INSTANT)


def test_a_record_is_read_and_says_whose_case_it_is() -> None:
    record = facts()

    assert (record.own_id, record.shop, record.order, record.began_at) == ("A1", "S1", "O1", None)
    assert case().at_stake == Decimal("1580.00")


@pytest.mark.parametrize("field", RECORD)
def test_every_fact_is_needed(field: str) -> None:
    raw = {name: value for name, value in RECORD.items() if name != field}

    with pytest.raises(BadForm, match=f"opening: {field}: 缺少"):
        read(InterceptionFacts, raw, "opening")


@pytest.mark.parametrize("field", [field for field in NEAR if field != "fee"])
def test_ds_8_and_every_fact_of_a_parcel_but_its_fee(field: str) -> None:
    parcel = {name: value for name, value in NEAR.items() if name != field}

    with pytest.raises(BadForm, match=rf"opening: parcels\.0\.{field}: 缺少"):
        facts(parcels=[parcel])
    assert facts(parcels=[FAR]).parcels[0].fee is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("after_sale_id", "a/b"),
        ("order_id", 4711),
        ("refund", "refused"),
        ("agreement_signed", "yes"),
        ("parcels", []),
        ("buyer_phone", "13800000000"),
    ],
)
def test_a_fact_that_does_not_fit_is_refused_and_named(field: str, value: Any) -> None:
    with pytest.raises(BadForm, match=f"opening: {field}: "):
        facts(**{field: value})


def test_ds_8_a_parcel_counts_once() -> None:
    with pytest.raises(BadForm, match="快递单号重复"):
        facts(parcels=[NEAR, {**FAR, "tracking_no": "SF1"}])


@pytest.mark.parametrize("refund", ["applied", "succeeded"])
def test_ds_8_the_buyer_has_applied_for_a_refund_or_has_got_it(refund: str) -> None:
    assert facts(refund=refund).refund == refund
    assert case(refund=refund).refunded is (refund == "succeeded")


def test_ds_8_the_only_parcel_is_meant_without_being_chosen() -> None:
    only, several = case(parcels=[NEAR]), case()

    assert (only.parcel, several.parcel) == (only.facts.parcels[0], None)
    assert chosen("YT2").parcel == several.facts.parcels[1]
    assert chosen("YT2").apply("reconsider", NoForm(), SAMPLE_INSTANT).parcel is None


@pytest.mark.parametrize(
    ("rule", "why"), [("out_for_delivery", "已在派送 / is out for delivery"), ("sign", "已签收 / has been signed for")]
)
def test_ds_8_a_parcel_out_of_reach_is_not_chosen_and_the_refusal_says_why(rule: str, why: str) -> None:
    told = case().apply(rule, InterceptionTarget(tracking_no="SF1"), SAMPLE_INSTANT)

    assert why in (unfit(told, "choose_parcel", "SF1") or "")
    assert unfit(told, "choose_parcel", "YT2") is None
    assert unfit(told, "out_for_delivery", "SF1") is None


def test_ds_8_nor_one_that_was_out_for_delivery_at_the_opening() -> None:
    opened = case(parcels=[{**NEAR, "out_for_delivery": True}, FAR])

    assert "派送" in (unfit(opened, "choose_parcel", "SF1") or "")
    assert unfit(opened, "choose_parcel", "YT2") is None


@pytest.mark.parametrize("rule", ["choose_parcel", "out_for_delivery", "sign"])
def test_ds_8_a_parcel_of_another_order_does_not_fit(rule: str) -> None:
    assert "SF1, YT2" in (unfit(case(), rule, "ZT9") or "")


def test_ds_8_every_other_form_fits() -> None:
    assert case().unfit("confirm", NoForm(), SAMPLE_INSTANT) is None


def test_ds_8_what_is_told_of_parcels_is_kept_once_in_whatever_order() -> None:
    near, far, foreign = (InterceptionTarget(tracking_no=number) for number in ("SF1", "YT2", "ZT9"))
    told = case()
    for form in (far, near, far, foreign, None):
        told = told.apply("out_for_delivery", form, SAMPLE_INSTANT)

    assert told.delivering == ("SF1", "YT2")


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("0.00", "0.00"),
        ("0.01", "0.01"),
        ("999.99", "999.99"),
        ("1000.00", "1000.00"),
        ("1000.01", "1000.00"),
        ("9999999999.99", "1000.00"),
    ],
)
def test_ds_8_the_carrier_pays_the_actual_loss_at_most_1000(loss: str, expected: str) -> None:
    assert str(lost(loss).amount("expect_compensation")) == expected


def test_ds_8_the_cap_is_stated_and_a_shop_may_set_another() -> None:
    cap = InterceptionPolicy().compensation_cap

    assert (cap.clause, cap.provenance) == ("DS-8", "stated")
    assert str(lost("1000.00", {"compensation_cap": "300.00"}).compensation) == "300.00"


def test_ds_8_an_unknown_loss_is_unknown_never_zero() -> None:
    unknown = case().apply("lose", None, SAMPLE_INSTANT)

    assert (unknown.compensation, unknown.amount("expect_compensation")) == (None, None)
    assert case().apply("compensate", None, SAMPLE_INSTANT).amount("receive_compensation") is None


def test_ds_8_what_was_paid_is_what_was_told() -> None:
    paid = lost("50.00").apply("compensate", CompensationPaid(amount=Decimal("45.5")), SAMPLE_INSTANT)

    assert str(paid.amount("receive_compensation")) == "45.50"


def test_ds_8_the_fee_is_that_of_the_parcel_chosen_and_unknown_never_zero() -> None:
    amounts = [chosen(number).amount("charge_fee") for number in ("SF1", "YT2")]

    assert amounts == [Decimal("8.00"), None]
    assert case().amount("charge_fee") is None


def test_ds_8_the_fee_of_every_parcel_in_reach_is_shown_before_one_is_chosen() -> None:
    near, far = case().costs("choose_parcel")

    assert (near.choice, str(near.amount), near.note) == ("SF1", "8.00", "SF SF1:拦截费 ¥8.00")
    assert (far.choice, far.amount, far.note) == ("YT2", None, "YTO YT2:拦截费未知,以抖店页面显示为准")
    gone = case(parcels=[{**NEAR, "out_for_delivery": True}, FAR])
    assert [cost.choice for cost in gone.costs("choose_parcel")] == ["YT2"]


def test_ds_8_the_fee_of_the_chosen_parcel_is_shown_before_it_is_confirmed() -> None:
    [known], [unknown] = chosen("SF1").costs("confirm"), chosen("YT2").costs("confirm")

    assert (str(known.amount), known.clause) == ("8.00", "DS-8")
    assert "¥8.00" in known.note
    assert unknown.amount is None
    assert "拦截费未知" in unknown.note


def test_ds_8_what_a_complaint_brings_is_shown_before_it_is_made_or_waived() -> None:
    [complaint], [waiver] = (lost("1200.00").costs(rule) for rule in ("complain", "waive_complaint"))

    assert (complaint.amount, complaint.note) == (None, "快递公司按实际损失线下赔付,预计 ¥1000.00(最高 ¥1000.00)")
    assert (str(waiver.amount), waiver.note) == ("1000.00", "放弃赔付,预计 ¥1000.00(最高 ¥1000.00)")
    assert "损失金额未知" in case().costs("complain")[0].note


def test_ds_8_the_platform_is_told_the_parcel_chosen() -> None:
    parcel = {"carrier": "YTO", "tracking_no": "YT2"}

    assert chosen("YT2").call_form("intercept_parcel", {}) == parcel
    assert chosen("YT2").call_form("file_complaint", {"evidence": []}) == {"evidence": []}
    assert case().call_form("intercept_parcel", None) is None


def test_ds_8_nothing_else_costs() -> None:
    assert [case().costs(rule) for rule in ("sign_agreement", "give_up", "arrive", "reconsider")] == [()] * 4


@pytest.mark.parametrize("raw", [{}, {"reason": ""}])
def test_ds_8_a_refusal_has_its_reason(raw: dict[str, Any]) -> None:
    with pytest.raises(BadForm, match="intercept_fails: reason: "):
        read(InterceptionRefused, raw, "intercept_fails")


def test_g_15_a_refund_is_told_once() -> None:
    opened, told = case(refund="succeeded"), case()

    assert (opened.refund_untold, told.refund_untold) == (True, False)
    assert not opened.apply("found_refunded", None, SAMPLE_INSTANT).refund_untold
    later = told.apply("refund_succeeds", None, SAMPLE_INSTANT)
    assert (later.refunded, later.refund_untold) == (True, False)


def test_g_9_what_was_pinned_does_not_change() -> None:
    before = case()

    after = before.apply("choose_parcel", InterceptionTarget(tracking_no="SF1"), SAMPLE_INSTANT)

    assert (after.facts, after.policy, before.chosen) == (before.facts, before.policy, None)
