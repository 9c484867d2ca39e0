"""The views of a case: the answer of the query ``view``, and the summary that every update returns.

Clients read these models; what is not there yet in the answer of an older worker has a default.
"""

import operator
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from cases.case import Cost
from cases.forms import Form
from cases.ledger import LedgerEntry
from cases.messages import ConsoleTask
from cases.models import Instant, expected
from statecharts.analysis.rulebook_rows import effects_of
from statecharts.chart import Deadline
from statecharts.rules import OPERATORS
from workflows.engine.decisions import allowed
from workflows.engine.situation import CaseSituation, MomentKind
from workflows.engine.state import (
    Decision,
    EffectState,
    EffectStatus,
    ExpiryCheck,
    Notification,
    SentReminder,
    TimelineEntry,
)

TIMELINE_SHOWN = 5

OffsetInstant = Annotated[datetime, PlainSerializer(datetime.isoformat, return_type=str)]
"""An instant written with an offset, as in 2026-01-05T01:00:00+00:00."""
CaseStatus = Literal["open", "closed"]
DecisionStatus = Literal["taken", "refused", "being_submitted", "dropped"]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class DeadlineView(_View):
    """A running clock; ``resolving``: it has run out, and the platform is being asked what happened.

    ``decided_at`` is when the shop's default ``decision`` is taken unless somebody decides before (G-6).  ``leads_to``
    is the Chinese name of the state that it leads to if nobody acts, ``costs`` what is then entered in the ledger.
    """

    rule: str
    label: str
    state: str
    order: str | None
    due: OffsetInstant
    of: str
    resolving: bool
    decided_at: OffsetInstant | None
    decision: str | None
    leads_to: str | None = None
    costs: tuple[Cost, ...] = ()


class ActionView(_View):
    """A rule that people may fire now, with the JSON schema of its form.

    ``record``: it only records what the buyer or the platform did.
    """

    rule: str
    order: str | None
    label: str
    party: str
    record: bool
    clause: str
    fields: str
    costs: tuple[Cost, ...]
    form: dict[str, Any]


class TimelineView(TimelineEntry):
    """A rule that fired, with its Chinese name."""

    label: str


class IgnoredView(_View):
    """A message that did not apply, and why."""

    at: Instant
    rule: str | None
    message_id: str | None
    why: str
    occurred_at: Instant | None = None


class DecisionView(_View):
    """A decision of the shop, and what became of it (G-10, G-13).

    ``why``: the platform's words if it refused, or why the decision was dropped or no longer fits.
    """

    at: OffsetInstant
    rule: str
    label: str
    order: str | None
    status: DecisionStatus
    why: str | None
    said: str | None
    by: str
    actor: str | None
    way: str | None
    serial: int


class EffectView(_View):
    """An effect, its status, and who last retried it or did it by hand (G-13).

    ``key`` identifies it also after a reset, when ``serial`` may be another one; older builds did not tell it.
    """

    serial: int
    key: str | None = None
    effect: str
    label: str
    rule: str
    order: str | None
    at: OffsetInstant
    status: EffectStatus
    why: str | None
    note: str | None
    task: ConsoleTask | None
    handled_by: str | None = None
    handled_way: str | None = None


class StuckExpiryView(_View):
    """An expiry that an operator must resolve; it is listed among the effects."""

    serial: int
    key: str | None = None
    effect: Literal["resolve_expiry"] = "resolve_expiry"
    rule: str
    order: str | None
    status: Literal["needs_operator"] = "needs_operator"
    why: str

    @property
    def label(self) -> str:
        """The name of the step."""
        return self.effect

    @property
    def task(self) -> None:
        """None: an expiry has no console task."""


class CaseSummary(_View):
    """The state of a case in short; for a decision also what became of it, and the platform's words (G-10).

    A console task by which the decision is carried out has a ``serial``, under which it is confirmed.
    """

    status: CaseStatus
    state: list[str]
    label: str
    deadline: OffsetInstant | None
    decision: DecisionStatus | None = Field(default=None, exclude_if=operator.not_)
    said: str | None = Field(default=None, exclude_if=operator.not_)
    task: ConsoleTask | None = Field(default=None, exclude_if=operator.not_)
    serial: int | None = Field(default=None, exclude_if=operator.not_)


