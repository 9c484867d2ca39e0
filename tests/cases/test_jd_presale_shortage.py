"""The case of a presale shortage: facts, forms, figures, amounts and costs."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cases.case import SAMPLE_INSTANT
from cases.errors import BadForm
from cases.forms import NoForm
from cases.jd_presale_shortage import (
    ArrivalTold,
    DeletionRefusal,
    DeletionRequest,
    ShortageCase,
    ShortageFacts,
    ShortagePolicy,
)
from cases.models import read

T0 = datetime(2026, 1, 20, 1, tzinfo=UTC)
PROMISED = T0 + timedelta(days=5)
ARRIVAL = T0 + timedelta(days=9)
RECORD = {
    "shop_id": "S1",
    "order_id": "O1",
    "deposit": "50.00",
    "balance_paid": False,
    "promised_ship_at": PROMISED.isoformat(),
}
CALL = {"kind": "call_record", "url": "https://e/call.mp3"}
CONSENT = {"kind": "buyer_consent", "url": "https://e/chat.png"}


def facts(**changed: Any) -> ShortageFacts:
    return read(ShortageFacts, RECORD | changed, "opening")


def case(policy: dict[str, Any] | None = None, **changed: Any) -> ShortageCase:
    return ShortageCase(facts=facts(**changed), policy=ShortagePolicy.resolve(policy or {}))


def told(of: ShortageCase) -> ShortageCase:
    form = read(ArrivalTold, {"arrival_at": ARRIVAL.isoformat(), "evidence": [CALL]}, "tell_arrival")
    return of.apply("tell_arrival", form, SAMPLE_INSTANT)


def test_a_case_is_known_by_its_order_and_twice_the_deposit_is_at_stake() -> None:
    record = facts()

    assert (record.own_id, record.shop, record.order, record.began_at) == ("O1", "S1", "O1", None)
    assert case().at_stake == Decimal("100.00")


@pytest.mark.parametrize("field", RECORD)
def test_every_fact_is_needed(field: str) -> None:
    raw = {name: value for name, value in RECORD.items() if name != field}

    with pytest.raises(BadForm, match=f"opening: {field}: 缺少"):
        read(ShortageFacts, raw, "opening")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("order_id", 4711),
        ("order_id", "a/b"),
        ("deposit", "-0.01"),
        ("deposit", "1.001"),
        ("balance_paid", "maybe"),
        ("promised_ship_at", "2026-01-20T09:00:00"),
        ("buyer_phone", "13800000000"),
    ],
)
def test_a_fact_that_does_not_fit_is_refused_and_named(field: str, value: Any) -> None:
    with pytest.raises(BadForm, match=f"opening: {field}: "):
        facts(**{field: value})


@pytest.mark.parametrize(
    ("figure", "shown", "clause", "provenance"),
    [
        ("contacting", "24h", "JD-9", "read"),
        ("answering", "24h", "JD-9", "assumed"),
        ("deposit_times", "2", "JD-8, JD-9", "stated"),
    ],
)
def test_jd_8_jd_9_figures_say_where_they_are_from(figure: str, shown: str, clause: str, provenance: str) -> None:
    declared = getattr(ShortagePolicy(), figure)

    assert (declared.show(), declared.clause, declared.provenance) == (shown, clause, provenance)
    assert ShortagePolicy.label(figure) != figure


@pytest.mark.parametrize(("deposit", "returned"), [("50.00", "100.00"), ("0.00", "0.00"), ("33.33", "66.66")])
def test_jd_8_jd_9_the_deposit_goes_back_twofold(deposit: str, returned: str) -> None:
    shortage = case(deposit=deposit)

    assert [str(shortage.amount(effect)) for effect in ("pay_before_balance", "pay_after_balance")] == [returned] * 2
    assert shortage.amount("record_late_order") is None


def test_jd_8_jd_9_another_factor_is_rounded_half_up_to_the_cent() -> None:
    assert str(case({"deposit_times": "1.5"}, deposit="33.33").returned) == "50.00"
    assert str(case({"deposit_times": "1.5"}, deposit="0.01").returned) == "0.02"


def test_jd_9_an_arrival_counts_once_it_is_accepted() -> None:
    shortage = case()
    assert shortage.ship_by == told(shortage).ship_by == PROMISED

    accepted = told(shortage).apply("accept_arrival", NoForm(), SAMPLE_INSTANT)

    assert (accepted.ship_by, accepted.instant("ship_by")) == (ARRIVAL, ARRIVAL)
    assert shortage.apply("accept_arrival", None, SAMPLE_INSTANT).ship_by == PROMISED


def test_jd_9_a_deletion_needs_the_buyers_consent() -> None:
    assert read(DeletionRequest, {"evidence": [CALL, CONSENT]}, "file_deletion").evidence
    with pytest.raises(BadForm, match="buyer_consent"):
        read(DeletionRequest, {"evidence": [CALL]}, "file_deletion")
    with pytest.raises(BadForm, match="evidence"):
        read(DeletionRequest, {"evidence": []}, "file_deletion")


@pytest.mark.parametrize("reason", [None, " "])
def test_jd_9_a_deletion_is_refused_with_a_reason(reason: str | None) -> None:
    with pytest.raises(BadForm, match="reason"):
        read(DeletionRefusal, {"reason": reason}, "refuse_deletion")


@pytest.mark.parametrize(
    ("rule", "amount", "clause", "said"),
    [
        ("buyer_agrees", Decimal("100.00"), "JD-8", "双倍返还定金 ¥100.00"),
        ("file_deletion", Decimal("100.00"), "JD-9", "双倍返还定金 ¥100.00"),
        ("tell_arrival", None, "JD-9", "买家不接受,按延迟发货计一单"),
    ],
)
def test_jd_8_jd_9_what_a_step_costs_is_told_before(rule: str, amount: Decimal | None, clause: str, said: str) -> None:
    (cost,) = case().costs(rule)

    assert (cost.amount, cost.clause) == (amount, clause)
    assert said in cost.note


def test_nothing_else_costs_anything() -> None:
    assert case().costs("ship") == case().costs("buyer_refuses") == ()


def test_what_was_learned_is_read_back_from_json() -> None:
    shortage = told(case()).apply("accept_arrival", None, SAMPLE_INSTANT)

    assert read(ShortageCase, shortage.model_dump(mode="json"), "case") == shortage


def test_samples_are_an_order_before_its_balance_and_one_after() -> None:
    assert {sample.balance_paid for sample in ShortageCase.samples()} == {True, False}
