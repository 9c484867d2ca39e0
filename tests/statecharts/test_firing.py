"""A rule that is fired without a chart does what it does on a chart of its own, also when that is known already."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statemachine.exceptions import TransitionNotAllowed

from statecharts import firing
from statecharts.chart import CaseChart, Snapshot, Step
from workflows.registry import PROCESSES

T0 = datetime(2026, 1, 5, 1, tzinfo=UTC)
CHARTS = [sampled for process in PROCESSES.values() for sampled in process.chart_samples]
CHART_IDS = [sampled.chart.__name__ for sampled in CHARTS]


def fired_on_a_chart(
    chart: type[CaseChart], case: Any, snapshot: Snapshot, rule: str, at: datetime, form: Any
) -> tuple[Step, Snapshot] | None:
    own = chart(case, at, snapshot)
    try:
        return own.step(rule, at, form), own.snapshot()
    except TransitionNotAllowed:
        return None


def fired(
    chart: type[CaseChart], case: Any, snapshot: Snapshot, rule: str, at: datetime, form: Any
) -> tuple[Step, Snapshot] | None:
    try:
        return firing.fire(chart, case, snapshot, rule, at, form)
    except TransitionNotAllowed:
        return None


@pytest.mark.parametrize("number", range(len(CHARTS)), ids=CHART_IDS)
@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_any_rule_does_the_same_as_on_a_chart_of_its_own(number: int, data: Any) -> None:
    chart, samples = CHARTS[number].chart, CHARTS[number].samples
    rules, case = list(chart.rules), data.draw(st.sampled_from(samples))
    effects, snapshot = firing.begin(chart, case, T0)
    fresh = chart(case, T0)
    assert (list(effects), snapshot) == (fresh.effects, fresh.snapshot())
    for hour in range(data.draw(st.integers(min_value=1, max_value=12))):
        at, case = T0 + timedelta(hours=hour), data.draw(st.sampled_from(samples))  # guards change as well
        for state in snapshot.entered:
            if data.draw(st.booleans()):
                snapshot.given[state] = at
        open_rules = chart(case, at, snapshot).open_rules(*{rule.party for rule in chart.rules.values()})
        rule = data.draw(st.sampled_from([*open_rules, *open_rules, *rules]))
        form = data.draw(st.sampled_from([None, *CHARTS[number].forms.get(rule, ())]))
        before = (dict(snapshot.entered), dict(snapshot.given), dict(snapshot.fired))
        expected = fired_on_a_chart(chart, case, snapshot, rule, at, form)
        assert fired(chart, case, snapshot, rule, at, form) == expected
        assert fired(chart, case, snapshot, rule, at, form) == expected, "what is known is done again"
        assert before == (snapshot.entered, snapshot.given, snapshot.fired), "the snapshot itself stays as it was"
        if expected:
            assert list(expected[1].entered) == list(firing.fire(chart, case, snapshot, rule, at, form)[1].entered)
            snapshot = expected[1]
        if not snapshot.entered:  # only what samples of two editions do in turn leads nowhere
            return


def test_the_library_works_out_only_once_what_a_rule_does(monkeypatch: pytest.MonkeyPatch) -> None:
    chart, case = CHARTS[0].chart, CHARTS[0].samples[0]
    chart.known_moves.clear()
    steps: list[str] = []
    by_library = chart.step
    monkeypatch.setattr(
        chart,
        "step",
        lambda self, rule, *given, **named: (steps.append(rule), by_library(self, rule, *given, **named))[1],
    )
    for hour in range(3):
        _, snapshot = firing.begin(chart, case, T0 + timedelta(hours=hour))
        step, after = firing.fire(chart, case, snapshot, "withdraw", T0 + timedelta(hours=hour + 1))
        assert step.reached == ("withdrawn",)
        assert after.entered == {"withdrawn": T0 + timedelta(hours=hour + 1)}
    assert steps == ["withdraw"]