class CaseView(_View):
    """Everything about a case: its states, how it got there, what may be done next, and what is pending.

    ``busy``: an effect is being performed or an expiry resolved, without waiting for a person.  ``next``: the nearest
    instant at which something will be due.  ``held`` counts the messages that wait for an expiry to be resolved.
    ``taken_back``: the rules that facts told late have undone (G-11); ledger entries undone by them are ``reversed``.
    """

    case_id: str
    process: str
    label: str
    status: CaseStatus
    finished: bool
    busy: bool
    next: OffsetInstant | None
    facts: dict[str, Any]
    state: list[str]
    state_labels: list[str]
    needs_operator: bool
    waits_for_operator: bool
    deadlines: list[DeadlineView]
    actions: list[ActionView]
    advice: list[str] = []
    timeline: list[TimelineView]
    ignored: list[IgnoredView]
    ignored_in_all: int
    expiries: list[ExpiryCheck]
    held: int
    effects: list[EffectView | StuckExpiryView]
    decisions: list[DecisionView] = []
    taken_back: list[TimelineView] = []
    ledger: list[LedgerEntry]
    reminders: list[SentReminder]
    notifications: list[Notification]
    policy: dict[str, Any]

    @property
    def waiting(self) -> "list[EffectView | StuckExpiryView]":
        """The steps that wait for a person."""
        return [effect for effect in self.effects if effect.status in ("needs_operator", "console_task")]

    def key_of_step(self, serial: int | None) -> str | None:
        """Return the key of the step that waits under a number, or of the only one that waits; None if it has none."""
        named = [step.key for step in self.waiting if serial in (None, step.serial)]
        return named[0] if len(named) == 1 else None


def status(situation: CaseSituation) -> CaseStatus:
    """Return whether the case is open or closed."""
    return "closed" if situation.closed else "open"


def state_in_words(situation: CaseSituation) -> str:
    """Return the states in one short line, with the number of orders in every state."""
    own = "、".join(situation.process.state_label(state) for state in situation.chart_view().states)
    if situation.closed or not situation.state.orders:
        return own
    counts = Counter(
        str(view.chart.states_map[state].name)
        for view in situation.chart_views()
        for state in view.states
        if view.order
    )
    orders = "、".join(f"{label} {count}" for label, count in counts.items())
    return f"{own}({orders})"


def deadlines(situation: CaseSituation) -> list[DeadlineView]:
    """Return the running clocks, nearest first, including those being resolved with the platform."""
    resolving = {(expiry.order, expiry.rule) for expiry in situation.state.expiries}
    process = situation.process
    moments = situation.moments(situation.state.latest)
    decided = {moment.deadline: moment.at for moment in moments if moment.kind is MomentKind.DECISION}
    return [
        DeadlineView(
            rule=deadline.rule,
            label=process.rule_label(deadline.rule),
            state=deadline.state,
            order=deadline.order,
            due=deadline.due,
            of=situation.owner(deadline).value,
            resolving=(deadline.order, deadline.rule) in resolving,
            decided_at=decided.get(deadline),
            decision=situation.case.policy.default_decision.value if deadline in decided else None,
            leads_to=_leads_to(situation, deadline),
            costs=_costs(situation, deadline),
        )
        for deadline in situation.deadlines()
    ]


def _leads_to(situation: CaseSituation, deadline: Deadline) -> str | None:
    for _, transition in situation.chart_view(deadline.order).transitions(deadline.rule, deadline.due):
        return "、".join(str(state.name) for state in transition.targets) or None
    return None


def _costs(situation: CaseSituation, deadline: Deadline) -> tuple[Cost, ...]:
    """Return what is entered in the ledger if a clock runs out; an amount that is not known is None, not 0.00."""
    part = situation.case.part(deadline.order)
    return tuple(
        Cost(amount=part.amount(effect.name), clause=effect.clause or "", note=effect.label)
        for _, transition in situation.chart_view(deadline.order).transitions(deadline.rule, deadline.due)[:1]
        for effect in effects_of(transition)
        if effect.is_ledger_entry and not effect.income
    )


def actions(situation: CaseSituation, now: datetime) -> list[ActionView]:
    """Return what people may do now."""
    return [_action(situation, choice.rule, choice.order, now) for choice in allowed(situation, now)]


def _action(situation: CaseSituation, name: str, order: str | None, now: datetime) -> ActionView:
    rule, line = situation.process.rules[name], situation.chart_view(order).line(name, now)
    form = situation.form_type(name, order)
    return ActionView(
        rule=name,
        order=order,
        label=situation.process.action_label(name),
        party=rule.party.value,
        record=rule.party not in OPERATORS,
        clause=line.clause if line else "",
        fields=expected(form),
        costs=situation.case.part(order).costs(name),
        form=_schema(form),
    )


@cache
def _schema(form: type[Form]) -> dict[str, Any]:
    return form.model_json_schema()


