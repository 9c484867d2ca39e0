"""A process: a chart and the kind of case it is about."""

from dataclasses import dataclass

from cases.case import Case
from cases.errors import BadForm
from cases.messages import Opening
from cases.models import read
from cases.policy import all_pinned
from statecharts.chart import CaseChart
from statecharts.rules import OPERATORS, Effect, Party


@dataclass(frozen=True)
class Process:
    """Everything the interpreter, the commands and the documents need to know of one process."""

    name: str
    label: str
    chart: type[CaseChart]
    case: type[Case]

    def state_label(self, state: str) -> str:
        """The Chinese name of a state."""
        return str(self.chart.states_map[state].name)

    def rule_label(self, rule: str) -> str:
        """The Chinese name of a rule, or the name itself where the chart has no such rule."""
        return str(self.chart.rules[rule].name) if rule in self.chart.rules else rule

    def action_label(self, rule: str) -> str:
        """How a rule is offered to an operator: what the buyer or the platform did is only recorded."""
        known = self.chart.rules[rule]
        if known.party in OPERATORS:
            return str(known.name)
        return f"登记:{known.party.label if known.party is Party.BUYER else ''}{known.name}"

    def guard_label(self, guard: str) -> str:
        """The Chinese name of a guard: the docstring of the case's property."""
        return str(getattr(self.case, guard).__doc__ or guard)

    def effects(self) -> dict[str, Effect]:
        """Every effect that the chart names, by name."""
        moves = (move.on for rule in self.chart.rules.values() for _, move in rule.steps())
        states = (state.enter for state in self.chart.states_map.values())  # the initial one is entered by no move
        specs = (spec for owner in (*moves, *states) for spec in owner)
        found = [spec.func.effect for spec in specs if hasattr(spec.func, "effect")]
        return {effect.name: effect for effect in found}

    def open_case(self, opening: Opening) -> Case:
        """Read an opening into a case; raises BadForm or PolicyUnknown, naming the field."""
        facts = read(self.case.facts_type(), opening.facts, "opening")
        if all_pinned(opening.policy):
            policy = read(self.case.policy_type(), opening.policy, "policy")
        else:
            policy = self.case.policy_type().resolve(opening.policy)
        decision = policy.default_decision.value
        if decision is not None:
            self._check_default(decision, policy.default_form.value)
        return self.case(facts=facts, policy=policy)

    def _check_default(self, decision: str, form: dict[str, object]) -> None:
        rule = self.chart.rules.get(decision)
        theirs = [
            name
            for name, each in self.chart.rules.items()
            if each.party in OPERATORS and any(move.targets for _, move in each.steps())
        ]
        if rule is None or decision not in theirs:
            raise BadForm(
                f"policy.default_decision: {decision!r} 不是商家决定 / is no decision of the merchant; "
                f"expected one of: {', '.join(theirs)}",
                ("policy", "default_decision"),
            )
        read(self.case.form_type(rule.form), form, "policy.default_form")
