"""The case of a reship: facts, forms, figures, and the guards that follow from them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cases.case import SAMPLE_INSTANT
from cases.douyin_reship import (
    ConsentedRefusal,
    EvidenceAsked,
    Modification,
    Proof,
    Reason,
    Refusal,
    ReshipCase,
    ReshipFacts,
    ReshipPolicy,
    UntrueNumber,
)
from cases.errors import BadForm
from cases.forms import Form, NoForm, Shipment
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


def test_dr_2_an_order_counts_as_shipped_unless_the_record_says_otherwise() -> None:
    assert case().in_time
    assert not case(shipped=False).in_time
    assert "shipped" not in case().facts.model_dump(mode="json")


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


@pytest.mark.parametrize("violation", ["record_late_violation", "record_another_violation"])
def test_dr_11_the_violation_has_no_amount_which_is_not_0(violation: str) -> None:
    assert case().amount(violation) is None


def test_dr_11_by_default_it_is_not_judged_again_and_the_public_figure_is_named_as_its_source() -> None:
    figure = ReshipPolicy().late_again_every

    assert (figure.value, figure.provenance) == (None, "read")
    assert "24 h" in figure.source
    assert case({"late_again_every": "24h"}).due("late_again_every", APPLIED) == APPLIED + timedelta(hours=24)


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


UNTIL = SAMPLE_INSTANT + timedelta(days=3)
ASKED = EvidenceAsked(until=UNTIL)


def learned(*rules: str) -> ReshipCase:
    """Return a case after rules have fired; evidence is asked for until one instant."""
    known = case()
    for rule in rules:
        known = known.apply(rule, ASKED if rule == "ask_evidence" else NoForm(), SAMPLE_INSTANT)
    return known


def test_dr_20_evidence_is_waited_for_until_the_instant_that_was_told() -> None:
    assert learned().instant("evidence_until") is None
    assert learned("ask_evidence").instant("evidence_until") == UNTIL
    assert learned("ask_evidence").evidence_awaited
    assert learned("ask_evidence", "ask_evidence") == learned("ask_evidence")


@pytest.mark.parametrize("meanwhile", [[], ["evidence_over"], ["submit_evidence"]])
@pytest.mark.parametrize("by", [1, 0, -1])
def test_g_12_of_two_instants_for_evidence_the_one_set_last_counts(meanwhile: list[str], by: int) -> None:
    before = learned("ask_evidence", *meanwhile)
    told = UNTIL + timedelta(seconds=by)

    after = before.apply("ask_evidence", EvidenceAsked(until=told), SAMPLE_INSTANT)

    assert after.instant("evidence_until") == told
    assert after.evidence_awaited is (by != 0 or before.evidence_awaited)


def test_dr_20_asked_for_without_an_instant_nothing_is_waited_for() -> None:
    assert case().apply("ask_evidence", None, SAMPLE_INSTANT) == case()


def test_dr_20_whoever_still_hands_in_evidence_is_told_that_it_is_not_waited_for_any_more() -> None:
    [cost] = learned("ask_evidence", "evidence_over").costs("submit_evidence")

    assert (cost.amount, cost.clause) == (None, "DR-20")
    assert "不再等待举证" in cost.note
    for rules in ([], ["ask_evidence"], ["ask_evidence", "submit_evidence"]):
        assert learned(*rules).costs("submit_evidence") == ()
    assert learned("ask_evidence", "evidence_over").costs("withdraw") == ()


@pytest.mark.parametrize("raw", [{}, {"until": None}, {"until": "2026-01-08T09:00:00"}, {"until": "soon"}])
def test_dr_20_the_instant_is_needed_with_its_offset(raw: Any) -> None:
    with pytest.raises(BadForm, match="ask_evidence: until"):
        read(EvidenceAsked, raw, "ask_evidence")


@pytest.mark.parametrize("rule", ["ship", "correct_tracking"])
def test_dr_22_a_number_found_untrue_is_so_until_there_is_another(rule: str) -> None:
    found = case().apply("number_found_untrue", UntrueNumber(shipped=True), SAMPLE_INSTANT)

    assert found.number_untrue
    assert found.apply("sign", NoForm(), SAMPLE_INSTANT).number_untrue
    assert found.apply(rule, Shipment(carrier="SF", tracking_no="SF2"), SAMPLE_INSTANT) == case()


@pytest.mark.parametrize("raw", [{}, {"shipped": None}, {"shipped": "maybe"}])
def test_dr_22_the_platform_says_whether_the_goods_were_shipped(raw: Any) -> None:
    with pytest.raises(BadForm, match="number_found_untrue: shipped"):
        read(UntrueNumber, raw, "number_found_untrue")


def test_g_9_a_case_that_was_opened_before_carries_over_what_it_always_did() -> None:
    assert set(case().model_dump()) == {"facts", "policy", "edition", "new_reason", "marked_out_of_stock"}


@pytest.mark.parametrize(
    ("figure", "length"),
    [
        ("merchant_handling", timedelta(hours=48)),
        ("shipping", timedelta(hours=48)),
        ("buyer_window", timedelta(hours=48)),
        ("silent_completion", timedelta(days=10)),
        ("correcting", timedelta(hours=24)),
    ],
)
def test_dr_4_dr_5_dr_7_dr_9_dr_19_dr_22_clocks_have_the_length_of_the_rule_book(
    figure: str, length: timedelta
) -> None:
    assert case().due(figure, APPLIED) == APPLIED + length


def test_samples_take_every_reason_and_both_ways_to_be_ineligible() -> None:
    samples = ReshipCase.samples()

    assert {sample.facts.reason for sample in samples} == set(Reason)
    assert {(sample.in_time, sample.category_open) for sample in samples} == {
        (True, True),
        (False, True),
        (True, False),
    }
