"""The base of charts: time as an argument, effects as data, derived deadlines."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from statemachine import State
from statemachine.exceptions import TransitionNotAllowed

from statecharts.chart import CaseChart, Deadline, Snapshot
from statecharts.rules import ChartFault, Party, after, always, by, do, stays, under, upon

T0 = datetime(2026, 1, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

ring = do("ring", "响铃")
lock = do("lock", "上锁")


@dataclass
class Kettle:
    lengths: dict[str, timedelta] = field(default_factory=lambda: {"heating": HOUR, "cooling": 2 * HOUR})
    broken: bool = False

    def due(self, figure: str, entered: datetime) -> datetime | None:
        return entered + self.lengths[figure] if figure in self.lengths else None


class KettleChart(CaseChart):
    cold = State("冷", initial=True)
    heating = State("加热")
    hot = State("热", enter=ring)
    cracked = State("裂", final=True)

    crack = always("开裂", under("K-1", cold.to(cracked, cond="broken")))
    switch_on = by(Party.MERCHANT, "打开", under("K-2", cold.to(heating)))
    boil = after(
        "1h", "烧开", under("K-3", heating.to(hot, on=lock)), figure="heating", of=Party.MERCHANT, run_by=Party.PLATFORM
    )
    cool = after("1h", "放凉", under("K-4", hot.to(cold)), figure="cooling", of=Party.PLATFORM)
    wait = after("1h", "等待", under("K-5", hot.to(cold)), figure="unset", of=Party.PLATFORM)
    look = by(Party.BUYER, "看看", under("K-6", stays(cold, heating, on=lock)))
    drop = upon("打碎", under("K-7", hot.to(cracked)))


class Twin(CaseChart):
    class pair(State.Parallel):  # noqa: N801
        class left(State.Compound):  # noqa: N801
            left_open = State("左开", initial=True)
            left_done = State("左毕")

        class right(State.Compound):  # noqa: N801
            right_open = State("右开", initial=True)
            right_done = State("右毕")

    finish_left = after(
        "1h", "左届满", under("W-1", pair.left.left_open.to(pair.left.left_done)), figure="slow", of=Party.MERCHANT
    )
    finish_right = after(
        "1h", "右届满", under("W-2", pair.right.right_open.to(pair.right.right_done)), figure="quick", of=Party.MERCHANT
    )


def hot(**options: Any) -> KettleChart:
    chart = KettleChart(Kettle(**options), T0)
    chart.step("switch_on", T0)
    chart.elapse(T0 + HOUR)
    return chart


def test_a_step_says_where_from_where_to_under_which_clause_and_when() -> None:
    step = KettleChart(Kettle(), T0).step("switch_on", T0 + HOUR)

    assert (step.rule, step.at, step.clause, step.left, step.reached) == (
        "switch_on",
        T0 + HOUR,
        "K-2",
        ("cold",),
        ("heating",),
    )


def test_entering_a_state_is_remembered_with_its_instant() -> None:
    chart = KettleChart(Kettle(), T0)
    assert chart.entered == {"cold": T0}

    chart.step("switch_on", T0 + HOUR)

    assert chart.entered == {"heating": T0 + HOUR}


def test_effects_are_owed_by_the_move_first_and_then_by_the_state_entered() -> None:
    chart = KettleChart(Kettle(), T0)
    assert chart.step("switch_on", T0).effects == ()

    assert [effect.name for effect in chart.step("boil", T0).effects] == ["lock", "ring"]


def test_a_move_without_target_leaves_the_clock_running() -> None:
    chart = KettleChart(Kettle(), T0)
    chart.step("switch_on", T0)

    step = chart.step("look", T0 + HOUR / 2)

    assert [effect.name for effect in step.effects] == ["lock"]
    assert chart.entered == {"heating": T0}
    assert list(chart.deadlines()) == [Deadline(T0 + HOUR, "heating", "boil")]


def test_a_rule_that_is_not_open_is_refused_and_changes_nothing() -> None:
    chart = KettleChart(Kettle(), T0)

    with pytest.raises(TransitionNotAllowed):
        chart.step("drop", T0 + HOUR)

    assert chart.snapshot() == Snapshot({"cold": T0})
    assert chart.open_rules(*Party) == ["switch_on", "look"]


def test_a_rule_whose_guard_does_not_hold_is_refused() -> None:
    with pytest.raises(TransitionNotAllowed):
        KettleChart(Kettle(), T0).step("crack", T0)


def test_open_rules_are_those_of_the_parties_asked_for() -> None:
    chart = KettleChart(Kettle(), T0)

    assert chart.open_rules(Party.MERCHANT) == ["switch_on"]
    assert chart.open_rules(Party.BUYER) == ["look"]
    assert chart.open_rules(Party.PROVIDER) == []


def test_a_clock_does_not_fire_a_second_early_and_fires_at_its_instant() -> None:
    chart = KettleChart(Kettle(), T0)
    chart.step("switch_on", T0)

    assert chart.elapse(T0 + HOUR - timedelta(seconds=1)) == []
    assert [(step.rule, step.at) for step in chart.elapse(T0 + HOUR)] == [("boil", T0 + HOUR)]


def test_clocks_that_ran_out_long_ago_fire_each_at_its_own_moment() -> None:
    chart = KettleChart(Kettle(), T0)
    chart.step("switch_on", T0)

    steps = chart.elapse(T0 + 100 * HOUR)

    assert [(step.rule, step.at) for step in steps] == [("boil", T0 + HOUR), ("cool", T0 + 3 * HOUR)]


def test_a_clock_that_the_case_has_no_instant_for_does_not_run() -> None:
    assert list(hot().deadlines()) == [Deadline(T0 + 3 * HOUR, "hot", "cool")]


def test_what_is_judged_at_once_is_due_when_the_state_is_entered() -> None:
    chart = KettleChart(Kettle(broken=True), T0)

    assert list(chart.deadlines()) == [Deadline(T0, "cold", "crack", immediate=True)]
    assert [step.at for step in chart.elapse(T0)] == [T0]
    assert chart.closed


def test_what_is_judged_at_once_is_judged_again_when_the_state_is_entered_again() -> None:
    chart = hot()
    resumed = KettleChart(Kettle(broken=True), T0, chart.snapshot())

    assert [step.rule for step in resumed.elapse(T0 + 3 * HOUR)] == ["cool", "crack"]


def test_g_1_the_platforms_own_deadline_replaces_the_computed_one() -> None:
    snapshot = Snapshot({"heating": T0}, given={"heating": T0 + 5 * HOUR})
    chart = KettleChart(Kettle(), T0, snapshot)

    assert list(chart.deadlines()) == [Deadline(T0 + 5 * HOUR, "heating", "boil")]
    assert chart.elapse(T0 + 5 * HOUR - timedelta(seconds=1)) == []
    chart.elapse(T0 + 5 * HOUR)
    assert chart.snapshot() == Snapshot({"hot": T0 + 5 * HOUR})


def test_g_1_a_given_deadline_does_not_touch_a_clock_of_our_own() -> None:
    chart = KettleChart(Kettle(), T0, Snapshot({"hot": T0}, given={"hot": T0 + 50 * HOUR}))

    assert list(chart.deadlines()) == [Deadline(T0 + 2 * HOUR, "hot", "cool")]


def test_a_resumed_chart_neither_enters_a_state_nor_has_effects() -> None:
    chart = hot()

    resumed = KettleChart(Kettle(), T0 + 2 * HOUR, chart.snapshot())

    assert resumed.effects == []
    assert resumed.snapshot() == chart.snapshot()
    assert list(resumed.deadlines()) == list(chart.deadlines())


def test_a_past_is_not_shared_with_the_chart_that_gave_it() -> None:
    chart = KettleChart(Kettle(), T0)
    snapshot = chart.snapshot()

    chart.step("switch_on", T0)

    assert snapshot.entered == {"cold": T0}


def test_closed_holds_after_resuming_in_a_final_state_and_nothing_is_open_there() -> None:
    chart = KettleChart(Kettle(), T0, Snapshot({"cracked": T0}))

    assert chart.closed
    assert chart.open_rules(*Party) == []
    with pytest.raises(TransitionNotAllowed):
        chart.step("switch_on", T0)


def test_regions_have_their_own_clocks_and_the_nearest_runs_out_first() -> None:
    case = Kettle({"slow": 2 * HOUR, "quick": HOUR})

    steps = Twin(case, T0).elapse(T0 + 9 * HOUR)

    assert [(step.rule, step.at) for step in steps] == [("finish_right", T0 + HOUR), ("finish_left", T0 + 2 * HOUR)]


def test_regions_are_resumed_where_each_stood() -> None:
    case = Kettle({"slow": 2 * HOUR, "quick": HOUR})
    chart = Twin(case, T0)
    chart.elapse(T0 + HOUR)

    resumed = Twin(case, T0 + HOUR, chart.snapshot())

    assert set(resumed.entered) == {"pair", "left", "right", "left_open", "right_done"}
    assert list(resumed.deadlines()) == [Deadline(T0 + 2 * HOUR, "left_open", "finish_left")]


@pytest.mark.parametrize("name", ["send", "step", "closed"])
def test_a_rule_cannot_take_the_place_of_what_every_chart_has(name: str) -> None:
    here, gone = State("在", initial=True), State("去", final=True)
    rule = by(Party.MERCHANT, "寄", under("X-1", here.to(gone)))

    with pytest.raises(ChartFault, match=name):
        type("Careless", (CaseChart,), {"here": here, "gone": gone, name: rule})


class Pendulum(CaseChart):
    left = State("左", initial=True)
    right = State("右")
    fallen = State("落", final=True)

    tick = always("滴", under("P-1", left.to(right)))
    tock = always("答", under("P-1", right.to(left)))
    fall = upon("落下", under("P-2", fallen.from_(left, right)))


def test_a_rule_that_never_stops_is_reported_instead_of_fired_for_ever() -> None:
    with pytest.raises(ChartFault, match="rule 'tock' never stops: it fires again and again while no time passes"):
        Pendulum(Kettle(), T0).elapse(T0)
