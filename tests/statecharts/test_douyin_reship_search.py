"""A search for sequences of rules and waits that break an invariant of reships."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from statemachine.exceptions import TransitionNotAllowed

from cases.case import SAMPLE_INSTANT
from cases.douyin_reship import EvidenceAsked, Modification, Reason, ReshipCase, UntrueNumber
from statecharts.chart import Step
from statecharts.douyin_reship import DouyinReship
from statecharts.rules import Party

FINAL = {"completed", "refunded", "withdrawn", "lapsed", "dismissed", "ineligible"}
PENALTY = ("charge_late_penalty", "DR-10")
AGAIN = ("record_another_violation", "DR-11")
BOOKS = {"miss_shipment": [PENALTY, ("record_late_violation", "DR-11")], "late_again": [AGAIN]}
RULES = list(DouyinReship.rules)
EDITIONS = ["2026-11-26", "2026-11-27"]
MOST_JUDGED_AGAIN = 3
WAITS = st.one_of(
    st.integers(min_value=0, max_value=11 * 24 * 3600),
    st.sampled_from([1, 48 * 3600 - 1, 48 * 3600, 48 * 3600 + 1, 10 * 24 * 3600 - 1, 10 * 24 * 3600]),
).map(lambda seconds: timedelta(seconds=seconds))


class Reship(RuleBasedStateMachine):
    @initialize(case=st.sampled_from(ReshipCase.samples()), edition=st.sampled_from(EDITIONS))
    def open_case(self, case: ReshipCase, edition: str) -> None:
        self.case, self.now, self.again = case.as_opened_with(edition), SAMPLE_INSTANT, 0
        self.chart = DouyinReship(self.case, self.now)

    @rule(
        name=st.sampled_from(RULES),
        reason=st.sampled_from([None, *Reason]),
        until=WAITS,
        shipped=st.sampled_from([None, True, False]),
    )
    def somebody_tries(self, name: str, reason: Reason | None, until: timedelta, *, shipped: bool | None) -> None:
        forms = {
            "modify": Modification(reason=reason) if reason else None,
            "ask_evidence": EvidenceAsked(until=SAMPLE_INSTANT + until),
            "number_found_untrue": None if shipped is None else UntrueNumber(shipped=shipped),
        }
        before, form = self.chart.snapshot(), forms.get(name)
        accepted = self.chart.line(name, self.now, form) is not None
        try:
            self.fire(name, self.now, form)
        except TransitionNotAllowed:
            assert not accepted
            assert self.chart.snapshot() == before
            return
        assert accepted

    def fire(self, name: str, at: datetime, form: Any = None) -> None:
        step = self.chart.step(name, at, form)
        self.judge(step)
        learned = self.case.apply(name, form, at)
        if learned != self.case:
            self.case, self.chart = learned, DouyinReship(learned, at, self.chart.snapshot())

    @rule(wait=WAITS)
    def time_passes(self, wait: timedelta) -> None:
        self.now += wait
        while (nearest := min(self.chart.deadlines(), default=None)) and nearest.due <= self.now:
            assert DouyinReship.rules[nearest.rule].clock
            self.fire(nearest.rule, max(nearest.due, self.chart.entered[nearest.state]))
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
        if step.rule == "number_found_untrue":
            assert books == ([] if self.case.number_untrue else [PENALTY, AGAIN])
        else:
            assert books == BOOKS.get(step.rule, [])
        assert step.clause in DouyinReship.rules[step.rule].clauses
        self.again = 0 if step.left != step.reached else self.again + (step.rule == "late_again")
        assert self.again <= MOST_JUDGED_AGAIN

    @invariant()
    def one_state_is_active(self) -> None:
        assert len(self.chart.entered) == 1
        assert [str(value) for value in self.chart.configuration_values] == list(self.chart.entered)

    @invariant()
    def no_state_was_entered_in_the_future(self) -> None:
        assert all(SAMPLE_INSTANT <= entered <= self.now for entered in self.chart.entered.values())

    @invariant()
    def no_deadline_lies_before_the_state_was_entered(self) -> None:
        running = [deadline for deadline in self.chart.deadlines() if deadline.rule != "evidence_over"]
        assert all(deadline.due >= self.chart.entered[deadline.state] for deadline in running)

    @invariant()
    def evidence_is_waited_for_only_in_arbitration(self) -> None:
        if not self.case.evidence_awaited or not self.case.opened_since("2026-11-27"):
            return
        waits = [deadline.due for deadline in self.chart.deadlines() if deadline.rule == "evidence_over"]
        assert waits == ([self.case.evidence_until] if "arbitration" in self.chart.entered else [])

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
