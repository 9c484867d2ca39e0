"""Figures: every number with its source."""

import re
from datetime import date, timedelta
from typing import Any, Literal

import pytest

from cases.errors import BadForm, PolicyUnknown
from cases.policy import PROVENANCE_LABELS, Dated, Figure, Policy, duration, scheduled
from tests.support.places import RULES
from workflows.registry import PROCESSES

RULE_BOOK = RULES.read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| ([A-Z]+-\d+) \|.*\| ([^|]+) \|$", RULE_BOOK, flags=re.MULTILINE))
FIGURES = [
    pytest.param(process.case.policy_type(), name, id=f"{process.name}.{name}")
    for process in PROCESSES.values()
    for name in process.case.policy_type().figures()
]


@pytest.mark.parametrize(("policy", "name"), FIGURES)
def test_g_9_every_figure_has_a_clause_of_the_rule_book_a_source_a_standing_and_a_chinese_name(
    policy: type[Policy], name: str
) -> None:
    figure = getattr(policy(), name)

    assert figure.clause
    assert set(figure.clause.split(", ")) <= set(ROWS)
    assert figure.source
    assert figure.unit
    assert figure.provenance in PROVENANCE_LABELS
    assert not policy.label(name).isascii()


@pytest.mark.parametrize(("policy", "name"), FIGURES)
def test_a_figure_of_an_assumed_row_says_that_it_is_our_assumption(policy: type[Policy], name: str) -> None:
    figure = getattr(policy(), name)
    rows = {ROWS[clause] for clause in figure.clause.split(", ")}

    assert (figure.source == "assumption") == (figure.provenance == "assumed")
    assert figure.provenance == "assumed" or rows != {"assumed"}


@pytest.mark.parametrize(("policy", "name"), FIGURES)
def test_a_row_says_that_a_figure_of_it_is_assumed(policy: type[Policy], name: str) -> None:
    figure = getattr(policy(), name)
    named = [ROWS[clause] for clause in figure.clause.split(", ") if _assumes(ROWS[clause], name, figure.show())]

    assert (figure.provenance == "assumed") == bool(named)


def _assumes(provenance: str, name: str, value: str) -> bool:
    """Return whether a row is assumed as a whole, or names the assumed figure: ``stated (the 24 h: assumed)``."""
    by_name = any(f"`{name}`" in named for named in re.findall(r"\(([^()]*): assumed\)", provenance))
    return (
        by_name
        or provenance == "assumed"
        or f"(the {value.removesuffix('h')} h: assumed)" in provenance
        or f"(the {value}: assumed)" in provenance
    )


def test_g_5_reminders_come_12_and_2_hours_before() -> None:
    assert Policy().reminders_before.value == (timedelta(hours=12), timedelta(hours=2))


def test_g_6_there_is_no_default_decision_and_it_would_be_taken_half_an_hour_before() -> None:
    assert Policy().default_decision.value is None
    assert Policy().decide_before.value == timedelta(minutes=30)


def test_g_9_what_a_shop_sets_says_so_and_keeps_its_unit_and_clause() -> None:
    figure = Policy.resolve({"decide_before": "1h"}).decide_before

    assert (figure.value, figure.source, figure.provenance) == (timedelta(hours=1), "shop setting", "set")
    assert (figure.unit, figure.clause) == (Policy().decide_before.unit, "G-6")


def test_g_9_what_a_shop_does_not_set_stays_as_it_is() -> None:
    assert Policy.resolve({"decide_before": "1h"}).reminders_before == Policy().reminders_before


@pytest.mark.parametrize(
    "values", [{}, {"reminders_before": ["3h"]}, {"default_form": {"a": 1}, "decide_before": "0s"}]
)
def test_g_9_what_a_shop_has_set_makes_the_policy_again(values: dict[str, Any]) -> None:
    policy = Policy.resolve(values)

    assert policy.overrides() == values
    assert Policy.resolve(policy.overrides()) == policy


def test_g_9_the_figures_of_an_edition_go_before_those_of_the_code() -> None:
    older = {"decide_before": {**Policy().model_dump(mode="json")["decide_before"], "value": "5m"}}

    policy = Policy.resolve({"reminders_before": ["3h"]}, older)

    assert policy.decide_before.value == timedelta(minutes=5)
    assert policy.overrides() == {"reminders_before": ["3h"]}


def test_a_figure_that_only_an_edition_has_is_read_and_counts_no_more() -> None:
    gone = {"gone": Policy().model_dump(mode="json")["decide_before"]}

    assert Policy.resolve({"gone": "1h"}, gone) == Policy()


