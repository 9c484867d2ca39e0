"""The case of a JD shipment watch: facts, forms, figures, and the effect of rules."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cases.case import SAMPLE_INSTANT
from cases.errors import BadForm
from cases.jd_shipment import Exemption, JdShipmentCase, JdShipmentFacts, JdShipmentPolicy
from cases.models import read
from cases.shanghai import end_of_day

T0 = datetime(2026, 1, 20, 1, tzinfo=UTC)
RECORD = {"shop_id": "S1", "order_id": "O1", "ordered_at": T0.isoformat(), "kind": "stock"}
H24, H48 = timedelta(hours=24), timedelta(hours=48)
LATER = T0 + timedelta(days=9)


def facts(**changed: Any) -> JdShipmentFacts:
    return read(JdShipmentFacts, RECORD | changed, "opening")


def case(policy: dict[str, Any] | None = None, **changed: Any) -> JdShipmentCase:
    return JdShipmentCase(facts=facts(**changed), policy=JdShipmentPolicy.resolve(policy or {}))


def exemption(**changed: Any) -> Exemption:
    return read(Exemption, {"by": "card", **changed}, "exempt")


def test_the_case_is_that_of_the_order_and_begins_with_it() -> None:
    record = facts()

    assert (record.own_id, record.shop, record.order, record.began_at) == ("O1", "S1", "O1", T0)


@pytest.mark.parametrize(("figure", "length"), [("upload", H24), ("pickup", H48)])
def test_jd_10_clocks_have_the_length_of_the_rule_book_and_its_source(figure: str, length: timedelta) -> None:
    known = getattr(JdShipmentPolicy(), figure)

    assert (known.value, known.clause, known.provenance) == (length, "JD-10", "stated")
    assert case().due(figure, T0) == T0 + length


def test_jd_10_goods_in_stock_count_from_the_order() -> None:
    assert facts().counted_from == T0


@pytest.mark.parametrize("kind", ["presale", "custom"])
def test_jd_10_others_count_from_the_end_of_the_last_promised_day(kind: str) -> None:
    promised = facts(kind=kind, promised_last_day="2026-01-31")

    assert promised.promised_last_day == date(2026, 1, 31)
    assert promised.counted_from == datetime(2026, 1, 31, 16, tzinfo=UTC) == end_of_day(date(2026, 1, 31))


@pytest.mark.parametrize(
    "changed",
    [
        {"promised_last_day": "2026-01-31"},
        {"kind": "presale"},
        {"kind": "custom", "promised_last_day": None},
        {"kind": "presale", "promised_last_day": "31.01.2026"},
        {"kind": "presale", "promised_last_day": "9999-12-31"},
        {"kind": "presale", "promised_last_day": "0001-01-01"},
        {"kind": "tiered"},
    ],
)
def test_jd_10_only_presale_and_custom_goods_have_a_promised_day(changed: dict[str, Any]) -> None:
    with pytest.raises(BadForm, match=r"promised_last_day|kind"):
        facts(**changed)


def test_jd_14_an_exemption_says_by_what_and_until_when_or_none() -> None:
    assert (exemption().until, exemption(until=LATER.isoformat()).until) == (None, LATER)
    with pytest.raises(BadForm, match="by"):
        exemption(by="friendship")


@pytest.mark.parametrize("half", ["begins_at", "ends_at"])
def test_jd_7_a_period_has_two_ends(half: str) -> None:
    with pytest.raises(BadForm, match="give both or neither"):
        exemption(by="advance_report", **{half: T0.isoformat()})


@pytest.mark.parametrize(
    ("begins", "ends", "fits"), [(0, 5, True), (-5, 0, True), (-5, 5, True), (1, 5, False), (-5, -1, False)]
)
def test_jd_7_both_ends_of_a_period_are_in_it(begins: int, ends: int, fits: bool) -> None:  # noqa: FBT001 - a table
    form = exemption(
        by="advance_report",
        begins_at=(T0 + timedelta(seconds=begins)).isoformat(),
        ends_at=(T0 + timedelta(seconds=ends)).isoformat(),
    )

    assert (case().unfit("exempt", form, T0) is None) is fits


def test_jd_7_an_exemption_without_a_period_always_fits() -> None:
    assert case().unfit("exempt", exemption(), T0) is None


def test_jd_14_an_exempt_order_has_the_agreed_time_as_its_deadline_or_none_and_has_missed_nothing() -> None:
    missed = case().apply("miss_upload", None, T0).apply("miss_pickup", None, T0)
    until = missed.apply("exempt", exemption(until=LATER.isoformat()), T0)

    assert (missed.upload_missed, missed.pickup_missed) == (True, True)
    assert (until.upload_missed, until.pickup_missed) == (False, False)
    assert until.due("upload", T0) == until.due("pickup", T0) == LATER
    assert missed.apply("exempt", exemption(), T0).due("upload", T0) is None
    assert missed.apply("exempt", None, T0).due("pickup", T0) is None


def test_jd_12_the_answer_to_a_report_of_a_phone_cancellation_ends_the_wait_for_it() -> None:
    filed = case().apply("report_phone_cancel", None, T0)

    assert (case().phone_cancel_filed, filed.phone_cancel_filed) == (False, True)
    assert not filed.apply("refuse_report", None, T0).phone_cancel_filed
    assert not filed.apply("exempt", exemption(by="phone_cancel"), T0).phone_cancel_filed
    assert filed.apply("exempt", exemption(), T0).phone_cancel_filed


def test_jd_12_what_it_costs_not_to_report_is_told_before() -> None:
    assert [cost.clause for cost in case().costs("report_phone_cancel")] == ["JD-12"]
    assert case().costs("upload_tracking") == ()


def test_rules_add_nothing_a_second_time() -> None:
    for rule in ("miss_upload", "miss_pickup", "exempt", "report_phone_cancel"):
        once = case().apply(rule, None, SAMPLE_INSTANT)
        assert once.apply(rule, None, SAMPLE_INSTANT) == once


def test_samples_are_an_order_of_goods_in_stock_and_a_presale() -> None:
    assert [sample.facts.kind for sample in JdShipmentCase.samples()] == ["stock", "presale"]
