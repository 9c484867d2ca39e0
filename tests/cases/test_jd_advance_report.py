"""The case of an advance report: facts, forms, figures, costs, and what it tells the shop's shipments."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases.case import SAMPLE_INSTANT
from cases.errors import BadForm
from cases.forms import NoForm, Proof
from cases.jd_advance_report import AdvanceCase, AdvanceFacts, AdvancePolicy, ReviewRefusal
from cases.models import read

T0 = datetime(2026, 1, 20, 1, tzinfo=UTC)
RECORD = {
    "shop_id": "S1",
    "report_id": "R1",
    "cause": "weather",
    "begins_at": (T0 + timedelta(days=2)).isoformat(),
    "ends_at": (T0 + timedelta(days=5)).isoformat(),
    "note": "暴雪",
}


def facts(**changed: Any) -> AdvanceFacts:
    return read(AdvanceFacts, RECORD | changed, "opening")


def case(policy: dict[str, Any] | None = None, **changed: Any) -> AdvanceCase:
    return AdvanceCase(facts=facts(**changed), policy=AdvancePolicy.resolve(policy or {}))


def test_jd_7_a_report_is_about_a_period_and_no_order() -> None:
    record = facts()

    assert (record.own_id, record.shop, record.order, record.began_at, record.at_stake) == (
        "R1",
        "S1",
        None,
        None,
        None,
    )


@pytest.mark.parametrize("field", RECORD)
def test_every_fact_is_needed(field: str) -> None:
    raw = {name: value for name, value in RECORD.items() if name != field}

    with pytest.raises(BadForm, match=f"opening: {field}: 缺少"):
        read(AdvanceFacts, raw, "opening")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("report_id", 4711),
        ("report_id", "a/b"),
        ("cause", "holiday"),
        ("begins_at", "2026-01-20T09:00:00"),
        ("ends_at", "soon"),
        ("note", " "),
        ("order_id", "O1"),
    ],
)
def test_a_fact_that_does_not_fit_is_refused_and_named(field: str, value: Any) -> None:
    with pytest.raises(BadForm, match=f"opening: {field}: "):
        facts(**{field: value})


@pytest.mark.parametrize("cause", ["weather", "state_event", "warehouse", "other"])
def test_jd_7_four_causes_are_taken(cause: str) -> None:
    assert facts(cause=cause).cause == cause


@pytest.mark.parametrize("ends_in", [timedelta(days=2), timedelta(days=1)])
def test_jd_7_a_period_ends_after_it_begins(ends_in: timedelta) -> None:
    with pytest.raises(BadForm, match="结束须晚于开始 / must be after begins_at"):
        facts(ends_at=(T0 + ends_in).isoformat())


def test_jd_7_a_period_of_a_second_is_one() -> None:
    ends_at = T0 + timedelta(days=2, seconds=1)

    assert facts(ends_at=ends_at.isoformat()).ends_at == ends_at


@pytest.mark.parametrize(
    ("figure", "length", "provenance"),
    [("review", timedelta(hours=24), "stated"), ("filing_ahead", timedelta(days=7), "read")],
)
def test_jd_7_the_figures_are_those_of_the_source(figure: str, length: timedelta, provenance: str) -> None:
    kept = getattr(case().policy, figure)

    assert (kept.value, kept.clause, kept.provenance) == (length, "JD-7", provenance)
    assert "source 004 §9" in kept.source


def test_jd_7_a_report_is_filed_with_evidence_and_refused_with_a_reason() -> None:
    assert AdvanceCase.forms == {"proof": Proof, "review_refusal": ReviewRefusal}
    with pytest.raises(BadForm, match="reason: 缺少"):
        read(ReviewRefusal, {}, "refuse")


def test_jd_7_withdrawing_says_that_the_orders_are_not_exempt() -> None:
    [cost] = case().costs("withdraw_report")

    assert (cost.amount, cost.clause) == (None, "JD-10")
    assert "不再免责" in cost.note
    assert case().costs("file") == ()


def test_jd_7_what_is_told_is_the_period() -> None:
    told = case().telling("exempt_orders")

    assert told == {"by": "advance_report", "begins_at": "2026-01-22T01:00:00Z", "ends_at": "2026-01-25T01:00:00Z"}


@pytest.mark.parametrize("rule", ["file", "approve", "refuse", "review_overdue", "begin", "end"])
def test_a_rule_adds_nothing_to_the_case(rule: str) -> None:
    before = case()

    assert before.apply(rule, NoForm(), SAMPLE_INSTANT) == before


def test_samples_are_periods_ahead_near_begun_and_over() -> None:
    begins = [sample.facts.begins_at - SAMPLE_INSTANT for sample in AdvanceCase.samples()]

    assert begins == [timedelta(days=20), timedelta(days=3), timedelta(days=-1), timedelta(days=-9)]
