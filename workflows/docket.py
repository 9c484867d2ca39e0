"""A case at work, without Temporal: what is due, what may be done, what is owed.

Time comes in as an argument and effects go out as data (``record.owed()``), so that every rule of every process can
be tested by calling functions.  Instants are whole seconds.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from cases.books import LedgerEntry
from cases.case import Case
from cases.errors import BadForm
from cases.forms import Form
from cases.messages import Settlement
from cases.models import read
from statecharts.chart import CaseChart, Past
from statecharts.rules import Effect
from workflows.instants import Kind, Moment, clock_of, moments, running
from workflows.process import Process
from workflows.record import Entry, Owed, Record, Reminded, Settling


class Docket:
    """One case: its process, what is known of it, and what it remembers."""

    def __init__(
        self, process: Process, case_id: str, case: Case, record: Record | None = None, *, now: datetime | None = None
    ) -> None:
        """Open a case at the instant from which its first clock runs (else ``now``), or resume it from its record."""
        self.process, self.case_id, self.case = process, case_id, case
        self.record = record or Record()
        self._built: tuple[Past, Case, CaseChart] | None = None
        if record is None:
            began: datetime | None = case.facts.began_at or now
            if began is None:
                raise ValueError("the instant of the opening is needed")
            chart = process.chart(case, began)
            self.record.past = chart.past()
            self._owe(chart.owed, "", began, None)

    def fork(self) -> "Docket":
        """A copy to try things on: a validator must not change the case."""
        return Docket(self.process, self.case_id, self.case, self.record.model_copy(deep=True))

    @property
    def chart(self) -> CaseChart:
        """The chart where the case stands: rebuilt when it has moved, and kept no longer than until ``rest``."""
        past, case = self.record.past, self.case
        if self._built is None or self._built[0] is not past or self._built[1] is not case:
            self._built = past, case, self.process.chart(case, max(past.entered.values()), past)
        return self._built[2]

    def rest(self) -> None:
        """Let go of the chart: an open case sleeps for days, and its past is all that it needs."""
        self._built = None

    @property
    def closed(self) -> bool:
        """Whether the case has reached a final state."""
        return any(self.process.chart.states_map[state].final for state in self.record.past.entered)

    @property
    def finished(self) -> bool:
        """Whether the case is closed and nothing is owed, nor left to a person."""
        record = self.record
        return self.closed and not (record.owed() or record.stuck() or record.settling)

    @property
    def busy(self) -> bool:
        """Whether something is owed or being settled that no person is asked about."""
        return bool(self.record.owed()) or any(each.why is None for each in self.record.settling)

    def moments(self, now: datetime) -> list[Moment]:
        """Everything due or to come, in order."""
        return [] if self.closed else moments(self.chart, self.case.policy, self.record, now)

    def next_instant(self, now: datetime) -> datetime | None:
        """The nearest instant at which something will be due."""
        return min((moment.at for moment in self.moments(now) if moment.at > now), default=None)

    def advance(self, now: datetime) -> None:
        """Let everything happen that is due by ``now``: clocks first, then default decisions, then reminders."""
        self.elapse(now)
        while not self.closed and self._decide(now):
            self.elapse(now)
        self._remind(now)

    def elapse(self, now: datetime) -> None:
        """Let every clock due by ``now`` run out, each at its own moment; the platform's are settled with it first."""
        while not self.closed and self._elapse(now):
            pass

    def _elapse(self, now: datetime) -> bool:
        chart = self.chart
        nearest = next(iter(running(chart, self.record)), None)
        if nearest is None or nearest.due > now:
            return False
        if clock_of(chart, nearest).settled_by_platform:
            self.record.settling.append(
                Settling(serial=self.record.serial(), state=nearest.state, rule=nearest.rule, due=nearest.due)
            )
        else:
            self.fire(nearest.rule, max(nearest.due, self.record.past.entered[nearest.state]))
        return True

    def _decide(self, now: datetime) -> bool:
        if not any(moment.kind is Kind.DECISION and moment.at <= now for moment in self.moments(now)):
            return False
        rule = self.case.policy.default_decision.value
        self.fire(rule, now, self.read_form(rule, self.case.policy.default_form.value), by="default")
        return True

    def _remind(self, now: datetime) -> None:
        due = [moment for moment in self.moments(now) if moment.kind is Kind.REMINDER and moment.at <= now]
        for deadline in {moment.deadline: None for moment in due}:
            self.record.reminders.append(
                Reminded(at=now, state=deadline.state, rule=deadline.rule, deadline=deadline.due)
            )

    def read_form(self, rule: str, raw: dict[str, Any]) -> Form:
        """Read what was given with a rule, by the form of the line that is open now; raises BadForm."""
        line = self.chart.line(rule)
        name = (line.form if line else None) or self.process.chart.rules[rule].form
        return read(self.case.form_type(name), raw, rule)

    def fire(
        self, rule: str, at: datetime, form: Form | None = None, *, by: str | None = None, reported: bool = False
    ) -> None:
        """Fire a rule that is open; ``reported``: the platform said so, and is not told to do it again."""
        chart, self._built = self.chart, None
        step = chart.step(rule, at)
        self.record.past = chart.past()
        self.case = self.case.learn(rule, form)
        self.record.timeline.append(
            Entry(
                at=at,
                rule=rule,
                by=by or self.process.chart.rules[rule].party.value,
                left=list(step.left),
                reached=list(step.reached),
                clause=step.clause,
            )
        )
        owed = [effect for effect in step.owed if not (reported and effect.commands)]
        self._owe(owed, rule, at, form)
        running_on = {(each.state, each.rule, each.due) for each in self.chart.deadlines()}
        self.record.settling = [
            each for each in self.record.settling if (each.state, each.rule, each.due) in running_on
        ]

    def _owe(self, effects: list[Effect], rule: str, at: datetime, form: Form | None) -> None:
        given = form.model_dump(mode="json") if form else None
        for effect in effects:
            entry = self._book(effect, at) if effect.books else None
            if effect.books and entry is None:
                continue
            self.record.effects.append(
                Owed(serial=self.record.serial(), effect=effect.name, rule=rule, at=at, form=given, entry=entry)
            )

    def _book(self, effect: Effect, at: datetime) -> str | None:
        """Enter an amount once a case, clause and order; None: it is entered already."""
        key = f"{self.case_id}/{effect.clause}/{self.case.facts.order}"
        if any(entry.key == key for entry in self.record.ledger):
            return None
        self.record.ledger.append(
            LedgerEntry(
                key=key,
                case_id=self.case_id,
                shop_id=self.case.facts.shop,
                clause=effect.clause or "",
                at=at,
                amount=self.case.amount(effect.name),
            )
        )
        return key

    def settle(self, serial: int, answer: Settlement, now: datetime) -> None:
        """Take the platform's answer to a clock that has run out; an answer that does not fit needs an operator."""
        settling = next((each for each in self.record.settling if each.serial == serial), None)
        if settling is None:  # left meanwhile: a message came first
            return
        if answer.rule is not None:
            settling.why = self._take(answer, settling, now)
        elif answer.deadline is None:
            self.take_default(settling)
        elif answer.deadline > now:
            self.give(settling.state, answer.deadline)
        else:
            settling.why = (
                f"平台给出的截止时间已过 / the platform's own deadline has passed: {answer.deadline.isoformat()}"
            )

    def take_default(self, settling: Settling) -> None:
        """Let a clock of the platform have run out as the policy says."""
        self.fire(settling.rule, max(settling.due, self.record.past.entered[settling.state]))

    def give(self, state: str, deadline: datetime) -> None:
        """Let the platform's own instant replace the one computed from policy (G-1)."""
        past = self.record.past
        self.record.past = replace(past, given={**past.given, state: deadline})
        self.record.settling = [each for each in self.record.settling if each.state != state]

    def given_states(self) -> list[str]:
        """The active states whose clock is the platform's own, each once."""
        clocks = self.process.chart.clocks()
        return list({each.state: 0 for each in self.chart.deadlines() if clocks[each.rule].settled_by_platform})

    def _take(self, answer: Settlement, settling: Settling, now: datetime) -> str | None:
        rule = answer.rule or ""
        if rule not in self.process.chart.rules or not self.chart.moves(rule):
            return f"平台称发生了 {rule!r},当前状态不可能 / the platform says {rule!r}, which this state does not allow"
        try:
            form = self.read_form(rule, answer.form) if answer.form is not None else None
        except BadForm as bad:
            return f"平台的答复不可用 / the platform's answer cannot be used: {bad}"
        entered = self.record.past.entered[settling.state]
        self.fire(rule, max(entered, min(answer.occurred_at or settling.due, now)), form, reported=True)
        if answer.deadline is not None and not self.closed:
            for state in self.given_states():
                self.give(state, answer.deadline)
        return None
