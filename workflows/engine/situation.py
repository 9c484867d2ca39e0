"""What can be asked of a case without changing it: where its charts stand, what is due, which order is meant.

Instants are whole seconds.  A case about several orders has a chart for each beside its own: ``order`` says whose
chart is meant, None the case's own.
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
from statecharts.rules import OPERATORS
from workflows.engine.process import Process
from workflows.engine.state import CaseState, EffectState, ExpiryCheck

ORDER = "order"
"""The field beside a form's own by which an order is named."""


class Kind(IntEnum):
    """What is due, in the order in which things due at the same instant are looked at."""

    CLOCK = 0
    DECISION = 1
    REMINDER = 2


@dataclass(frozen=True, order=True)
class Moment:
    """An instant at which something is due for a running clock."""

    at: datetime
    kind: Kind
    deadline: Deadline


class CaseSituation:
    """A case as it stands: its process, what is known of it, and what it remembers."""

    def __init__(self, process: Process, case_id: str, case: Case, state: CaseState) -> None:
        self.process, self.case_id, self.case, self.state = process, case_id, case, state
        self._chart_views: dict[str | None, ChartView] = {}
        self._viewed = case

    def chart_view(self, order: str | None = None) -> ChartView:
        """Return where an order's chart stands."""
        self.chart_views()
        return self._chart_views[order]

    def chart_views(self) -> list[ChartView]:
        """Return where every chart of the case stands, its own first; views are kept until the case moves."""
        if self._viewed is not self.case:
            self._viewed, self._chart_views = self.case, {}
        pasts = {order: self.state.past_of(order) for order in self.state.parts}
        moved = [
            order
            for order, past in pasts.items()
            if order not in self._chart_views or self._chart_views[order].past is not past
        ]
        if moved:
            latest = self.state.latest
            for order in moved:
                part = self.case.part(order)
                self._chart_views[order] = ChartView(self.process.chart_of(order), part, pasts[order], latest, order)
        return [self._chart_views[order] for order in pasts]

    def since(self, order: str | None = None) -> datetime:
        """Return when an order, or the case itself, last did anything; whatever comes next is not earlier."""
        done = [entry.at for entry in self.state.timeline if entry.order == order]
        return max((self.chart_view(order).since, *done))

    @property
    def closed(self) -> bool:
        """Whether the case has reached a final state."""
        return any(self.process.chart.states_map[state].final for state in self.state.past.entered)

    @property
    def finished(self) -> bool:
        """Whether the case is closed and nothing is left to do, neither for us nor for a person."""
        state = self.state
        return self.closed and not (state.pending or state.stuck or state.expiries)

    @property
    def busy(self) -> bool:
        """Whether something is performed or resolved that no person is asked about."""
        return bool(self.state.pending or self.state.unresolved)

    def states(self) -> list[str]:
        """Return the innermost active states, or the final state alone once the case is closed."""
        parts = (None,) if self.closed else self.state.parts
        return [name for order in parts for name in self.named(order, self.state.past_of(order).entered)]

    def named(self, order: str | None, entered: Iterable[str]) -> list[str]:
        """Return the innermost of the states by their outside names: an order's chart's begin with the order."""
        known = self.process.chart_of(order).states_map
        return [state if order is None else f"{order}.{state}" for state in entered if known[state].is_atomic]

    def step_label(self, step: EffectState | ExpiryCheck) -> str:
        """Return the Chinese name of a step."""
        if isinstance(step, EffectState):
            return self.process.effects()[step.effect].label
        return f"向平台核实:{self.process.rule_label(step.rule)}"

    # Clocks, reminders (G-5) and default decisions (G-6).

    def deadlines(self) -> list[Deadline]:
        """Return the running clocks, nearest first, with those that are being resolved with the platform."""
        return [] if self.closed else sorted(deadline for view in self.chart_views() for deadline in view.deadlines)

    def moments(self, now: datetime) -> list[Moment]:
        """Return everything due or to come, in order."""
        return (
            [] if self.closed else sorted(moment for view in self.chart_views() for moment in self._moments(view, now))
        )

    def next_instant(self, now: datetime) -> datetime | None:
        """Return the nearest instant at which something will be due."""
        return min((moment.at for moment in self.moments(now) if moment.at > now), default=None)

    def next_clock(self) -> Deadline | None:
        """Return the clock that runs out next."""
        return None if self.closed else min(self._running(self.chart_views()), default=None)

    def _running(self, views: Iterable[ChartView]) -> list[Deadline]:
        """Return the clocks that run; where one is being resolved, only those judged at once."""
        resolving = {expiry.order for expiry in self.state.expiries}
        deadlines = (deadline for view in views for deadline in view.deadlines)
        return [deadline for deadline in deadlines if deadline.immediate or deadline.order not in resolving]

    def _moments(self, view: ChartView, now: datetime) -> Iterator[Moment]:
        policy = self.case.policy
        for deadline in self._running((view,)):
            yield Moment(deadline.due, Kind.CLOCK, deadline)
            clock = view.chart.clocks()[deadline.rule]
            if deadline.due <= now or clock.of not in OPERATORS:
                continue  # a clock that has run out has neither reminder nor default decision left
            if self._decides(view, deadline):
                yield Moment(deadline.due - policy.decide_before.value, Kind.DECISION, deadline)
            reminded = self._reminded(view, deadline)
            for before in getattr(policy, clock.reminders).value:
                at = deadline.due - before
                if reminded is None or at > reminded:
                    yield Moment(at, Kind.REMINDER, deadline)

    def _decides(self, view: ChartView, deadline: Deadline) -> bool:
        decision = self.case.policy.default_decision.value
        if decision is None or decision not in view.chart.rules:
            return False
        # A line with a form of its own asks for more than the default form, which was read by the rule's, can promise.
        return any(
            move.source.value == deadline.state and move.targets and line.form is None
            for line, move in view.transitions(decision)
        )

    def _reminded(self, view: ChartView, deadline: Deadline) -> datetime | None:
        """Return when this clock was last reminded of in this stay in the state."""
        stay, mine = view.entered[deadline.state], (deadline.order, deadline.state, deadline.rule)
        sent = [
            reminder.at
            for reminder in self.state.reminders
            if (reminder.order, reminder.state, reminder.rule) == mine and reminder.at >= stay
        ]
        return max(sent, default=None)

    # Orders and forms.

    def addressee(self, rule: str, order: str | None) -> str | None:
        """Return the order whose chart a rule moves, or None for the case's own; raises BadForm, listing the orders."""
        if not self.process.names_order(rule):
            return None
        orders = self.state.orders
        if order is None and len(orders) == 1:
            return next(iter(orders))
        if order not in orders:
            wrong = "" if order is None else f" {order!r} 不在本案件 / not an order of this case;"
            raise BadForm(
                f"{rule}: order:{wrong} 须指明订单 / name the order, one of: {', '.join(orders)}", (rule, ORDER)
            )
        return order

    def split_order(self, rule: str, raw: Any) -> tuple[str | None, Any]:
        """Return the order that a form names, and the form without it; raises BadForm."""
        if not self.process.names_order(rule) or not isinstance(raw, dict | None):
            return self.addressee(rule, None), raw
        form = dict(raw or {})
        order = form.pop(ORDER, None)
        if order is not None and not isinstance(order, str):
            raise BadForm(f"{rule}: order: 应为文字 / expected text, got {order!r}", (rule, ORDER))
        return self.addressee(rule, order), form

    def read_form(self, rule: str, raw: Any, order: str | None = None) -> Form:
        """Read a rule's form by the line that is open now; raises BadForm."""
        return read(self.form_type(rule, order), {} if raw is None else raw, rule)

    def form_type(self, rule: str, order: str | None = None) -> type[Form]:
        """Return the form that a rule asks for now: its line's own, or else the rule's."""
        line = self.chart_view(order).line(rule)
        return self.case.form_type((line.form if line else None) or self.process.rules[rule].form)


def of_order(order: str | None) -> str:
    """Return the suffix of a label that names the order."""
    return f" {order}" if order else ""
