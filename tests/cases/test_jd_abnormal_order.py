"""The case of an abnormal order: facts, forms, figures, and what is told before a decision."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases.case import SAMPLE_INSTANT
from cases.errors import BadForm
from cases.forms import Shipment
from cases.jd_abnormal_order import (
    AbnormalOrderCase,
    AbnormalOrderFacts,
    AbnormalOrderPolicy,
    AbnormalOrderRejection,
    AbnormalOrderReport,
)
from cases.models import read
from tests.support.processes.abnormal_orders import FILED, abnormal_facts

ORDERED = datetime(2026, 1, 20, 1, tzinfo=UTC)
RECORD = abnormal_facts(ORDERED)


def facts(**changed: Any) -> AbnormalOrderFacts:
    return read(AbnormalOrderFacts, RECORD | changed, "opening")


def case(**changed: Any) -> AbnormalOrderCase:
    return AbnormalOrderCase(facts=facts(**changed))


def shipped(of: AbnormalOrderCase) -> AbnormalOrderCase:
    return of.apply("ship", Shipment(carrier="JDL", tracking_no="JD1"), SAMPLE_INSTANT)


def test_a_record_is_read_and_says_whose_case_it_is() -> None:
    record = facts()

    assert (record.own_id, record.shop, record.order, record.at_stake) == ("O1", "S1", "O1", None)


def test_jd_13_a_case_begins_with_the_order() -> None:
    assert facts().began_at == ORDERED
    assert case().instant("ordered_at") == ORDERED


@pytest.mark.parametrize("field", RECORD)
def test_every_fact_is_needed(field: str) -> None:
    raw = {name: value for name, value in RECORD.items() if name != field}

    with pytest.raises(BadForm, match=f"opening: {field}: 缺少"):
        read(AbnormalOrderFacts, raw, "opening")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("order_id", "a/b"),
        ("ordered_at", "2026-01-20T09:00:00"),
        ("kind", "annoying"),
        ("shipped", "no"),
        ("buyer_phone", "13800000000"),
    ],
)
def test_a_fact_that_does_not_fit_is_refused_and_named(field: str, value: Any) -> None:
    with pytest.raises(BadForm, match=f"opening: {field}: "):
        facts(**{field: value})


@pytest.mark.parametrize(("kind", "malicious"), [("unreachable", False), ("bad_address", False), ("malicious", True)])
def test_jd_13_the_kind_says_whether_the_platform_warns(kind: str, malicious: object) -> None:
    assert case(kind=kind).malicious is malicious


def test_jd_13_an_order_is_shipped_before_the_opening_or_since() -> None:
    assert [case().shipped, case(shipped=True).shipped, shipped(case()).shipped] == [False, True, True]
    assert case().apply("file", None, SAMPLE_INSTANT) == case()


def test_jd_13_the_warning_lasts_24_hours_as_the_source_states() -> None:
    warning = AbnormalOrderPolicy().malicious_warning  # type: ignore[attr-defined]

    assert (warning.value, warning.clause, warning.provenance) == (timedelta(hours=24), "JD-13", "stated")


def test_jd_13_a_report_has_a_reason_and_evidence_a_rejection_its_reason() -> None:
    assert read(AbnormalOrderReport, FILED, "file").reason == "收件人电话空号"
    with pytest.raises(BadForm, match="file: evidence: "):
        read(AbnormalOrderReport, {**FILED, "evidence": []}, "file")
    with pytest.raises(BadForm, match="reject: reason: "):
        read(AbnormalOrderRejection, {"reason": ""}, "reject")


def test_jd_13_what_shipping_a_malicious_order_means_is_told_before() -> None:
    (cost,) = case(kind="malicious").costs("ship")

    assert (cost.amount, cost.clause) == (None, "JD-13")
    assert "不再预警" in cost.note
    assert case().costs("ship") == ()


def test_jd_10_what_giving_up_means_for_an_unshipped_order_is_told_before() -> None:
    (cost,) = case().costs("give_up")

    assert (cost.amount, cost.clause) == (None, "JD-10")
    assert (shipped(case()).costs("give_up"), case().costs("file")) == ((), ())
