"""A borrowed chart behaves like a new one, whatever it was used for before."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statemachine.exceptions import TransitionNotAllowed

from statecharts.chart import CaseChart, Snapshot, Step
from workflows.registry import PROCESSES

T0 = datetime(2026, 1, 5, 1, tzinfo=UTC)
CHARTS = [sampled for process in PROCESSES.values() for sampled in process.chart_samples]
CHART_IDS = [sampled.chart.__name__ for sampled in CHARTS]
Outcome = tuple[Step | None, Snapshot, list[str]]


def fire(chart: CaseChart, rule: str, at: datetime) -> Outcome:
    try:
        step: Step | None = chart.step(rule, at)
    except TransitionNotAllowed:
        step = None
    return step, chart.snapshot(), sorted(map(str, chart.configuration_values))


@pytest.fixture(autouse=True)
def nothing_idle() -> None:
    """No test meets a chart that another has left."""
    for sampled in CHARTS:
        sampled.chart._idle.clear()


@pytest.mark.parametrize("number", range(len(CHARTS)), ids=CHART_IDS)
@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_any_rules_of_several_cases_in_turn_do_what_they_do_on_charts_of_their_own(number: int, data: Any) -> None:
    chart, samples = CHARTS[number].chart, CHARTS[number].samples
    rules = list(chart.rules)
    cases = data.draw(st.lists(st.sampled_from(range(len(samples))), min_size=1, max_size=3))
    own = [chart(samples[case], T0).snapshot() for case in cases]
    lent = list(own)
    for hour in range(data.draw(st.integers(min_value=1, max_value=15))):
        which, at = data.draw(st.sampled_from(range(len(cases)))), T0 + timedelta(hours=hour)
        case = samples[data.draw(st.sampled_from(range(len(samples))))]  # guards change as well
        open_rules = chart(case, at, own[which]).open_rules(*{rule.party for rule in chart.rules.values()})
        rule = data.draw(st.sampled_from([*open_rules, *open_rules, *rules]))

        expected = fire(chart(case, at, own[which]), rule, at)
        with chart.borrowed(case, at, lent[which]) as borrowed:
            assert fire(borrowed, rule, at) == expected

        own[which] = lent[which] = expected[1]


@pytest.mark.parametrize("sampled", CHARTS, ids=CHART_IDS)
def test_a_borrowed_chart_enters_the_initial_state_of_a_new_case_also_after_another_has_closed(sampled: Any) -> None:
    chart, case = sampled.chart, sampled.samples[0]
    final = next(value for value, state in chart.states_map.items() if state.final and state.parent is None)
    fresh = chart(case, T0)
    with chart.borrowed(case, T0, Snapshot({final: T0})) as ended:
        assert ended.closed

    with chart.borrowed(case, T0) as borrowed:
        assert borrowed is ended
        assert (borrowed.snapshot(), borrowed.effects) == (fresh.snapshot(), fresh.effects)
        assert list(borrowed.deadlines()) == list(fresh.deadlines())


def test_a_closing_rule_leaves_the_next_borrower_a_running_chart() -> None:
    chart, case = CHARTS[0].chart, CHARTS[0].samples[0]
    with chart.borrowed(case, T0) as first:
        first.step("withdraw", T0)
        assert first.closed

    with chart.borrowed(case, T0) as second:
        assert second is first
        assert second.step("withdraw", T0).reached == ("withdrawn",)


def test_nested_borrowers_on_one_thread_have_a_chart_each() -> None:
    chart, case = CHARTS[0].chart, CHARTS[0].samples[0]
    with chart.borrowed(case, T0) as outer:
        with chart.borrowed(case, T0 + timedelta(hours=1)) as inner:
            inner.step("withdraw", T0 + timedelta(hours=1))
        assert outer.snapshot() == chart(case, T0).snapshot()
        assert outer.step("agree", T0).left == tuple(chart(case, T0).entered)


def test_an_exception_throws_the_chart_away() -> None:
    chart, case = CHARTS[0].chart, CHARTS[0].samples[0]
    used: list[CaseChart] = []

    def fail() -> None:
        with chart.borrowed(case, T0) as broken:
            used.append(broken)
            broken.step("agree", T0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    with chart.borrowed(case, T0) as next_one:
        assert next_one not in used
        assert next_one.snapshot() == chart(case, T0).snapshot()


def test_a_chart_that_refused_a_rule_serves_the_next_borrower() -> None:
    chart, case = CHARTS[0].chart, CHARTS[0].samples[0]
    with chart.borrowed(case, T0) as first, pytest.raises(TransitionNotAllowed):
        first.step("ship", T0)

    with chart.borrowed(case, T0) as second:
        assert fire(second, "agree", T0) == fire(chart(case, T0), "agree", T0)


def test_an_idle_chart_keeps_no_case_alive() -> None:
    chart, case = CHARTS[0].chart, CHARTS[0].samples[0]
    with chart.borrowed(case, T0) as borrowed:
        pass

    assert borrowed.case is None
    assert borrowed._guards.case is None


def test_threads_that_borrow_at_once_do_not_meet() -> None:
    chart, case = CHARTS[0].chart, CHARTS[0].samples[0]
    expected, found, gate = fire(chart(case, T0), "agree", T0), [], threading.Barrier(4)

    def borrow() -> None:
        gate.wait()
        for _ in range(50):
            with chart.borrowed(case, T0) as borrowed:
                found.append(fire(borrowed, "agree", T0))

    threads = [threading.Thread(target=borrow) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [expected] * 200


@pytest.mark.parametrize("sampled", CHARTS, ids=CHART_IDS)
def test_nothing_of_the_library_outlives_a_borrower_unseen(sampled: Any) -> None:
    """Fails if a release of the library keeps state in a place that ``CaseChart._reset`` does not know."""
    chart, case = sampled.chart, sampled.samples[0]
    fresh = chart(case, T0)
    with chart.borrowed(case, T0) as first:
        for rule in first.open_rules(*{rule.party for rule in chart.rules.values()})[:1]:
            first.step(rule, T0, next(iter(sampled.forms.get(rule, ())), None), line=first.line(rule))
    with chart.borrowed(case, T0) as again:
        known = {
            *(
                "case",
                "now",
                "entered",
                "given",
                "fired",
                "effects",
                "_guards",
                "_line",
                "_form",
                "left_states",
                "new_states",
            ),  # ours
            *("model", "state_field", "start_configuration_values"),  # the model's state is set, the rest is constant
            *("history_values", "_engine"),  # set
            *("_callbacks", "_config", "_listeners"),  # bound to the chart itself, its model and its guards
            *(state.id for state in chart.states_map.values()),
        }
        assert again is first
        assert set(vars(again)) == set(vars(fresh)) <= known
        assert set(vars(again.model)) == set(vars(fresh.model)) == {"state"}
        assert set(again._listeners.values()) == {again._guards}
        assert vars(again._engine).keys() == vars(fresh._engine).keys()
        assert again._engine.running is True
        assert again._engine.external_queue.is_empty()
        assert again._engine.internal_queue.is_empty()