def advice(situation: CaseSituation) -> list[str]:
    """Return what the sources advise in the present states, each sentence once."""
    views = situation.chart_views()[:1] if situation.closed else situation.chart_views()
    told = (sentence for view in views for state in view.states for sentence in view.chart.advice.get(state, ()))
    return list(dict.fromkeys(told))


def _effects(situation: CaseSituation) -> list[EffectView | StuckExpiryView]:
    state = situation.state
    steps = sorted([*state.effects, *filter(_is_step, state.decisions), *state.in_vain], key=_serial)
    effects: list[EffectView | StuckExpiryView] = [_effect(situation, effect) for effect in steps]
    return effects + [
        StuckExpiryView(serial=expiry.serial, key=expiry.key, rule=expiry.rule, order=expiry.order, why=expiry.why)
        for expiry in situation.state.expiries
        if expiry.why
    ]


def _is_step(decision: Decision) -> bool:
    """Return whether a decision is carried out by an effect that has not been called off."""
    return bool(decision.effect) and decision.status not in ("refused", "dropped")


def _serial(effect: EffectState) -> int:
    return effect.serial


DECISION_STATUS: Mapping[EffectStatus, DecisionStatus] = {"done": "taken", "refused": "refused", "dropped": "dropped"}


def _decision_status(decision: Decision) -> DecisionStatus:
    return DECISION_STATUS.get(decision.status, "being_submitted")


def _decisions(situation: CaseSituation) -> list[DecisionView]:
    rules = situation.process.rules
    return [
        DecisionView(
            at=decision.ended or decision.at,
            rule=decision.rule,
            label=situation.process.rule_label(decision.rule),
            order=decision.order,
            status=_decision_status(decision),
            why=decision.why,
            said=decision.said,
            by=decision.by,
            actor=decision.actor,
            way=decision.way,
            serial=decision.serial,
        )
        for decision in situation.state.decisions
        if rules[decision.rule].party in OPERATORS
    ]


def _effect(situation: CaseSituation, effect: EffectState) -> EffectView:
    return EffectView(
        serial=effect.serial,
        key=effect.key,
        effect=effect.effect,
        label=situation.step_label(effect),
        rule=effect.rule,
        order=effect.order,
        at=effect.ended or effect.at,
        status=effect.status,
        why=effect.why,
        note=effect.note,
        task=effect.task,
        handled_by=effect.handled_by,
        handled_way=effect.handled_way,
    )


def summary(situation: CaseSituation, decision: Decision | None = None) -> CaseSummary:
    """Return the summary that an update returns, with what became of its decision."""
    nearest = next(iter(situation.deadlines()), None)
    return CaseSummary(
        status=status(situation),
        state=situation.states(),
        label="、".join(situation.process.state_label(state) for state in situation.states()),
        deadline=nearest.due if nearest else None,
        decision=_decision_status(decision) if decision else None,
        said=decision.said if decision else None,
        task=decision.task if decision and decision.status == "console_task" else None,
        serial=decision.serial if decision and decision.being_submitted else None,
    )


def view(situation: CaseSituation, now: datetime) -> CaseView:
    """Return the answer of the query ``view``."""
    state, process = situation.state, situation.process
    return CaseView(
        case_id=situation.case_id,
        process=process.name,
        label=process.label,
        status=status(situation),
        finished=situation.finished(now),
        busy=situation.busy,
        next=situation.next_instant(now),
        facts=situation.case.facts.model_dump(mode="json"),
        state=situation.states(),
        state_labels=[process.state_label(name) for name in situation.states()],
        needs_operator=state.needs_operator,
        waits_for_operator=state.waits_for_operator,
        deadlines=deadlines(situation),
        actions=actions(situation, now),
        advice=advice(situation),
        timeline=[TimelineView(**dict(entry), label=process.rule_label(entry.rule)) for entry in state.timeline],
        ignored=[
            IgnoredView(
                at=message.at,
                rule=message.rule,
                message_id=message.message_id,
                why=message.why,
                occurred_at=message.occurred_at,
            )
            for message in state.ignored
        ],
        ignored_in_all=state.ignored_in_all,
        expiries=state.expiries,
        held=len(state.held),
        effects=_effects(situation),
        decisions=_decisions(situation),
        taken_back=[TimelineView(**dict(entry), label=process.rule_label(entry.rule)) for entry in state.taken_back],
        ledger=[*state.ledger, *state.undone, *state.reversed],
        reminders=state.reminders,
        notifications=state.notifications,
        policy=situation.case.policy.model_dump(mode="json"),
    )
