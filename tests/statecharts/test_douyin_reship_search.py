"""A search for sequences of rules and waits that break an invariant of reships."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from statemachine.exceptions import TransitionNotAllowed

from cases.case import SAMPLE_INSTANT
from cases.douyin_reship import Modification, Reason, ReshipCase
from statecharts.chart import Step
from statecharts.douyin_reship import DouyinReship
from statecharts.rules import Party

FINAL = {"completed", "refunded", "withdrawn", "lapsed", "dismissed", "ineligible"}
MISSED = [("charge_late_penalty", "DR-10"), ("record_late_violation", "DR-11")]
RULES = list(DouyinReship.rules)
WAITS = st.one_of(
    st.integers(min_value=0, max_value=11 * 24 * 3600),
    st.sampled_from([1, 48 * 3600 - 1, 48 * 3600, 48 * 3600 + 1, 10 * 24 * 3600 - 1, 10 * 24 * 3600]),
).map(lambda seconds: timedelta(seconds=seconds))


class Reship(RuleBasedStateMachine):
    @initialize(case=st.sampled_from(ReshipCase.samples()))
    def open_case(self, case: ReshipCase) -> None:
        self.case, self.now = case, SAMPLE_INSTANT
        self.chart = DouyinReship(case, self.now)

    @rule(name=st.sampled_from(RULES), reason=st.sampled_from([None, *Reason]))
    def somebody_tries(self, name: str, reason: Reason | None) -> None:
        before = self.chart.snapshot()
        accepted = name in self.chart.open_rules(*Party)
        try:
            step = self.chart.step(name, self.now)
        except TransitionNotAllowed:
            assert not accepted
            assert self.chart.snapshot() == before
            return
        assert accepted
        self.judge(step)
        modification = Modification(reason=reason) if name == "modify" and reason else None
        learned = self.case.apply(name, modification, self.now)
        if learned != self.case:
            self.case, self.chart = learned, DouyinReship(learned, self.now, self.chart.snapshot())

    @rule(wait=WAITS)
    def time_passes(self, wait: timedelta) -> None:
        self.now += wait
        for step in self.chart.elapse(self.now):
            assert step.at <= self.now
            assert DouyinReship.rules[step.rule].clock
            self.judge(step)
        assert all(deadline.due > self.now for deadline in self.chart.deadlines())

    @rule(wait=WAITS)
    def the_platform_gives_its_own_deadline(self, wait: timedelta) -> None:
        snapshot = self.chart.snapshot()
        self.chart = DouyinReship(
            self.case, self.now, replace(snapshot, given=dict.fromkeys(snapshot.entered, self.now + wait))
        )
        clocks = DouyinReship.clocks()
        dues = {deadline.due for deadline in self.chart.deadlines() if clocks[deadline.rule].resolved_by_platform}
        assert dues <= {self.now + wait}

    @rule()
    def the_worker_restarts(self) -> None:
        before, deadlines = self.chart.snapshot(), list(self.chart.deadlines())
        self.chart = DouyinReship(self.case, self.now, before)
        assert (self.chart.snapshot(), list(self.chart.deadlines()), self.chart.effects) == (before, deadlines, [])

    def judge(self, step: Step) -> None:
        books = [(effect.name, effect.clause) for effect in step.effects if effect.is_ledger_entry]
        assert books == (MISSED if step.rule == "miss_shipment" else [])
        assert step.clause in DouyinReship.rules[step.rule].clauses

    @invariant()
    def one_state_is_active(self) -> None:
        assert len(self.chart.entered) == 1
        assert [str(value) for value in self.chart.configuration_values] == list(self.chart.entered)

    @invariant()
    def no_state_was_entered_in_the_future(self) -> None:
        assert all(SAMPLE_INSTANT <= entered <= self.now for entered in self.chart.entered.values())

    @invariant()
    def no_deadline_lies_before_the_state_was_entered(self) -> None:
        assert all(deadline.due >= self.chart.entered[deadline.state] for deadline in self.chart.deadlines())

    @invariant()
    def closed_is_being_in_a_final_state(self) -> None:
        assert self.chart.closed == bool(FINAL & set(self.chart.entered))
        if self.chart.closed:
            assert self.chart.open_rules(*Party) == []
            assert list(self.chart.deadlines()) == []


TestReship = Reship.TestCase
TestReship.settings = settings(
    max_examples=100,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),
)
