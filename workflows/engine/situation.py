"""Reading a case without changing it: the states of its charts, what is due, which order is meant.

Instants are whole seconds.  A case about several orders has a chart for every order beside its own: ``order`` says
which chart is meant, None being the case's own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from cases.case import Case
from cases.errors import BadForm
from cases.forms import Form
from cases.models import read
from statecharts.chart import ChartView, Deadline
from statecharts.rules import OPERATORS, Party
from workflows.engine.process import Process
from workflows.engine.state import CaseState, EffectState, ExpiryCheck

ORDER_FIELD = "order"
"""The field that names the order, beside the form's own fields."""

TELLING_AMENDED = "2026-11-28"
"""Since this edition a fact that is taken back is told no more, and a case hears what was told before it reminds."""


class MomentKind(IntEnum):
    """The kinds of moments, in the order in which those of one instant are processed."""

    CLOCK = 0
    DECISION = 1
    REMINDER = 2


@dataclass(frozen=True, order=True)
class Moment:
    """An instant at which something is due for a running clock."""

    at: datetime
    kind: MomentKind
    deadline: Deadline


class CaseSituation:
    """A read-only view of a case: its process, its context and its state."""

    def __init__(self, process: Process, case_id: str, case: Case, state: CaseState) -> None:
        self.process, self.case_id, self.case, self.state = process, case_id, case, state
        self._chart_views: dict[str | None, ChartView] = {}
        self._viewed = case

    def chart_view(self, order: str | None = None) -> ChartView:
        """Return the view of an order's chart, or of the case's own."""
        self._renew_views()
        return self._chart_views[order]

    def chart_views(self) -> list[ChartView]:
        """Return the views of all charts, the case's own first; they are cached until the case changes."""
        self._renew_views()
        return [self._chart_views[order] for order in self.state.parts]

    def _renew_views(self) -> None:
        """Make the views of what has changed since they were made."""
        if self._viewed is not self.case:
            self._viewed, self._chart_views = self.case, {}
        latest: datetime | None = None
        for order in self.state.parts:
            view, snapshot = self._chart_views.get(order), self.state.snapshot_of(order)
            if view is None or view.snapshot is not snapshot:
                latest = latest or self.state.latest
                chart, part = self.process.chart_of(order), self.case.part(order)
                self._chart_views[order] = ChartView(chart, part, snapshot, latest, order)

    def since(self, order: str | None = None) -> datetime:
        """Return the last event of an order, or of the case itself; nothing that happens next can be earlier."""
        done = [entry.at for entry in self.state.timeline if entry.order == order]
        return max((self.chart_view(order).since, *done))

    @property
    def closed(self) -> bool:
        """Whether the case has reached a final state."""
        return not self.process.chart.closing_states().isdisjoint(self.state.snapshot.entered)

    def finished(self, now: datetime) -> bool:
        """Return whether the case is closed, nothing is left to do, and no fact can put it right any more (G-11)."""
        until = self.correctable_until
        return self.closed and not (self.busy or self.state.waiting) and (until is None or until <= now)

    @property
    def correctable_until(self) -> datetime | None:
        """The instant until which late facts can put right what one of our own clocks, or an assumption, ended.

        None if none of them ended the case or one of its orders.
        """
        if not self.closed:
            return None
        ends: dict[str | None, datetime | None] = {}
        for entry in self.state.timeline:
            clock = self.process.clocks.get(entry.rule)
            states = self.process.chart_of(entry.order).states_map
            if any(states[name.rpartition(".")[2]].final for name in entry.reached):
                if clock is not None and clock.figure is None:
                    continue  # an ``always`` rule follows from what fired before it
                ours = entry.assumed or (entry.input is None and clock is not None and not clock.resolved_by_platform)
                ends[entry.order] = entry.at if ours else None
        late = [at for at in ends.values() if at is not None]
        return max(late) + self.case.policy.late_facts.value if late else None

    @property
    def busy(self) -> bool:
        """Whether something is being performed, submitted or resolved, without waiting for a person."""
        submitting = any(decision.status == "pending" for decision in self.state.submissions)
        return bool(self.state.pending or self.state.unresolved or submitting or self.to_withdraw)

    @property
    def to_hear(self) -> bool:
        """Whether the case has yet to ask what other cases told before it was opened (G-15)."""
        hears = self.process.hears and self.case.opened_since(self.process.hears_since)
        return hears and not self.state.heard

    @property
    def to_withdraw(self) -> list[EffectState]:
        """The facts told to other cases that have been taken back since, and must not be told any more (G-15)."""
        if not (self.state.obsolete and self.case.opened_since(TELLING_AMENDED)):
            return []
        declared = self.process.effects()
        return [one for one in self.state.obsolete if declared[one.effect].telling and not one.withdrawn]

    def states(self) -> list[str]:
        """Return the innermost active states, or the final state alone once the case is closed."""
        parts = (None,) if self.closed else self.state.parts
        return [name for order in parts for name in self.named(order, self.state.snapshot_of(order).entered)]

    def named(self, order: str | None, entered: Iterable[str]) -> list[str]:
        """Return the innermost of the states by their full names: those of an order begin with it."""
        states = self.process.chart_of(order).states_map
        return [state if order is None else f"{order}.{state}" for state in entered if states[state].is_atomic]

    def step_label(self, step: EffectState | ExpiryCheck) -> str:
        """Return the Chinese name of a step."""
        if isinstance(step, EffectState):
            effect = self.process.effects().get(step.effect)
            return effect.label if effect else self.process.rule_label(step.rule)
        return f"向平台核实:{self.process.rule_label(step.rule)}"

    # Clocks, reminders (G-5) and default decisions (G-6).

    def deadlines(self) -> list[Deadline]:
        """Return the running clocks, nearest first, including those being resolved with the platform."""
        return [] if self.closed else sorted(deadline for view in self.chart_views() for deadline in view.deadlines)

    def moments(self, now: datetime) -> list[Moment]:
        """Return all moments, due or to come, in order."""
        return (
            [] if self.closed else sorted(moment for view in self.chart_views() for moment in self._moments(view, now))
        )

    def next_instant(self, now: datetime) -> datetime | None:
        """Return the nearest instant at which something will be due."""
        until = self.correctable_until
        coming = [moment.at for moment in self.moments(now)] + ([until] if until else [])
        return min((at for at in coming if at > now), default=None)

    def next_clock(self) -> Deadline | None:
        """Return the clock that runs out next."""
        return None if self.closed else min(self._running(self.chart_views()), default=None)

    def _running(self, views: Iterable[ChartView]) -> list[Deadline]:
        """Return the running clocks; while a chart has an expiry, only its ``always`` rules count."""
        resolving = {expiry.order for expiry in self.state.expiries}
        deadlines = (deadline for view in views for deadline in view.deadlines)
        return [deadline for deadline in deadlines if deadline.immediate or deadline.order not in resolving]

    def _moments(self, view: ChartView, now: datetime) -> Iterator[Moment]:
        policy = self.case.policy
        for deadline in self._running((view,)):
            yield Moment(deadline.due, MomentKind.CLOCK, deadline)
            clock = view.chart.clocks()[deadline.rule]
            if deadline.due <= now or view.owner(deadline) not in OPERATORS:
                continue  # a clock that has run out has neither reminder nor default decision left
            if self._decides(view, deadline):
                yield Moment(deadline.due - policy.decide_before.value, MomentKind.DECISION, deadline)
            reminded = self._reminded(view, deadline)
            for before in getattr(policy, clock.reminders).value:
                at = deadline.due - before
                if reminded is None or at > reminded:
                    yield Moment(at, MomentKind.REMINDER, deadline)

    def _decides(self, view: ChartView, deadline: Deadline) -> bool:
        decision = self.case.policy.default_decision.value
        if decision is None or decision not in view.chart.rules:
            return False
        if self.state.submission(view.order) or self.state.decision(self.default_key(view, deadline)):
            return False
        # The default form was checked against the rule's form: it need not fit a line with a form of its own.
        policy = self.case.policy
        form = read(self.case.form_type(view.chart.rules[decision].form), policy.default_form.value, "default_form")
        return any(
            transition.source.value == deadline.state and transition.targets and line.form is None
            for line, transition in view.transitions(decision, deadline.due - policy.decide_before.value, form)
        )

    def default_key(self, view: ChartView, deadline: Deadline) -> str:
        """Return the key of the shop's default decision: it is taken once a stay in a state."""
        return f"default/{view.order or ''}/{deadline.state}/{view.entered[deadline.state].isoformat()}"

    def _reminded(self, view: ChartView, deadline: Deadline) -> datetime | None:
        """Return the last reminder of this clock since its state was entered."""
        entered, key = view.entered[deadline.state], (deadline.order, deadline.state, deadline.rule)
        sent = [
            reminder.at
            for reminder in self.state.reminders
            if (reminder.order, reminder.state, reminder.rule) == key and reminder.at >= entered
        ]
        return max(sent, default=None)

    def owner(self, deadline: Deadline) -> Party:
        """Return whose deadline a running clock is."""
        return self.chart_view(deadline.order).owner(deadline)

    # Orders and forms.

    def addressee(self, rule: str, order: str | None) -> str | None:
        """Return the order in whose chart a rule fires, None for the case's own; raises BadForm, listing the orders."""
        if not self.process.names_order(rule):
            return None
        orders = self.state.orders
        if order is None and len(orders) == 1:
            return next(iter(orders))
        if order not in orders:
            wrong = "" if order is None else f" {order!r} 不在本案件 / not an order of this case;"
            raise BadForm(
                f"{rule}: order:{wrong} 须指明订单 / name the order, one of: {', '.join(orders)}", (rule, ORDER_FIELD)
            )
        return order

    def split_order(self, rule: str, raw: Any) -> tuple[str | None, Any]:
        """Return the order that a form names, and the form without it; raises BadForm."""
        if not self.process.names_order(rule) or not isinstance(raw, dict | None):
            return self.addressee(rule, None), raw
        form = dict(raw or {})
        order = form.pop(ORDER_FIELD, None)
        if order is not None and not isinstance(order, str):
            raise BadForm(f"{rule}: order: 应为文字 / expected text, got {order!r}", (rule, ORDER_FIELD))
        return self.addressee(rule, order), form

    def read_form(self, rule: str, raw: Any, order: str | None = None) -> Form:
        """Read a form as the rule asks for it now; raises BadForm."""
        return read(self.form_type(rule, order), {} if raw is None else raw, rule)

    def form_type(self, rule: str, order: str | None = None) -> type[Form]:
        """Return the form that a rule asks for now: its line's own, or else the rule's."""
        line = self.chart_view(order).line(rule)
        return self.case.form_type((line.form if line else None) or self.process.rules[rule].form)


def order_suffix(order: str | None) -> str:
    """Return the suffix of a label that names the order."""
    return f" {order}" if order else ""