def test_a_figure_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(PolicyUnknown, match=r"policy\.remind.*reminders_before"):
        Policy.resolve({"remind": "1h"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("decide_before", 30),
        ("decide_before", "soon"),
        ("decide_before", "-1s"),
        ("decide_before", "4000d"),
        ("reminders_before", "12h"),
        ("reminders_before", ["12h", "-2h"]),
        ("default_decision", 1),
        ("default_form", []),
    ],
)
def test_a_figure_that_does_not_fit_is_refused_and_named(name: str, value: Any) -> None:
    with pytest.raises(BadForm, match=name):
        Policy.resolve({name: value})


def test_a_clock_of_no_length_is_allowed() -> None:
    assert Policy.resolve({"decide_before": "0s"}).decide_before.value == timedelta(0)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (timedelta(hours=48), "48h"),
        ((timedelta(hours=12), timedelta(hours=2)), "12h, 2h"),
        (None, "-"),
        ((), "-"),
        ({}, "-"),
        ("agree", "agree"),
    ],
)
def test_a_figure_is_shown_as_people_write_it(value: Any, shown: str) -> None:
    assert Figure(value=value, unit="u", clause="G-1", source="s", provenance="set").show() == shown


def test_hours_makes_a_length_of_time() -> None:
    figure = duration("15d", "DR-2", "s", "stated")

    assert (figure.value, figure.clause, figure.source, figure.provenance) == (
        timedelta(days=15),
        "DR-2",
        "s",
        "stated",
    )


def dated(since: date, value: str, provenance: Literal["stated", "read"] = "stated") -> Dated[str]:
    return Dated(since=since, value=value, source=f"notice of {since}", provenance=provenance)


NEW_YEAR, MAY = date(2026, 1, 1), date(2026, 5, 1)


class Changing(Policy):
    """A figure with two values, one after the other."""

    share: Figure[str] = scheduled("u", "G-9", dated(NEW_YEAR, "one", "read"), dated(MAY, "two"))


@pytest.mark.parametrize(
    ("day", "value"),
    [
        (date(2020, 1, 1), "one"),  # nothing earlier is known
        (NEW_YEAR, "one"),
        (date(2026, 4, 30), "one"),
        (MAY, "two"),
        (date(2030, 1, 1), "two"),
        (None, "two"),
    ],
)
def test_g_9_the_value_of_a_day_is_in_force_with_its_source(day: date | None, value: str) -> None:
    policy = Changing().in_force_on(day)

    assert policy.share.value == value
    assert policy.share.source == f"notice of {NEW_YEAR if value == 'one' else MAY}"
    assert policy.share.provenance == ("read" if value == "one" else "stated")
    assert policy.share.schedule == ()
    assert policy.in_force_on(MAY) == policy


@pytest.mark.parametrize(
    ("day", "period"),
    [(date(2020, 1, 1), NEW_YEAR), (date(2026, 4, 30), NEW_YEAR), (date(2026, 6, 1), MAY), (None, MAY)],
)
def test_g_9_the_days_of_a_period_have_the_same_figures(day: date | None, period: date) -> None:
    assert Changing().period(day) == period
    assert Changing().in_force_on(day) == Changing().in_force_on(period)
    assert Policy().period(day) is None


def test_g_9_what_a_shop_sets_holds_whatever_the_date() -> None:
    policy = Changing.resolve({"share": "mine"})

    assert {policy.in_force_on(day).share.value for day in (NEW_YEAR, MAY, None)} == {"mine"}
    assert (policy.share.provenance, policy.overrides(), policy.period(MAY)) == ("set", {"share": "mine"}, None)


def test_g_9_the_values_of_an_edition_are_read_again_with_their_dates() -> None:
    written = Changing().model_dump(mode="json")

    assert written["share"]["schedule"][0] == {
        "since": "2026-01-01",
        "value": "one",
        "source": "notice of 2026-01-01",
        "provenance": "read",
    }
    assert Changing.resolve({}, written) == Changing()


def test_g_9_an_edition_with_one_value_has_it_whatever_the_date() -> None:
    share = {name: value for name, value in Changing().model_dump(mode="json")["share"].items() if name != "schedule"}

    policy = Changing.resolve({}, {"share": {**share, "value": "old"}})

    assert {policy.in_force_on(day).share.value for day in (NEW_YEAR, MAY, None)} == {"old"}


def test_a_figure_of_one_value_is_written_without_a_schedule() -> None:
    assert "schedule" not in Policy().model_dump(mode="json")["decide_before"]


def test_the_dates_of_a_figure_ascend() -> None:
    with pytest.raises(ValueError, match="日期须递增"):
        scheduled("u", "G-9", dated(MAY, "two"), dated(MAY, "three"))


def test_a_figure_of_several_values_is_shown_with_their_dates_the_newest_first() -> None:
    assert Changing().share.show() == "2026-05-01 起 two;2026-01-01 起 one"
