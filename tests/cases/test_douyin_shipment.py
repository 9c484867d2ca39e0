"""The case of a shipment watch: facts, forms, figures, and the effect of rules."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cases.case import SAMPLE_INSTANT
from cases.douyin_shipment import (
    MOST_USES,
    DouyinShipmentCase,
    DouyinShipmentFacts,
    DouyinShipmentPolicy,
    FalseShipmentJudgement,
    NumberReuse,
    PlatformWarning,
    TrackScan,
)
from cases.errors import BadForm
from cases.false_shipment import Suspicion
from cases.forms import Shipment
from cases.models import read
from tests.support.processes.shipments import (
    ELSEWHERE,
    HUB,
    MALFORMED,
    OPENED,
    OTHER_PARCEL,
    PARCEL,
    THERE,
    after,
    shipment_facts,
)

USE = {"same_carrier": True, "same_person": False, "at": after("0s").isoformat()}


def facts(**changed: Any) -> DouyinShipmentFacts:
    return read(DouyinShipmentFacts, shipment_facts(OPENED, **changed), "opening")


def case(policy: dict[str, Any] | None = None, **changed: Any) -> DouyinShipmentCase:
    return DouyinShipmentCase(facts=facts(**changed), policy=DouyinShipmentPolicy.resolve(policy or {}))


def uploaded(parcel: dict[str, str] = PARCEL, at: str = "1h", **changed: Any) -> DouyinShipmentCase:
    return case(**changed).apply("upload_tracking", read(Shipment, parcel, "form"), after(at))


def scanned(of: DouyinShipmentCase, form: dict[str, str] = HUB, at: str = "2h") -> DouyinShipmentCase:
    return of.apply("scan", read(TrackScan, form, "form"), after(at))


def test_a_case_is_known_by_its_order_and_about_its_amount() -> None:
    record = facts()

    assert (record.own_id, record.shop, record.order, record.at_stake) == ("O1", "S1", "O1", Decimal("100.00"))
    assert record.began_at == OPENED


@pytest.mark.parametrize(
    "field", [name for name in shipment_facts(OPENED) if name not in ("promised_ship_at", "consignee_region")]
)
def test_every_fact_but_two_is_needed(field: str) -> None:
    raw = {name: value for name, value in shipment_facts(OPENED).items() if name != field}

    with pytest.raises(BadForm, match=f"opening: {field}: 缺少"):
        read(DouyinShipmentFacts, raw, "opening")


@pytest.mark.parametrize("field", ["promised_ship_at", "consignee_region"])
def test_the_promise_and_the_region_may_be_unknown(field: str) -> None:
    assert getattr(facts(**{field: None}), field) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("order_id", "a/b"),
        ("mode", "same_day"),
        ("consignee", " "),
        ("consignee_region", ""),
        ("order_amount", "-1.00"),
        ("buyer_phone", "13800000000"),
    ],
)
def test_a_fact_that_does_not_fit_is_refused_and_named(field: str, value: Any) -> None:
    with pytest.raises(BadForm, match=f"opening: {field}: "):
        facts(**{field: value})


@pytest.mark.parametrize(
    ("figure", "length"),
    [
        ("silence", timedelta(hours=24)),
        ("correcting", timedelta(hours=24)),
        ("late_again_every", timedelta(hours=24)),
        ("closing", timedelta(days=150)),
        ("pickup_after_order", timedelta(hours=72)),
        ("pickup_after_upload", timedelta(hours=24)),
        ("number_reuse", timedelta(days=30)),
        ("standing_still", None),
        ("reasonable_receipt", None),
    ],
)
def test_ds_1_to_ds_7_figures_are_those_of_the_rule_book(figure: str, length: timedelta | None) -> None:
    assert case().length(figure) == length


@pytest.mark.parametrize("figure", ["standing_still", "reasonable_receipt"])
def test_ds_3_figures_that_no_source_gives_are_our_assumption_and_unset(figure: str) -> None:
    kept = getattr(DouyinShipmentPolicy(), figure)

    assert (kept.value, kept.provenance, kept.clause) == (None, "assumed", "DS-3")
    assert case({figure: "5d"}).length(figure) == timedelta(days=5)


@pytest.mark.parametrize(
    ("mode", "before", "once_uploaded"),
    [("normal", "72h", "72h"), ("express", None, "25h"), ("tiered", None, "25h"), ("presale", "48h", "48h")],
)
def test_ds_1_until_when_the_parcel_must_be_picked_up(mode: str, before: str | None, once_uploaded: str) -> None:
    assert case(mode=mode).pickup_due_at == (before and after(before))
    assert uploaded(mode=mode).pickup_due_at == after(once_uploaded)


def test_ds_1_a_correction_keeps_the_instant_of_the_upload_and_forgets_the_track() -> None:
    before = scanned(uploaded())

    corrected = before.apply("correct_tracking", read(Shipment, OTHER_PARCEL, "form"), after("20h"))

    assert (corrected.uploaded_at, corrected.track, corrected.picked_up) == (after("1h"), None, False)


def test_ds_2_a_scan_without_a_form_is_an_update_that_says_nothing_of_the_place() -> None:
    of = scanned(uploaded()).apply("scan", None, after("5h"))

    assert (of.updated_at, of.still_since) == (after("5h"), after("2h"))


def test_ds_2_before_the_pickup_nothing_counts() -> None:
    assert (uploaded().updated_at, uploaded().still_since) == (None, None)


@pytest.mark.parametrize(
    ("rule", "suspicion"),
    [
        ("stall", Suspicion.STALLED),
        ("stand_still", Suspicion.STANDING_STILL),
        ("not_received", Suspicion.NOT_RECEIVED),
        ("number_reused", Suspicion.NUMBER_OF_ANOTHER),
        ("sign", None),
        ("judge_false", None),
    ],
)
def test_ds_3_a_rule_says_why_the_shipment_is_suspected(rule: str, suspicion: Suspicion | None) -> None:
    of = scanned(uploaded()).apply(rule, None, after("30h"))

    assert (of.suspicion, of.stalled, of.track_suspicious) == (suspicion, rule == "stall", False)
    assert of.number_suspicious is (rule == "number_reused")


def test_ds_3_earlier_uses_that_do_not_count_leave_a_suspicion_as_it_is() -> None:
    own = read(NumberReuse, {"tracking_no": "SF1", "uses": [{**USE, "same_person": True}]}, "form")

    assert uploaded(MALFORMED).apply("number_reused", own, after("2h")).suspicion is Suspicion.MALFORMED_NUMBER
    assert uploaded().apply("number_reused", own, after("2h")).suspicion is None


def test_ds_3_the_number_is_judged_by_when_it_was_uploaded_not_by_when_it_was_found_out() -> None:
    form = read(NumberReuse, {"tracking_no": "SF1", "uses": [USE]}, "form")

    assert uploaded(at="30d").apply("number_reused", form, after("40d")).number_suspicious
    assert not uploaded(at="31d").apply("number_reused", form, after("31d")).number_suspicious


def test_ds_3_a_shop_may_set_another_period() -> None:
    form = read(NumberReuse, {"tracking_no": "SF1", "uses": [USE]}, "form")
    strict = case({"number_reuse": "60d"}).apply("upload_tracking", read(Shipment, PARCEL, "form"), after("40d"))

    assert strict.apply("number_reused", form, after("40d")).number_suspicious


def test_ds_3_a_suspicion_of_the_track_outlasts_the_next_scan_and_a_stall_does_not() -> None:
    elsewhere = scanned(uploaded(), ELSEWHERE)
    stalled = scanned(uploaded()).apply("stall", None, after("26h"))

    assert scanned(elsewhere, THERE, "5h").suspicion is Suspicion.LEADS_ELSEWHERE
    assert scanned(stalled, THERE, "30h").suspicion is None


def test_ds_3_a_track_known_before_the_upload_is_suspected_with_it() -> None:
    early = scanned(case(paid_at="5h"), HUB, "1h")

    assert early.suspicion is Suspicion.PICKED_UP_BEFORE_PAYMENT
    assert early.apply("upload_tracking", read(Shipment, PARCEL, "form"), after("6h")).track_suspicious


def test_ds_3_cleared_nothing_is_suspected_and_time_counts_anew() -> None:
    cleared = scanned(uploaded(), ELSEWHERE).apply("clear_suspicion", None, after("50h"))

    assert (cleared.suspicion, cleared.updated_at, cleared.waiting_since) == (None, after("50h"), after("50h"))
    assert cleared.picked_up
    assert not uploaded(MALFORMED).apply("clear_suspicion", None, after("2h")).picked_up


def test_ds_3_ds_5_an_untrue_number_has_a_price_that_is_shown_before() -> None:
    ds_3, ds_5 = case().costs("upload_tracking")

    assert (ds_3.amount, ds_3.clause, ds_5.amount, ds_5.clause) == (None, "DS-3", None, "DS-5")
    assert "30d" in ds_3.note
    assert "0.1" in ds_5.note
    assert case({"false_shipment_points": "0.2"}).costs("correct_tracking")[1].note.count("0.2") == 1


def test_ds_5_ds_6_points_and_fines() -> None:
    assert case().points("record_false_shipment") == Decimal("0.1")
    assert case().amount("charge_late_shipment") == Decimal("10.00")
    assert case().amount("record_false_shipment") is None
    assert case().points("charge_late_shipment") is None
    assert case().amount("record_blocked_product") is None


def test_ds_6_a_case_counts_only_as_far_as_it_must() -> None:
    once = case().apply("miss_shipment", None, after("48h"))
    twice = once.apply("miss_shipment", None, after("72h"))

    assert (case().fined_twice, once.fined_twice, twice.fined_twice) == (False, False, True)
    assert twice.apply("miss_shipment", None, after("96h")) == twice


def test_ds_9_a_warning_is_kept_until_it_is_cleared_or_over() -> None:
    form = PlatformWarning(until=after("20h"))
    warned = case().apply("warn", form, after("1h"))

    assert (warned.warned, warned.instant("warned_until")) == (True, after("20h"))
    assert not warned.apply("clear_warning", None, after("2h")).warned
    assert not warned.apply("warning_over", None, after("20h")).warned
    assert warned.apply("warn", None, after("3h")) == warned


@pytest.mark.parametrize(
    ("form", "raw"),
    [
        (TrackScan, {"place": "广州"}),
        (TrackScan, {"status": "到达"}),
        (TrackScan, {**HUB, "phone": "1"}),
        (PlatformWarning, {}),
        (PlatformWarning, {"until": "soon"}),
        (FalseShipmentJudgement, {}),
        (NumberReuse, {"tracking_no": "SF1", "uses": [USE] * (MOST_USES + 1)}),
        (NumberReuse, {"tracking_no": "SF1"}),
    ],
)
def test_a_form_that_does_not_fit_is_refused(form: type[Any], raw: dict[str, Any]) -> None:
    with pytest.raises(BadForm):
        read(form, raw, "form")


def test_what_was_pinned_does_not_change() -> None:
    before = case()

    then = scanned(uploaded()).apply("judge_false", None, SAMPLE_INSTANT)

    assert (then.facts, then.policy, before.uploaded_at) == (before.facts, before.policy, None)


def test_samples_have_both_clocks_of_the_pickup_and_the_figures_without_a_default() -> None:
    normal, express = DouyinShipmentCase.samples()

    assert (normal.pickup_due_at is None, express.pickup_due_at is None) == (False, True)
    assert (normal.length("standing_still"), express.length("standing_still")) == (None, timedelta(hours=72))


def instants(of: DouyinShipmentCase) -> list[datetime | None]:
    return [of.instant(name) for name in ("ordered_at", "promised_ship_at", "pickup_due_at", "warned_until")]


def test_every_clock_finds_its_instant() -> None:
    assert instants(case()) == [OPENED, after("48h"), after("72h"), None]
