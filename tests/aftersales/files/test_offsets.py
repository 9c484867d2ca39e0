"""Instants written as offsets."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from aftersales.files.offsets import scenario_shifter, shift_instant, shift_instants, shifter, whole
from cases.errors import BadForm
from cases.models import Instant, Strict

NINE = datetime.fromisoformat("2026-01-05T09:00:00+08:00")
NOON = "2026-01-05T12:00:00+08:00"


class Piece(Strict):
    shown_at: Instant | None = None
    note: str = ""


class Plan(Strict):
    at: Instant
    until: Instant | None = None
    day: date | None = None
    pieces: tuple[Piece, ...] = ()
    name: str = ""


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("+0s", NINE),
        ("-16d", NINE - timedelta(days=16)),
        ("+72h", NINE + timedelta(days=3)),
        ("3h", NINE + timedelta(hours=3)),
        ("47h59m59s", NINE + timedelta(hours=48, seconds=-1)),
    ],
)
def test_an_offset_counts_from_the_origin(written: str, meant: datetime) -> None:
    assert datetime.fromisoformat(shifter(NINE)(written)) == meant
    assert datetime.fromisoformat(scenario_shifter(NINE, None)(written)) == meant


def test_an_absolute_instant_stays_for_a_command() -> None:
    assert shifter(NINE)(NOON) == NOON


def test_an_absolute_instant_moves_with_the_opening_of_a_scenario() -> None:
    origin = datetime.fromisoformat("2027-03-01T00:00:00+00:00")
    assert datetime.fromisoformat(scenario_shifter(origin, NINE)(NOON)) == origin + timedelta(hours=3)


def test_an_absolute_instant_of_a_scenario_needs_its_opening() -> None:
    with pytest.raises(BadForm, match=r"^at: an absolute instant needs opened_at"):
        shift_instant(NOON, scenario_shifter(NINE, None), ("at",))


@pytest.mark.parametrize("written", ["yesterday", "2026-01-05", "2026-01-05T09:00:00", "", 5, None, True, ["+1h"]])
def test_what_is_neither_is_left_to_the_model(written: Any) -> None:
    assert shifter(NINE)(written) == written
    assert scenario_shifter(NINE, NINE)(written) == written


@pytest.mark.parametrize("shift", [shifter(datetime.max.replace(tzinfo=NINE.tzinfo)), scenario_shifter(NINE, NINE)])
def test_an_instant_beyond_the_calendar_is_refused(shift: Any) -> None:
    written = "9999-12-31T23:59:59-23:00" if shift("+0s") == NINE.isoformat() else "+1h"
    with pytest.raises(BadForm, match="at: too far in the past or future"):
        shift_instant(written, shift, ("at",))


def test_only_instants_of_a_model_are_shifted_also_in_what_it_holds() -> None:
    raw = {"at": "+1h", "until": "+2h", "pieces": [{"shown_at": "-1h", "note": "+1h"}, "?"], "name": "3d", "x": "3d"}
    assert shift_instants(Plan, raw, shifter(NINE)) == {
        "at": "2026-01-05T10:00:00+08:00",
        "until": "2026-01-05T11:00:00+08:00",
        "pieces": [{"shown_at": "2026-01-05T08:00:00+08:00", "note": "+1h"}, "?"],
        "name": "3d",
        "x": "3d",
    }


@pytest.mark.parametrize(
    ("written", "day"),
    [("0s", "2026-01-05"), ("14h59m59s", "2026-01-05"), ("15h", "2026-01-06"), ("-10h", "2026-01-04")],
)
def test_an_offset_of_a_day_is_the_day_in_shanghai(written: str, day: str) -> None:
    for shift in (shifter(NINE), scenario_shifter(NINE, None)):
        assert shift_instants(Plan, {"day": written}, shift) == {"day": day}


def test_a_day_moves_with_the_opening_of_a_scenario_and_else_stays() -> None:
    raw = {"day": "2026-01-08"}

    assert shift_instants(Plan, raw, scenario_shifter(NINE + timedelta(days=100), NINE)) == {"day": "2026-04-18"}
    assert shift_instants(Plan, raw, scenario_shifter(NINE, None)) == shift_instants(Plan, raw, shifter(NINE)) == raw


@pytest.mark.parametrize("written", ["tomorrow", NOON[:16], "", 5, None])
def test_what_is_no_day_is_left_to_the_model(written: Any) -> None:
    assert shift_instants(Plan, {"day": written}, shifter(NINE)) == {"day": written}


def test_a_fault_says_where_it_stands() -> None:
    raw = {"pieces": [{}, {"shown_at": NOON}]}
    with pytest.raises(BadForm, match=r"^opening\.pieces\.1\.shown_at: ") as caught:
        shift_instants(Plan, raw, scenario_shifter(NINE, None), ("opening",))
    assert caught.value.place == ("opening", "pieces", 1, "shown_at")


@pytest.mark.parametrize("raw", [None, "text", 5, ["+1h"]])
def test_data_that_is_not_a_mapping_stays_as_it_is(raw: Any) -> None:
    assert shift_instants(Plan, raw, shifter(NINE)) == raw


@pytest.mark.parametrize(("length", "seconds"), [("1.9", 1), ("-0.1", -1), ("172800", 172800)])
def test_seconds_are_whole_and_rounded_down(length: str, seconds: int) -> None:
    assert whole(timedelta(seconds=float(length))) == seconds


@pytest.mark.parametrize("written", ["946684800", "+946684800", "1764032700.5", "20261105", "0"])
@pytest.mark.parametrize("shift", [shifter(NINE), scenario_shifter(NINE, NINE)])
def test_a_count_of_seconds_is_no_instant(written: str, shift: Any) -> None:
    with pytest.raises(BadForm, match="须为时刻"):
        shift_instant(written, shift, ("at",))
