"""A process: its name, its charts and its case."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache
from string import Formatter
from typing import Any

from statemachine import HistoryState

from cases import editions
from cases.case import Case
from cases.errors import BadForm, ProcessFault
from cases.messages import Opening
from cases.models import read
from cases.policy import Policy
from cases.shanghai import shanghai_day
from statecharts.chart import CaseChart
from statecharts.rules import FORM_GUARD, OPERATORS, Clock, Effect, Party, Rule
from workflows.process_checks import chart_faults, effect_faults, part_faults, try_samples


@lru_cache(maxsize=256)
def _resolved(process: str, policy: type[Policy], edition: str, values: str) -> Policy:
    # The cases of a shop share one policy: to read all figures again for each would be most of what an opening costs.
    return policy.resolve(json.loads(values), editions.figures_of(process, edition))


@lru_cache(maxsize=256)
def _resolved_for(process: str, policy: type[Policy], edition: str, values: str, period: date) -> Policy:
    return _resolved(process, policy, edition, values).in_force_on(period)


@dataclass(frozen=True)
class ChartSamples:
    """A chart with the type that it sees as its case, and with samples over which its invariants are checked."""

    chart: type[CaseChart]
    sees: type
    samples: Sequence[Any]
    forms: Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Process:
    """A process, as engine, commands and documents use it.

    A case about several orders has a chart of its own, and every order follows ``order_chart``.  ``hears``: other
    processes tell its cases facts (G-15), so that a new case asks what was told before it was opened; those opened
    before the edition ``hears_since`` did not, and never will.
    """

    name: str
    label: str
    chart: type[CaseChart]
    case: type[Case]
    order_chart: type[CaseChart] | None = None
    hears: bool = False
    hears_since: str = ""

    def __post_init__(self) -> None:
        """Check that the parts fit; raises ProcessFault with every fault."""
        faults = list(part_faults(self.charts, self.case)) or list(self._faults())
        if faults:
            raise ProcessFault("; ".join(faults))
        for sampled in self.chart_samples:
            try_samples(sampled.chart, sampled.samples)

    def _faults(self) -> Iterator[str]:
        for sampled in self.chart_samples:
            yield from chart_faults(sampled.chart, sampled.sees, list(sampled.samples), self.case)
        sees = tuple(sampled.sees for sampled in self.chart_samples)
        yield from effect_faults(self.chart, self._declared(), self.rules, sees)

    @property
    def charts(self) -> tuple[type[CaseChart], ...]:
        """The case's own chart, and that of its orders if it has one."""
        return (self.chart, self.order_chart) if self.order_chart else (self.chart,)

    @property
    def chart_samples(self) -> tuple[ChartSamples, ...]:
        """The charts of the process with their samples."""
        case = self.case
        own = ChartSamples(self.chart, case, self._of_editions(case.samples()), case.form_samples())
        if self.order_chart is None:
            return (own,)
        parts = self._of_editions(case.part_samples())
        return own, ChartSamples(self.order_chart, case.part_type(), parts, case.form_samples())

    def _of_editions(self, samples: Sequence[Any]) -> list[Any]:
        """Return the samples, and again as they would be if opened with earlier editions that the charts tell apart."""
        lines = [line for rule in self.rules.values() for line in rule.lines]
        changes = sorted({edition for line in lines for edition in (line.new_in, line.gone_in) if edition})
        earlier = dict.fromkeys(editions.before(edition) for edition in changes)
        return [*samples, *(sample.as_opened_with(edition) for edition in earlier for sample in samples)]

    def chart_of(self, order: str | None) -> type[CaseChart]:
        """Return the chart that an order follows; None means the case's own."""
        if order is None or self.order_chart is None:
            return self.chart
        return self.order_chart

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """The rules of the process by name, in the order of the rule book."""
        return {name: rule for chart in self.charts for name, rule in chart.rules.items()}

    def names_order(self, rule: str) -> bool:
        """Return whether a rule belongs to the orders' chart, so that an order must be named with it."""
        return self.order_chart is not None and rule in self.order_chart.rules

    @cached_property
    def clocks(self) -> Mapping[str, Clock]:
        """The clocks by rule."""
        return {name: rule.clock for name, rule in self.rules.items() if rule.clock}

    @property
    def states(self) -> tuple[str, ...]:
        """The innermost states of the case's own chart."""
        return tuple(name for name, state in self.chart.states_map.items() if state.is_atomic)

    @property
    def order_states(self) -> tuple[str, ...]:
        """The innermost states of an order's chart; a case writes them with the order, as in ``O2.waived``."""
        states = self.order_chart.states_map if self.order_chart else {}
        return tuple(name for name, state in states.items() if state.is_atomic and not isinstance(state, HistoryState))

    def state_label(self, state: str) -> str:
        """Return the Chinese name of a state; that of ``O2.waived`` begins with the order."""
        order, _, own = state.rpartition(".")
        label = str(self.chart_of(order or None).states_map[own].name)
        return f"{order} {label}" if order else label

    def rule_label(self, rule: str) -> str:
        """Return the Chinese name of a rule, or the name itself if the process has no such rule."""
        return str(self.rules[rule].name) if rule in self.rules else rule

    def action_label(self, rule: str) -> str:
        """Return the label of a rule as an action of operators, who only record what buyer or platform did."""
        fired = self.rules[rule]
        if fired.party in OPERATORS:
            return str(fired.name)
        return f"登记:{fired.party.label if fired.party is Party.BUYER else ''}{fired.name}"

    def guard_label(self, guard: str, policy: Policy | None = None) -> str:
        """Return the Chinese name of a condition, with the values of the figures that it names.

        A guard of the case is named by the docstring of its property, a field of a form by that of the field.
        """
        figures = policy or self.case.policy_type()()
        for chart in self.charts:
            if condition := chart.line_conditions.get(guard):
                length = condition.bound.length if condition.bound else None
                shown = f"({getattr(figures, length.figure).show()})" if length else ""
                return f"{condition.label}{shown}"
        if guard.startswith(FORM_GUARD):
            return self._form_label(guard.removeprefix(FORM_GUARD))
        guarding = getattr(self.case, guard, None) or getattr(self.case.part_type(), guard)
        label = str(guarding.__doc__ or guard)
        named = (name for _, name, _, _ in Formatter().parse(label) if name)
        return label.format_map({name: getattr(figures, name).show() for name in named})

    def _form_label(self, field: str) -> str:
        for form in self.case.forms.values():
            if field in form.model_fields:
                return form.model_fields[field].description or field
            if hasattr(form, field):
                return str(getattr(form, field).__doc__ or field)
        return field

    def effects(self) -> Mapping[str, Effect]:
        """Return the effects that the charts declare, by name."""
        return self._effects

    @cached_property
    def _effects(self) -> Mapping[str, Effect]:
        return {effect.name: effect for effect in self._declared()}

    def _declared(self) -> list[Effect]:
        transitions = (transition.on for rule in self.rules.values() for _, transition in rule.steps())
        # The initial state is entered without a transition.
        states = (state.enter for chart in self.charts for state in chart.states_map.values())
        specs = (spec for owner in (*transitions, *states) for spec in owner)
        return [spec.func.effect for spec in specs if hasattr(spec.func, "effect")]

    @cached_property
    def edition(self) -> str:
        """The edition of the figures with which cases are opened."""
        return editions.in_force(self.name, self.case.policy_type()().model_dump(mode="json"))

    def open_case(self, opening: Opening, edition: str | None = None, *, opened_at: datetime | None = None) -> Case:
        """Read an opening into a case, with the figures of an edition; raises BadForm or PolicyUnknown.

        A figure with several values has the one in force at the beginning that the facts give, else at ``opened_at``.
        """
        facts = read(self.case.facts_type(), opening.facts, "opening")
        edition = edition or self.edition
        policy = self._policy(edition, opening.policy, facts.began_at or opened_at)
        decision = policy.default_decision.value
        if decision is not None:
            self._check_default(decision, policy.default_form.value)
        return self.case(facts=facts, policy=policy, edition=edition)

    def _policy(self, edition: str, values: Mapping[str, Any], began: datetime | None) -> Policy:
        try:
            key = self.name, self.case.policy_type(), edition, json.dumps(values)
            policy = _resolved(*key)
            period = policy.period(shanghai_day(began) if began else None)
            return policy if period is None else _resolved_for(*key, period)
        except (TypeError, ValueError) as bad:
            raise BadForm(f"policy: 不是 JSON / is not JSON: {bad}", ("policy",)) from bad

    def _check_default(self, decision: str, form: dict[str, object]) -> None:
        rule = self.chart.rules.get(decision)
        theirs = [
            name
            for name, other in self.chart.rules.items()
            if other.party in OPERATORS and any(transition.targets for _, transition in other.steps())
        ]
        if rule is None or decision not in theirs:
            raise BadForm(
                f"policy.default_decision: {decision!r} 不是商家决定 / is not a decision of the merchant; "
                f"expected one of: {', '.join(theirs)}",
                ("policy", "default_decision"),
            )
        read(self.case.form_type(rule.form), form, "policy.default_form")
