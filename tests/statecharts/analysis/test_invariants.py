"""The invariants: every check finds its fault, and every process of the product passes all of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest
from statemachine import State

from aftersales.authoring.process_check import effect_tables
from cases.case import SAMPLE_INSTANT
from statecharts.analysis import invariants
from statecharts.analysis.reachability import StateSpace, explore
from statecharts.chart import CaseChart
from statecharts.rules import Party, after, always, book, by, do, stays, under, upon
from tests.support.places import RULES
from workflows.engine.process import ChartSamples, Process
from workflows.registry import PROCESSES

RULE_BOOK = RULES
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Parcel:
    fragile: bool = False
    opened: bool = False
    doomed: bool = False

    @property
    def light(self) -> bool:
        """轻件"""
        return not self.fragile

    @property
    def unlabelled(self) -> bool:
        return True

    def due(self, figure: str, entered: datetime) -> datetime | None:
        return None if figure == "unset" else entered + DAY

    def apply(self, rule: str, form: Any, at: datetime) -> Self:
        del at
        return replace(self, opened=True) if rule == "open_up" and form == "knife" else self


class Faulty(CaseChart):
    here = State("在此", initial=True)
    there = State("在彼")
    stuck = State("卡住")
    gone = State("消失", final=True)

    doom = always("注定", under("P-1", here.to(gone, cond="doomed")))
    post = by(Party.MERCHANT, "寄", under("P-2", here.to(there, cond="light") | here.to(there, cond="unlabelled")))
    open_up = by(Party.BUYER, "拆", under("P-3", stays(there)), form="tool")
    lose = upon("丢", under("P-4", there.to(stuck, on=[do("cry", "哭"), book("pay", "赔", clause="P-9")])))
    steal = upon("偷", under("P-5", there.to(gone, cond="opened")))
    fix = after("1d", "修", under("P-6", stuck.to(gone)), figure="unset", of=Party.MERCHANT)
    mend = by(Party.MERCHANT, "补", under("P-7", stuck.to(gone, cond="fragile")))
    first = after("1d", "一", under("P-8", there.to(gone)), figure="one", of=Party.BUYER, run_by=Party.PLATFORM)
    second = after("1d", "二", under("P-8", there.to(gone)), figure="two", of=Party.BUYER, run_by=Party.PLATFORM)


class Spelled(CaseChart):
    here = State("在此", initial=True)
    gone = State("消失", final=True)

    post = by(Party.MERCHANT, "寄", under("P-2", here.to(gone, cond="light and opened")))
    drop = by(Party.MERCHANT, "弃", under("P-2", here.to(gone, cond=lambda: True)))


class Ringing(CaseChart):
    here = State("在此", initial=True)
    gone = State("消失", final=True)

    nag = after("1d", "催", under("P-1", stays(here)), figure="nagging", of=Party.MERCHANT)
    warn = after("1d", "警", under("P-1", stays(here, unless="opened")), figure="warning", of=Party.MERCHANT)
    leave = by(Party.MERCHANT, "走", under("P-2", here.to(gone)))


@dataclass(frozen=True)
class Warned(Parcel):
    def apply(self, rule: str, form: Any, at: datetime) -> Self:
        del at
        return replace(self, opened=True) if rule == "warn" and form is None else self


CASES = [Parcel(), Parcel(doomed=True)]


def explored(*, forms: Mapping[str, list[str]] | None = None) -> StateSpace:
    return explore(Faulty, CASES, {"open_up": ["knife"]} if forms is None else forms)


CHARTS = {sampled.chart.__name__: sampled for process in PROCESSES.values() for sampled in process.chart_samples}


@pytest.fixture(scope="module", params=PROCESSES.values(), ids=list(PROCESSES))
def process(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module", params=CHARTS.values(), ids=list(CHARTS))
def sampled(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module")
def reached(sampled: ChartSamples) -> StateSpace:
    return explore(sampled.chart, sampled.samples, sampled.forms)


def test_states_hold_what_cases_learn() -> None:
    assert {state.case for state in explored().states} == {*CASES, Parcel(opened=True)}


def test_a_move_that_only_a_form_opens_is_reached_with_that_form_alone() -> None:
    assert not any(move.startswith("steal") for move in invariants.unreachable_transitions(explored()))
    assert "steal: there -> gone (P-5)" in invariants.unreachable_transitions(explored(forms={}))


def test_what_is_judged_at_once_leaves_nobody_else_a_chance() -> None:
    doomed = [fired.rule for fired in explored().fired if fired.state.case == Parcel(doomed=True)]

    assert doomed == ["doom"]


def test_moves_that_cannot_be_made_are_named() -> None:
    assert invariants.unreachable_transitions(explored()) == [
        "post: here -> there (P-2)",
        "fix: stuck -> gone (P-6)",
        "mend: stuck -> gone (P-7)",
    ]


def test_guards_that_overlap_are_named() -> None:
    assert invariants.overlaps(explored()) == ["post: here"]


def test_states_without_deadline_are_named_with_their_owners() -> None:
    assert invariants.without_deadline(explored()) == {
        "here": {Party.CLOCK: ("doom",), Party.MERCHANT: ("post",)},
        "stuck": {Party.CLOCK: ("fix",), Party.MERCHANT: ("mend",)},
    }


def test_a_rule_that_stays_is_no_way_out_of_a_state() -> None:
    assert "open_up" not in invariants.owners(Faulty, "there").get(Party.BUYER, ())


def test_two_clocks_of_the_platform_in_one_state_are_named() -> None:
    assert invariants.concurrent_platform_clocks(explored()) == ["there"]


def test_clocks_that_stay_and_run_on_are_named_unless_the_case_learns_that_they_fired() -> None:
    assert invariants.endless_clocks(explore(Ringing, [Parcel()], {})) == ["nag", "warn"]
    assert invariants.endless_clocks(explore(Ringing, [Warned()], {})) == ["nag"]


def test_guards_that_are_no_labelled_property_of_the_case_are_named() -> None:
    assert invariants.unfit_guards(Faulty, Parcel) == ["doomed", "unlabelled", "opened", "fragile"]
    assert invariants.unfit_guards(Spelled, Parcel) == ["light and opened", "<lambda>"]


def test_clauses_that_the_rule_book_does_not_have_are_named_ledger_entries_included() -> None:
    assert invariants.unknown_clauses(Faulty, [f"P-{number}" for number in range(1, 8)]) == ["P-9", "P-8"]


def test_silence_ends_where_the_clocks_lead() -> None:
    began = datetime(2026, 3, 1, tzinfo=UTC)

    assert invariants.silent_ending(Faulty, Parcel(doomed=True), began) == invariants.SilentEnding(
        ("gone",), timedelta(0), ("doom",), closed=True
    )
    assert invariants.silent_ending(Faulty, Parcel(), began) == invariants.SilentEnding(
        ("here",), timedelta(0), (), closed=False
    )


def test_every_move_of_a_process_is_reachable(reached: StateSpace) -> None:
    assert invariants.unreachable_transitions(reached) == []


def test_every_state_of_a_process_is_reachable(reached: StateSpace) -> None:
    assert invariants.unreachable_states(reached) == []


def test_guards_of_one_rule_never_overlap_in_a_process(reached: StateSpace) -> None:
    assert invariants.overlaps(reached) == []


def test_guards_of_a_process_are_labelled_properties_of_its_case(sampled: ChartSamples) -> None:
    assert invariants.unfit_guards(sampled.chart, sampled.sees) == []


def test_g_1_the_platform_runs_at_most_one_clock_in_a_state_of_a_process(reached: StateSpace) -> None:
    assert invariants.concurrent_platform_clocks(reached) == []


def test_no_clock_of_a_process_stays_and_runs_on_for_ever(reached: StateSpace) -> None:
    assert invariants.endless_clocks(reached) == []


def test_every_waiting_state_of_a_process_has_a_deadline_or_somebody_who_can_lead_on(reached: StateSpace) -> None:
    ownerless = [
        state for state, owners in invariants.without_deadline(reached).items() if not set(owners) - {Party.CLOCK}
    ]
    judged = {state for state in ownerless if led_on_by_orders(reached.chart, state)}

    assert set(ownerless) - judged == set()


def led_on_by_orders(chart: type[CaseChart], state: str) -> bool:
    """Return whether a state is left by an ``always`` rule as soon as the case's orders have brought that about."""
    clocks = chart.clocks()
    leaving = [name for names in invariants.owners(chart, state).values() for name in names]
    of_orders = any(process.chart is chart and process.order_chart for process in PROCESSES.values())
    return of_orders and bool(leaving) and all(clocks[name].figure is None for name in leaving)


