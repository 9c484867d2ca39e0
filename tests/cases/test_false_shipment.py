"""The signs of false shipping, each with what is just within and what is just beyond it (DS-3)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.false_shipment import (
    LONGEST_NUMBER,
    ParcelTrack,
    PriorUse,
    Suspicion,
    is_malformed,
    leads_elsewhere,
    picked_up_too_early,
    reuse,
)

T0 = datetime(2026, 1, 20, 1, tzinfo=UTC)
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
WINDOW = 30 * DAY


def use(before: timedelta, *, same_person: bool = False, same_carrier: bool = True) -> PriorUse:
    return PriorUse(same_carrier=same_carrier, same_person=same_person, at=T0 - before)


@pytest.mark.parametrize(
    "tracking_no",
    [
        "SF1234567890123",
        "773012345678901",
        "YT2512345678901",
        "JDVA00012345678",
        "jt5123456789012",
        "JD0012345678-1-1-",
        "1",
    ],
)
def test_ds_3_a_number_of_letters_digits_and_hyphens_is_well_formed(tracking_no: str) -> None:
    assert not is_malformed(tracking_no.removesuffix("-"))


@pytest.mark.parametrize(
    "tracking_no",
    [
        "???",
        "暂无单号",
        "SF 123456",
        "SF123456;YT123456",
        "SF-",
        "-SF1",
        "SF--1",
        "ABCDEF",
        "00000",
        "1111111111",
        "１２３４５６７",
        "9" * 4 + "8" + "9" * LONGEST_NUMBER,
    ],
)
def test_ds_3_any_other_number_is_malformed(tracking_no: str) -> None:
    assert is_malformed(tracking_no)


@pytest.mark.parametrize(("tracking_no", "malformed"), [("8888", False), ("88888", True), ("88889", False)])
def test_ds_3_one_digit_five_times_over_was_made_up(tracking_no: str, *, malformed: bool) -> None:
    assert is_malformed(tracking_no) is malformed


@pytest.mark.parametrize(("length", "malformed"), [(LONGEST_NUMBER, False), (LONGEST_NUMBER + 1, True)])
def test_ds_3_a_number_has_a_longest_length(length: int, *, malformed: bool) -> None:
    assert is_malformed(("12345" * LONGEST_NUMBER)[:length]) is malformed


@given(st.text(max_size=60))
def test_ds_3_any_text_can_be_judged(tracking_no: str) -> None:
    assert isinstance(is_malformed(tracking_no), bool)


@pytest.mark.parametrize(
    ("before", "suspicion"),
    [
        (0 * DAY, Suspicion.NUMBER_OF_ANOTHER),
        (DAY, Suspicion.NUMBER_OF_ANOTHER),
        (WINDOW, Suspicion.NUMBER_OF_ANOTHER),
        (WINDOW + SECOND, None),
        (400 * DAY, None),
        (-SECOND, None),
    ],
)
def test_ds_3_a_number_used_for_another_person_counts_for_30_days(
    before: timedelta, suspicion: Suspicion | None
) -> None:
    assert reuse(T0, [use(before)], WINDOW) == suspicion


@pytest.mark.parametrize(
    ("same_person", "same_carrier", "suspicion"),
    [
        (True, True, None),
        (True, False, Suspicion.DUPLICATE_NUMBER),
        (False, True, Suspicion.NUMBER_OF_ANOTHER),
        (False, False, Suspicion.NUMBER_OF_ANOTHER),
    ],
)
def test_ds_3_parcels_of_one_person_may_share_a_number_of_one_carrier(
    *, same_person: bool, same_carrier: bool, suspicion: Suspicion | None
) -> None:
    assert reuse(T0, [use(DAY, same_person=same_person, same_carrier=same_carrier)], WINDOW) == suspicion


def test_ds_3_one_use_for_another_person_among_many_is_enough() -> None:
    own = [use(number * HOUR, same_person=True) for number in range(10)]

    assert reuse(T0, own, WINDOW) is None
    assert reuse(T0, [*own, use(29 * DAY)], WINDOW) is Suspicion.NUMBER_OF_ANOTHER
    assert reuse(T0, [], WINDOW) is None


@pytest.mark.parametrize(
    ("picked_up", "early"), [(T0 - SECOND, True), (T0, False), (T0 + SECOND, False), (T0 - 3 * DAY, True)]
)
def test_ds_3_a_pickup_before_the_payment_is_too_early(picked_up: datetime, *, early: bool) -> None:
    assert picked_up_too_early(ParcelTrack.begun(picked_up, "杭州"), T0) is early


@pytest.mark.parametrize(
    ("region", "consignee_region", "elsewhere"),
    [
        ("广东", "广东", False),
        ("广东省", "广东", False),
        ("广东", "广东省", False),
        ("广东省 深圳市", "广东省", False),
        ("辽宁", "广东", True),
        ("广西", "广东", True),
        ("广", "广东", False),
        (None, "广东", False),
        ("辽宁", None, False),
        (None, None, False),
    ],
)
def test_ds_3_a_route_leads_elsewhere_only_where_both_regions_are_known(
    region: str | None, consignee_region: str | None, *, elsewhere: bool
) -> None:
    assert leads_elsewhere(region, consignee_region) is elsewhere


def test_ds_2_every_scan_is_an_update() -> None:
    track = ParcelTrack.begun(T0, "杭州").scanned(T0 + HOUR, "杭州").scanned(T0 + 2 * HOUR, None)

    assert (track.picked_up_at, track.updated_at) == (T0, T0 + 2 * HOUR)


@pytest.mark.parametrize(
    ("places", "still"),
    [
        (["杭州"], 0),
        (["杭州", "杭州"], 0),
        (["杭州", "上海"], 1),
        (["杭州", "上海", "上海"], 1),
        (["杭州", "上海", "杭州"], 2),
        (["杭州", None], 0),
        (["杭州", None, "杭州"], 0),
        ([None, "杭州"], 1),
    ],
)
def test_ds_3_a_parcel_stands_still_from_its_first_scan_at_a_place(places: list[str | None], still: int) -> None:
    track = ParcelTrack.begun(T0, places[0])
    for hours, place in enumerate(places[1:], 1):
        track = track.scanned(T0 + hours * HOUR, place)

    assert track.still_since == T0 + still * HOUR


def test_ds_3_after_a_clearing_silence_and_standstill_count_from_it() -> None:
    track = ParcelTrack.begun(T0, "杭州").trusted_from(T0 + 5 * DAY)

    assert (track.picked_up_at, track.updated_at, track.still_since) == (T0, T0 + 5 * DAY, T0 + 5 * DAY)
