"""A case at work, without Temporal: what is due, what may be done, what is owed.

Time comes in as an argument and effects go out as data (``record.owed()``), so that every rule of every process can
be tested by calling functions.  Instants are whole seconds.  A case about several orders has a chart for each beside
its own: ``order`` says whose chart is meant, None the case's own.
"""

from datetime import datetime
from typing import Any

from cases.case import Case
from cases.forms import Form
from cases.ledger import LedgerEntry
from cases.models import read
from statecharts.chart import ChartView, Deadline
from statecharts.rules import Effect
from workflows.engine.process import Process
from workflows.engine.schedule import Kind, Moment, moments, running
from workflows.engine.state import CaseState, EffectState, ExpiryCheck, SentReminder, TimelineEntry


class CaseMachine:
    """One case: its process, what is known of it, and what it remembers."""

    def __init__(
        self,
        process: Process,
        case_id: str,
        case: Case,
        record: CaseState | None = None,
        *,
        now: datetime | None = None,
    ) -> None:
        """Open a case at the instant from which its first clock runs (else ``now``), or resume it from its record."""
        self.process, self.case_id, self.case = process, case_id, case
        self.record = record or CaseState()
        self._standings: dict[str | None, ChartView] = {}
        self._seen = case
        if record is None:
            began: datetime | None = case.facts.began_at or now
            if began is None:
                raise ValueError("the instant of the opening is needed")
            for order in (None, *case.orders):
                chart = process.chart_of(order)(case.part(order), began)
                self.record.remember(order, chart.past())
                self._owe(chart.owed, "", began, None, order)

    def fork(self) -> "CaseMachine":
        """A copy to try things on."""
        return CaseMachine(self.process, self.case_id, self.case, self.record.model_copy(deep=True))

    def as_of(self, now: datetime) -> "CaseMachine":
        """The case once all that is due by ``now`` has run out, for looking at: a validator must not change it."""
        nearest = self._nearest()
        if nearest is None or nearest.due > now:
            return self
        trial = self.fork()
        trial.elapse(now)
        return trial

    def standing(self, order: str | None = None) -> ChartView:
        """Where an order's chart stands; None: the case's own."""
        self.standings()
        return self._standings[order]

    def standings(self) -> list[ChartView]:
        """Where every chart of the case stands, its own first; made anew as far as the case has moved."""
        if self._seen is not self.case:
            self._seen, self._standings = self.case, {}
        pasts = {order: self.record.past_of(order) for order in self.record.parts}
        moved = [
            order
            for order, past in pasts.items()
            if order not in self._standings or self._standings[order].past is not past
        ]
        if moved:
            latest = self.record.latest
            for order in moved:
                part = self.case.part(order)
                self._standings[order] = ChartView(self.process.chart_of(order), part, pasts[order], latest, order)
        return [self._standings[order] for order in pasts]

    def since(self, order: str | None = None) -> datetime:
        """When an order, or the case itself, last did anything: what happens next does not lie before it."""
        done = [entry.at for entry in self.record.timeline if entry.order == order]
        return max((self.standing(order).since, *done))

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

    def deadlines(self) -> list[Deadline]:
        """The clocks that run, nearest first, those that are being settled with the platform among them."""
        return [] if self.closed else sorted(each for standing in self.standings() for each in standing.deadlines)

    def moments(self, now: datetime) -> list[Moment]:
        """Everything due or to come, in order."""
        return [] if self.closed else moments(self.standings(), self.case.policy, self.record, now)

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
        while (nearest := self._nearest()) and nearest.due <= now:
            self._elapse(nearest)

    def _nearest(self) -> Deadline | None:
        return None if self.closed else next(iter(running(self.standings(), self.record)), None)

    def _elapse(self, nearest: Deadline) -> None:
        if self.process.clocks[nearest.rule].settled_by_platform:
            self.record.settling.append(
                ExpiryCheck(
                    serial=self.record.serial(),
                    state=nearest.state,
                    rule=nearest.rule,
                    due=nearest.due,
                    order=nearest.order,
                )
            )
        else:
            self.fire(nearest.rule, max(nearest.due, self.since(nearest.order)), order=nearest.order)

    def _decide(self, now: datetime) -> bool:
        rule = self.case.policy.default_decision.value
        if rule is None or not any(each.kind is Kind.DECISION and each.at <= now for each in self.moments(now)):
            return False
        self.fire(rule, now, self.read_form(rule, self.case.policy.default_form.value), by="default")
        return True

    def _remind(self, now: datetime) -> None:
        due = [moment for moment in self.moments(now) if moment.kind is Kind.REMINDER and moment.at <= now]
        for deadline in {moment.deadline: None for moment in due}:
            self.record.reminders.append(
                SentReminder(
                    at=now, state=deadline.state, rule=deadline.rule, deadline=deadline.due, order=deadline.order
                )
            )

    def read_form(self, rule: str, raw: dict[str, Any], order: str | None = None) -> Form:
        """Read what was given with a rule, by the form of the line that is open now; raises BadForm."""
        line = self.standing(order).line(rule)
        name = (line.form if line else None) or self.process.rules[rule].form
        return read(self.case.form_type(name), raw, rule)

    def fire(
        self,
        rule: str,
        at: datetime,
        form: Form | None = None,
        *,
        order: str | None = None,
        by: str | None = None,
        reported: bool = False,
    ) -> None:
        """Fire a rule that is open; ``reported``: the platform said so, and is not told to do it again."""
        chart = self.process.chart_of(order)(self.case.part(order), at, self.record.past_of(order))
        step = chart.step(rule, at)
        self.record.remember(order, chart.past())
        self.case = self.case.learn(rule, form) if order is None else self.case.learn_of(order, rule, form)
        self.record.timeline.append(
            TimelineEntry(
                at=at,
                rule=rule,
                by=by or self.process.rules[rule].party.value,
                left=self._named(order, step.left),
                reached=self._named(order, step.reached),
                clause=step.clause,
                order=order,
            )
        )
        self._make_needless(rule, at, order)
        owed = [effect for effect in step.owed if not (reported and effect.calls_platform)]
        self._owe(owed, rule, at, form, order)
        running_on = {(each.order, each.state, each.rule, each.due) for each in self.standing(order).deadlines}
        self.record.settling = [
            each
            for each in self.record.settling
            if each.order != order or (each.order, each.state, each.rule, each.due) in running_on
        ]

    def _named(self, order: str | None, entered: tuple[str, ...]) -> list[str]:
        """The innermost of the states, as they are called outside: those of an order's chart begin with the order."""
        known = self.process.chart_of(order).states_map
        return [state if order is None else f"{order}.{state}" for state in entered if known[state].is_atomic]

    def states(self) -> list[str]:
        """Where the case stands, innermost states only; the final state alone once it is closed."""
        parts = (None,) if self.closed else self.record.parts
        return [state for order in parts for state in self._named(order, tuple(self.record.past_of(order).entered))]

    def _make_needless(self, rule: str, at: datetime, order: str | None) -> None:
        """What was asked for until a rule fires is done with it."""
        known = self.process.effects()
        for each in self.record.effects:
            if each.status != "done" and each.order == order and rule in known[each.effect].until:
                each.status, each.ended, each.why = "done", at, None

    def _owe(self, effects: list[Effect], rule: str, at: datetime, form: Form | None, order: str | None) -> None:
        given = form.model_dump(mode="json") if form else None
        part = self.case.part(order)
        for effect in effects:
            if effect.unless and getattr(part, effect.unless):
                continue
            entry = self._book(effect, at, order) if effect.is_ledger_entry else None
            if effect.is_ledger_entry and entry is None:
                continue
            serial = self.record.serial()
            self.record.effects.append(
                EffectState(serial=serial, effect=effect.name, rule=rule, at=at, order=order, form=given, entry=entry)
            )

    def _book(self, effect: Effect, at: datetime, order: str | None) -> str | None:
        """Enter an amount once a case, clause and order; None: it is entered already."""
        key = f"{self.case_id}/{effect.clause}/{order or self.case.facts.order}"
        if any(entry.key == key for entry in self.record.ledger):
            return None
        self.record.ledger.append(
            LedgerEntry(
                key=key,
                case_id=self.case_id,
                shop_id=self.case.facts.shop,
                clause=effect.clause or "",
                order=order,
                at=at,
                amount=self.case.part(order).amount(effect.name),
            )
        )
        return key