def test_every_clause_of_a_process_stands_in_the_rule_book(process: Process) -> None:
    known = re.findall(r"^\| ([A-Z]+-\d+) \|", RULE_BOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert [invariants.unknown_clauses(chart, known) for chart in process.charts] == [[] for _ in process.charts]


def test_every_clock_of_a_process_runs_for_some_case(sampled: ChartSamples) -> None:
    figures = {clock.figure for clock in sampled.chart.clocks().values() if clock.figure}

    runs = {name for name in figures for case in sampled.samples if case.due(name, SAMPLE_INSTANT)}

    assert figures - runs == set()


def test_every_clock_of_a_process_runs_by_a_figure_of_its_policy_or_an_instant_that_its_case_names(
    process: Process,
) -> None:
    figures = {clock.figure for clock in process.clocks.values() if clock.figure}
    instants = {clock.figure for clock in process.clocks.values() if clock.instant}
    known = {*process.case.policy_type().figures(), *instants}

    assert figures - known == set()


def test_every_effect_of_a_process_has_an_activity(process: Process) -> None:
    performed = {effect.name for effect in process.effects().values() if effect.is_performed}

    assert performed == set(effect_tables()[process.name])


def test_forms_that_a_process_is_explored_with_are_those_that_its_rules_ask_for(process: Process) -> None:
    for rule, forms in process.case.form_samples().items():
        asked = {process.rules[rule].form, *(line.form for line in process.rules[rule].lines)} - {None}
        assert {type(form) for form in forms} <= {process.case.form_type(name) for name in asked}


def test_every_form_that_a_chart_names_is_known_to_its_case(process: Process) -> None:
    rules = process.rules.values()
    named = {rule.form for rule in rules} | {line.form for rule in rules for line in rule.lines}

    assert named - {None} == set(process.case.forms)


def test_dr_18_arbitration_is_the_only_wait_of_a_reship_without_a_deadline() -> None:
    reship = PROCESSES["douyin_reship"]
    waiting = invariants.without_deadline(explore(reship.chart, reship.case.samples(), reship.case.form_samples()))

    assert waiting == {
        "arbitration": {
            Party.BUYER: ("withdraw",),
            Party.PLATFORM: ("rule_reship", "rule_refund", "rule_dismiss"),
        }
    }
