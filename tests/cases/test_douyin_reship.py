"""The case of a reship: facts, forms, figures, and the guards that follow from them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cases.case import SAMPLE_INSTANT
from cases.douyin_reship import (
    ConsentedRefusal,
    Modification,
    Proof,
    Reason,
    Refusal,
    ReshipCase,
    ReshipFacts,
    ReshipPolicy,
)
from cases.errors import BadForm
from cases.forms import Form, NoForm
from cases.models import read

APPLIED = datetime(2026, 1, 20, 1, tzinfo=UTC)
RECORD = {
    "shop_id": "S1",
    "after_sale_id": "A1",
    "order_id": "O1",
    "category_id": "C1",
    "reason": "never_received",
    "order_amount": "128.50",
    "applied_at": APPLIED.isoformat(),
}
CONSENT = {"kind": "buyer_consent", "url": "https://e/consent.png"}
CHAT = {"kind": "chat_screenshot", "url": "https://e/chat.png"}


def facts(**changed: Any) -> ReshipFacts:
    return read(ReshipFacts, RECORD | changed, "opening")


def case(policy: dict[str, Any] | None = None, **changed: Any) -> ReshipCase:
    return ReshipCase(facts=facts(**changed), policy=ReshipPolicy.resolve(policy or {}))


def test_a_record_is_read_and_says_whose_case_it_is() -> None:
    record = facts()

    assert (record.own_id, record.shop, record.order, record.at_stake) == ("A1", "S1", "O1", Decimal("128.50"))


def test_dr_4_the_first_clock_runs_from_the_application() -> None:
    assert facts().began_at == APPLIED


@pytest.mark.parametrize("field", [name for name in RECORD if name != "category_id"])
def test_every_fact_is_needed(field: str) -> None:
    raw = {name: value for name, value in RECORD.items() if name != field}

    with pytest.raises(BadForm, match=f"opening: {field}: 缺少"):
        read(ReshipFacts, raw, "opening")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("order_id", 4711),
        ("order_id", 4711.0),
        ("after_sale_id", "a/b"),
        ("order_amount", "1.234"),
        ("order_amount", "-1"),
        ("applied_at", "2026-01-20T09:00:00"),
        ("received_at", "2026-01-20T09:00:00"),
        ("reason", "changed_my_mind"),
        ("buyer_phone", "13800000000"),
    ],
)
def test_a_fact_that_does_not_fit_is_refused_and_named(field: str, value: Any) -> None:
    with pytest.raises(BadForm, match=f"opening: {field}: "):
        facts(**{field: value})


def test_dr_1_there_are_three_reasons() -> None:
    assert {reason.value for reason in Reason} == {"never_received", "short_shipped", "other"}


@pytest.mark.parametrize(("reason", "path"), [("never_received", True), ("short_shipped", False), ("other", False)])
def test_dr_1_the_reason_chooses_the_path(reason: Any, path: object) -> None:
    assert case(reason=reason).never_received is path


def received(before: timedelta) -> ReshipCase:
    return case(received_at=(APPLIED - before).isoformat())


def test_dr_2_exactly_15_days_after_receipt_is_in_time() -> None:
    assert received(timedelta(days=15)).in_time


def test_dr_2_a_second_more_than_15_days_after_receipt_is_too_late() -> None:
    assert not received(timedelta(days=15, seconds=1)).in_time


def test_dr_2_an_order_not_yet_confirmed_is_in_time() -> None:
    assert case().in_time


def test_dr_2_another_window_of_the_shop_counts() -> None:
    late = {"received_at": (APPLIED - timedelta(days=8)).isoformat()}

    assert not case({"application_window": "7d"}, **late).in_time


def test_dr_3_an_empty_list_opens_every_category() -> None:
    assert case(category_id="anything").category_open


def test_dr_3_a_list_opens_its_categories_only() -> None:
    assert case({"open_categories": ["C1", "C2"]}).category_open
    assert not case({"open_categories": ["C2"]}).category_open


@pytest.mark.parametrize("category", [{"category_id": None}, {}])
@pytest.mark.parametrize("policy", [{}, {"open_categories": ["C2"]}])
def test_dr_3_a_category_that_the_record_does_not_name_is_open(
    category: dict[str, Any], policy: dict[str, Any]
) -> None:
    raw = {name: value for name, value in RECORD.items() if name != "category_id"} | category

    record = read(ReshipFacts, raw, "opening")

    assert record.category_id is None
    assert ReshipCase(facts=record, policy=ReshipPolicy.resolve(policy)).category_open


def test_dr_3_a_category_that_is_named_must_have_a_name() -> None:
    with pytest.raises(BadForm, match="opening: category_id: "):
        facts(category_id="")


def test_dr_10_the_coupon_is_3_cny_an_order() -> None:
    assert str(case().amount("charge_late_penalty")) == "3.00"


def test_dr_10_the_coupon_is_what_the_pinned_policy_says() -> None:
    assert str(case({"late_compensation": "5"}).amount("charge_late_penalty")) == "5.00"


def test_dr_11_the_violation_has_no_amount() -> None:
    assert case().amount("record_late_violation") is None


def test_dr_13_a_mark_stays() -> None:
    marked = case().apply("mark_out_of_stock", NoForm(), SAMPLE_INSTANT)

    assert marked.out_of_stock
    assert marked.apply("agree", NoForm(), SAMPLE_INSTANT).out_of_stock
    assert not case().apply("agree", NoForm(), SAMPLE_INSTANT).out_of_stock


def test_dr_13_a_refusal_agreed_with_the_buyer_needs_proof_of_the_consent() -> None:
    raw = {"reason": "缺货", "after_consent": True}

    with pytest.raises(BadForm, match=r"buyer_consent.*DR-13"):
        read(Refusal, raw, "refuse")
    with pytest.raises(BadForm, match=r"buyer_consent.*DR-13"):
        read(Refusal, raw | {"evidence": [CHAT]}, "refuse")
    assert read(Refusal, raw | {"evidence": [CHAT, CONSENT]}, "refuse").after_consent


def test_dr_13_once_agreed_a_refusal_must_claim_the_consent() -> None:
    raw = {"reason": "缺货", "evidence": [CONSENT]}

    with pytest.raises(BadForm, match=r"after_consent must be true.*DR-13"):
        read(ConsentedRefusal, raw, "refuse")
    assert read(ConsentedRefusal, raw | {"after_consent": True}, "refuse").evidence[0].kind.value == "buyer_consent"


@pytest.mark.parametrize("form", [Refusal, ConsentedRefusal])
@pytest.mark.parametrize("reason", [None, "", "   ", 1])
def test_dr_14_a_refusal_needs_a_reason_text(form: type[Form], reason: Any) -> None:
    raw = {"evidence": [CONSENT], "after_consent": True} | ({} if reason is None else {"reason": reason})

    with pytest.raises(BadForm, match="refuse: reason: "):
        read(form, raw, "refuse")


def test_dr_14_a_refusal_with_a_reason_alone_is_accepted() -> None:
    refusal = read(Refusal, {"reason": "已签收,有物流记录"}, "refuse")

    assert (refusal.evidence, refusal.after_consent) == ((), False)


@pytest.mark.parametrize("reason", Reason)
def test_dr_15_a_modification_brings_its_reason(reason: Any) -> None:
    learned = case(reason="other").apply("modify", Modification(reason=reason), SAMPLE_INSTANT)

    assert learned.never_received is (reason is Reason.NEVER_RECEIVED)


def test_dr_15_a_modification_that_was_only_reported_keeps_the_reason() -> None:
    assert case().apply("modify", None, SAMPLE_INSTANT).never_received


def test_dr_15_what_was_pinned_does_not_change() -> None:
    before = case(reason="other")

    after = before.apply("modify", Modification(reason=Reason.NEVER_RECEIVED), SAMPLE_INSTANT)

    assert (after.facts, after.policy, before.never_received) == (before.facts, before.policy, False)


@pytest.mark.parametrize("raw", [{"reason": "because"}, {}, {"reason": None}])
def test_dr_15_a_modification_has_one_of_the_reasons(raw: Any) -> None:
    with pytest.raises(BadForm, match="modify: reason: "):
        read(Modification, raw, "modify")


def test_dr_18_evidence_is_handed_in_by_the_piece() -> None:
    assert len(read(Proof, {"evidence": [CHAT, CONSENT]}, "submit_evidence").evidence) == 2
    with pytest.raises(BadForm, match="at least 1 item"):
        read(Proof, {"evidence": []}, "submit_evidence")


@pytest.mark.parametrize(
    ("figure", "length"),
    [
        ("merchant_handling", timedelta(hours=48)),
        ("shipping", timedelta(hours=48)),
        ("buyer_window", timedelta(hours=48)),
        ("silent_completion", timedelta(days=10)),
    ],
)
def test_dr_4_dr_5_dr_7_dr_9_dr_19_clocks_have_the_length_of_the_rule_book(figure: str, length: timedelta) -> None:
    assert case().due(figure, APPLIED) == APPLIED + length


def test_samples_take_every_reason_and_both_ways_to_be_ineligible() -> None:
    samples = ReshipCase.samples()

    assert {sample.facts.reason for sample in samples} == set(Reason)
    assert {(sample.in_time, sample.category_open) for sample in samples} == {
        (True, True),
        (False, True),
        (True, False),
    }
