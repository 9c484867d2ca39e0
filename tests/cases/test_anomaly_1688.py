"""The case of a shipping-anomaly warning: facts, forms, figures, and what it costs."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cases.anomaly_1688 import AnomalyCase, AnomalyFacts, AnomalyPolicy, AnomalyReport, FollowUp, Worsening
from cases.errors import BadForm
from cases.models import read

WARNED = datetime(2026, 1, 20, 1, tzinfo=UTC)
RECORD: dict[str, Any] = {
    "shop_id": "S1",
    "anomaly_id": "W1",
    "order_id": "O1",
    "kind": "lost",
    "warned_at": WARNED.isoformat(),
    "tracking_no": "YT1",
    "goods_amount": "200.00",
}
CALL = {"kind": "call_record", "url": "https://e/call.png"}


def facts(**changed: Any) -> AnomalyFacts:
    return read(AnomalyFacts, RECORD | changed, "opening")


def case(policy: dict[str, Any] | None = None, **changed: Any) -> AnomalyCase:
    return AnomalyCase(facts=facts(**changed), policy=AnomalyPolicy.resolve(policy or {}))


def test_a_record_is_read_and_says_whose_case_it_is() -> None:
    record = facts()

    assert (record.own_id, record.shop, record.order, record.began_at) == ("W1", "S1", "O1", WARNED)
    assert case().at_stake == Decimal("200.00")


@pytest.mark.parametrize("field", RECORD)
def test_every_fact_is_needed(field: str) -> None:
    raw = {name: value for name, value in RECORD.items() if name != field}

    with pytest.raises(BadForm, match=f"opening: {field}: 缺少"):
        read(AnomalyFacts, raw, "opening")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("anomaly_id", "a/b"),
        ("order_id", 4711),
        ("kind", "delayed"),
        ("warned_at", "2026-01-20T09:00:00"),
        ("tracking_no", " "),
        ("goods_amount", "-1"),
        ("freight", "8.00"),
    ],
)
def test_a_fact_that_does_not_fit_is_refused_and_named(field: str, value: Any) -> None:
    with pytest.raises(BadForm, match=f"opening: {field}: "):
        facts(**{field: value})


def test_cl_11_the_24_hours_are_stated_and_the_10_days_are_our_assumption() -> None:
    policy = AnomalyPolicy()

    assert (policy.handling.value, policy.handling.provenance) == (timedelta(hours=24), "stated")
    assert (policy.watching.value, policy.watching.provenance) == (timedelta(days=10), "assumed")


@pytest.mark.parametrize("kind", ["lost", "damaged", "refund_asked", "refused_delivery"])
def test_cl_11_a_solution_is_needed_from_the_warning_on(kind: str) -> None:
    parcel = case(kind=kind)

    assert (parcel.stalled, parcel.needs_solution, parcel.solution_needed_at) == (False, True, WARNED)


@pytest.mark.parametrize("form", [None, Worsening(kind="damaged")])  # type: ignore[arg-type]
def test_cl_11_a_stalled_parcel_needs_one_from_its_worsening_on_whether_or_not_the_platform_says_how(form: Any) -> None:
    stalled = case(kind="stalled")
    assert (stalled.stalled, stalled.needs_solution, stalled.solution_needed_at) == (True, False, None)

    worse = stalled.apply("worsen", form, WARNED + timedelta(days=3))

    assert (worse.stalled, worse.needs_solution, worse.solution_needed_at) == (False, True, WARNED + timedelta(days=3))


def test_cl_11_nothing_else_changes_a_case() -> None:
    parcel = case()

    assert parcel.apply("tell_buyer", FollowUp(note="已说明"), WARNED) is parcel


def test_cl_11_what_a_refund_and_a_second_parcel_cost_is_told_before() -> None:
    (refund,), (again,) = case().costs("refund"), case().costs("replace_tracking")

    assert (refund.amount, refund.clause) == (Decimal("200.00"), "CL-11")
    assert (again.amount, again.clause) == (None, "CL-11")
    assert "运费" in again.note
    assert [case().costs(rule) for rule in ("file_report", "urge_carrier", "tell_buyer")] == [()] * 3


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ({"evidence": [CALL]}, "reason"),
        ({"reason": " ", "evidence": [CALL]}, "reason"),
        ({"reason": "联系不上买家"}, "evidence"),
        ({"reason": "联系不上买家", "evidence": []}, "evidence"),
        ({"reason": "联系不上买家", "evidence": [{"kind": "rumour", "url": "https://e/1"}]}, "evidence.0.kind"),
    ],
)
def test_cl_11_a_report_needs_a_reason_and_a_piece_of_evidence(raw: dict[str, Any], named: str) -> None:
    with pytest.raises(BadForm, match=f"file_report: {named}: "):
        read(AnomalyReport, raw, "file_report")


@pytest.mark.parametrize("kind", ["lost", "damaged", "refund_asked", "refused_delivery"])
def test_cl_11_a_stalled_parcel_can_turn_out_to_be_anything_else(kind: str) -> None:
    assert read(Worsening, {"kind": kind}, "worsen").kind == kind


@pytest.mark.parametrize("raw", [{"kind": "stalled"}, {"kind": "late"}, {}])
def test_cl_11_but_not_stalled_again(raw: dict[str, Any]) -> None:
    with pytest.raises(BadForm, match="worsen: kind: "):
        read(Worsening, raw, "worsen")
