"""Lines of a chart: windows of time, forms, editions, and clocks that count from a rule or repeat."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from statemachine import State
from statemachine.exceptions import TransitionNotAllowed

from statecharts.analysis import invariants
from statecharts.analysis.reachability import explore
from statecharts.chart import CaseChart, ChartView, Snapshot
from statecharts.rules import (
    ChartFault,
    Party,
    after,
    again,
    at,
    book,
    by,
    form,
    lengths_of,
    moment,
    once,
    stays,
    under,
    undo,
    upon,
    window,
)

T0 = datetime(2026, 1, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Checked:
    broken: bool


@dataclass
class Parcel:
    edition: str = "2026-11-27"
    sold_at: datetime | None = T0
    lengths: dict[str, timedelta | None] = field(
        default_factory=lambda: {"correcting": 24 * HOUR, "ahead": 2 * HOUR, "scanning": 24 * HOUR, "late_again": HOUR}
    )

    def due(self, figure: str, entered: datetime) -> datetime | None:
        if figure not in self.lengths:
            return self.instant(figure)
        length = self.length(figure)
        return None if length is None else entered + length

    def instant(self, name: str) -> datetime | None:
        return {"sold_at": self.sold_at, "promised_at": T0 + 10 * HOUR}[name]

    def length(self, figure: str) -> timedelta | None:
        return self.lengths[figure]

    def apply(self, rule: str, form: Any, at: datetime) -> "Parcel":
        del rule, form, at
        return self


class ParcelChart(CaseChart):
    packed = State("已打包", initial=True)
    moving = State("运输中")
    checked = State("已验", final=True)
    spoilt = State("已损", final=True)

    announce = by(
        Party.MERCHANT,
        "预告",
        under("P-1", stays(packed), opens=window("2h", before="promised_at", figure="ahead", named="预告期")),
    )
    ship = by(Party.MERCHANT, "发货", under("P-2", packed.to(moving), closes=moment("promised_at", named="承诺时间")))
    correct = by(
        Party.MERCHANT,
        "更正",
        under("P-3", stays(moving), closes=window("24h", since="ship", figure="correcting", named="更正期")),
    )
    scan = upon("扫描", under("P-4", stays(moving)))
    stall = after("24h", "停滞", under("P-4", moving.to(spoilt)), since="scan", figure="scanning", of=Party.MERCHANT)
    miss = at(
        "promised_at",
        "超时",
        under("P-5", stays(packed), of=Party.PLATFORM),
        named="承诺时间",
        of=Party.MERCHANT,
        again=again("1h", times=3, figure="late_again", named="再次超时"),
    )
    remind = after("24h", "提示一次", under("P-6", stays(moving)), figure="correcting2", of=Party.MERCHANT, again=once)
    check = by(
        Party.MERCHANT,
        "验货",
        under("P-7", moving.to(spoilt, cond=form("broken"))),
        under("P-7", moving.to(checked, unless=form("broken"))),
    )
    recall = by(
        Party.MERCHANT,
        "召回",
        under("P-8", moving.to(packed), new_in="2026-11-27"),
        under("P-8", moving.to(spoilt), gone_in="2026-11-27"),
    )


LENGTHS = Parcel().lengths | {"correcting2": 24 * HOUR}


def parcel(**known: Any) -> Parcel:
    return Parcel(**{"lengths": dict(LENGTHS), **known})


def moving(**known: Any) -> ParcelChart:
    chart = ParcelChart(parcel(**known), T0)
    chart.step("ship", T0 + HOUR)
    return chart


def open_now(view: ChartView, instant: datetime) -> set[str]:
    return set(view.open_rules(Party.MERCHANT, at=instant))


@pytest.mark.parametrize(("instant", "rules"), [(8 * HOUR - SECOND, set()), (8 * HOUR, {"announce"})])
def test_a_line_opens_a_length_of_time_before_an_instant(instant: timedelta, rules: set[str]) -> None:
    view = ParcelChart(parcel(), T0).view

    assert open_now(view, T0 + instant) & {"announce"} == rules


@pytest.mark.parametrize(("instant", "rules"), [(10 * HOUR - SECOND, {"ship"}), (10 * HOUR, set())])
def test_a_line_closes_at_an_instant_of_the_case(instant: timedelta, rules: set[str]) -> None:
    assert open_now(ParcelChart(parcel(), T0).view, T0 + instant) & {"ship"} == rules


@pytest.mark.parametrize(("instant", "rules"), [(25 * HOUR - SECOND, {"correct"}), (25 * HOUR, set())])
def test_a_line_closes_a_length_of_time_after_a_rule_has_fired(instant: timedelta, rules: set[str]) -> None:
    assert open_now(moving().view, T0 + instant) & {"correct"} == rules


def test_a_rule_outside_its_window_cannot_be_fired() -> None:
    chart = ParcelChart(parcel(), T0)

    with pytest.raises(TransitionNotAllowed):
        chart.step("ship", T0 + 10 * HOUR)

    assert set(chart.entered) == {"packed"}


def test_a_window_without_its_instant_is_closed() -> None:
    unset = parcel(lengths=LENGTHS | {"correcting": None})
    chart = ParcelChart(unset, T0)
    chart.step("ship", T0)

    assert not chart.view.transitions("correct", T0)
    assert chart.view.transitions("correct"), "without an instant, windows are not looked at"


def test_a_clock_runs_since_a_rule_fired_last_and_not_before_it_has() -> None:
    chart = moving()
    assert "stall" not in {deadline.rule for deadline in chart.deadlines()}

    chart.step("scan", T0 + 2 * HOUR)
    chart.step("scan", T0 + 5 * HOUR)

    assert [deadline.due for deadline in chart.deadlines() if deadline.rule == "stall"] == [T0 + 29 * HOUR]


def test_a_clock_fires_again_at_most_as_often_as_its_line_says() -> None:
    chart = ParcelChart(parcel(), T0)

    steps = chart.elapse(T0 + 1000 * HOUR)

    assert [step.at - T0 for step in steps] == [10 * HOUR, 11 * HOUR, 12 * HOUR]


def test_a_clock_whose_repetition_is_unset_fires_once() -> None:
    chart = ParcelChart(parcel(lengths=LENGTHS | {"late_again": None}), T0)

    assert [step.rule for step in chart.elapse(T0 + 1000 * HOUR)] == ["miss"]


def test_a_clock_that_fires_once_a_stay_fires_again_in_the_next() -> None:
    assert [step.rule for step in moving().elapse(T0 + 100 * HOUR)] == ["remind"]

    stays_since = Snapshot({"moving": T0 + 50 * HOUR}, fired={"remind": [T0 + 25 * HOUR]})
    next_stay = ParcelChart(parcel(), T0, stays_since)

    assert [step.at - T0 for step in next_stay.elapse(T0 + 1000 * HOUR)] == [74 * HOUR]


def test_the_firings_that_a_clock_counts_from_survive_a_snapshot() -> None:
    chart = moving()
    chart.step("scan", T0 + 2 * HOUR)

    resumed = ParcelChart(parcel(), T0, chart.snapshot())

    assert list(resumed.deadlines()) == list(chart.deadlines())
    assert set(resumed.fired) == {"ship", "scan"}, "of rules that nothing counts from, nothing is kept"


@pytest.mark.parametrize(("filled", "reached"), [(Checked(broken=True), "spoilt"), (Checked(broken=False), "checked")])
def test_the_form_chooses_the_line(filled: Checked, reached: str) -> None:
    assert moving().step("check", T0 + 2 * HOUR, filled).reached == (reached,)


def test_without_a_form_no_line_fits_that_depends_on_it() -> None:
    chart = moving()

    assert chart.view.transitions("check", T0, None) == []
    assert len(chart.view.transitions("check", T0)) == 2, "it may be fired: the form is not known yet"
    with pytest.raises(TransitionNotAllowed):
        chart.step("check", T0 + 2 * HOUR)


@pytest.mark.parametrize(
    ("edition", "reached"), [("2026-11-26", "spoilt"), ("2026-11-27", "packed"), ("unreleased", "packed")]
)
def test_a_case_keeps_the_lines_of_the_edition_with_which_it_was_opened(edition: str, reached: str) -> None:
    assert moving(edition=edition).step("recall", T0 + 2 * HOUR).reached == (reached,)


def test_a_line_may_say_that_the_deadline_is_another_partys() -> None:
    view = ParcelChart(parcel(), T0).view
    (deadline,) = [deadline for deadline in view.deadlines if deadline.rule == "miss"]

    assert view.owner(deadline) is Party.PLATFORM
    assert ParcelChart.clocks()["miss"].of is Party.MERCHANT


def test_a_proof_looks_behind_every_window_form_and_edition() -> None:
    cases = [parcel(), parcel(edition="2026-11-26")]
    space = explore(ParcelChart, cases, {"check": [Checked(broken=True), Checked(broken=False)]})

    assert invariants.unreachable_transitions(space) == []
    assert invariants.overlaps(space) == []
    assert invariants.endless_clocks(space) == []


def test_every_length_of_a_line_is_a_figure_with_a_clause() -> None:
    lengths = {length.figure: length.clause for rule in ParcelChart.rules.values() for length in lengths_of(rule)}

    assert lengths == {
        "ahead": "P-1",
        "correcting": "P-3",
        "scanning": "P-4",
        "late_again": "P-5",
        "correcting2": "P-6",
    }


def test_a_borrowed_chart_forgets_the_form_and_the_line_of_its_last_use() -> None:
    with ParcelChart.borrowed(parcel(), T0, Snapshot({"moving": T0})) as chart:
        chart.step("check", T0, Checked(broken=True))
    with ParcelChart.borrowed(parcel(), T0, Snapshot({"moving": T0})) as chart, pytest.raises(TransitionNotAllowed):
        chart.step("check", T0)


def test_a_window_counts_from_one_instant() -> None:
    with pytest.raises(ChartFault, match="either since"):
        window("1h", figure="x", named="x")
    with pytest.raises(ChartFault, match="either since"):
        window("1h", figure="x", named="x", since="a", before="b")


def test_undo_takes_a_tuple_of_effects_and_one_of_clauses() -> None:
    book("late", "迟", clause="P-5")
    with pytest.raises(ChartFault, match="tuple of effects"):
        undo("take_back", "撤回", entries="late", clause="P-5")  # type: ignore[arg-type]
    with pytest.raises(ChartFault, match="tuple of clauses"):
        undo("take_back", "撤回", entries=("late",), clause="P-5", across="P-5")  # type: ignore[arg-type]
