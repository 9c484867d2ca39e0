"""Which deadlines of ours the ledger names."""

import pytest

from aftersales.ledger.month_clocks import ClockNames
from statecharts.rules import OPERATORS, Party
from tests.support.records.booking import booked, ended, expected, november
from workflows.registry import PROCESSES


@pytest.fixture(scope="module")
def clocks() -> ClockNames:
    return ClockNames(PROCESSES.values())


def test_an_entry_that_only_a_clock_of_ours_makes_names_it_with_its_day_and_order(clocks: ClockNames) -> None:
    late = booked(expected("OD1", "DS-6", november(7), process="douyin_shipment", about="OD1", counted=True))

    found = clocks.of_entry(late)

    assert found is not None
    assert (found.label, str(found.day), found.order) == ("发货超时", "2026-11-07", "OD1")


def test_where_several_clocks_of_ours_may_have_made_it_all_are_named(clocks: ClockNames) -> None:
    late = booked(expected("OD1", "JD-10", process="jd_shipment", counted=True))

    found = clocks.of_entry(late)

    assert found is not None
    assert found.label == "超时未上传单号或超时未揽收"


@pytest.mark.parametrize(
    "entry",
    [
        expected("A1", "DR-10", process="douyin_reship", amount="5.00"),  # or the number was judged untrue
        expected("C1", "CL-3"),  # or the merchant has agreed
        expected("OD1", "DS-6", process="douyin_shipment", income=True),
        expected("OD1", "DS-6", process="douyin_shipment", status="reversed"),
        expected("OD1", "DS-6", process="jd_shipment"),
        expected("X1", "DS-6", process="gone"),
    ],
    ids=lambda entry: f"{entry.case_id} {entry.clause} {entry.status}",
)
def test_what_something_else_may_have_caused_is_named_after_no_clock(clocks: ClockNames, entry: object) -> None:
    assert clocks.of_entry(booked(entry)) is None  # type: ignore[arg-type]


def test_an_end_that_only_a_clock_of_ours_brings_about_names_it(clocks: ClockNames) -> None:
    found = clocks.of_end(ended("C1", "established", decided_by=Party.CLOCK.value))

    assert found is not None
    assert (found.label, str(found.day)) == ("超时由平台判定", "2026-11-05")
    assert clocks.of_end(ended("C1", "established", decided_by=Party.PLATFORM.value)) is None


def test_an_end_by_the_clock_of_somebody_else_is_no_deadline_of_ours(clocks: ClockNames) -> None:
    assert clocks.of_end(ended("A1", "lapsed", process="douyin_reship", decided_by=Party.CLOCK.value)) is None


@pytest.mark.parametrize("name", list(PROCESSES))
def test_no_name_is_that_of_another_party_s_clock(clocks: ClockNames, name: str) -> None:
    process = PROCESSES[name]
    ours = {
        str(rule.name)
        for rule in process.rules.values()
        if rule.clock and rule.clock.figure and {rule.clock.of, *(line.of for line in rule.lines)} & {*OPERATORS}
    }
    clauses = {effect.clause or "" for effect in process.effects().values() if effect.is_ledger_entry}
    entries = [clocks.of_entry(booked(expected("1", clause, process=name))) for clause in clauses]
    ends = [
        clocks.of_end(ended("1", state, process=name, decided_by=Party.CLOCK.value))
        for state in process.chart.closing_states()
    ]
    named = [label for clock in (*entries, *ends) if clock for label in clock.label.split("或")]
    assert {*named} <= ours
