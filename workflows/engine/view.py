"""The views of a case: the answer of the query ``view``, and the summary that every update returns.

Clients read these models.  Their names in JSON are those of earlier releases.
"""

from collections import Counter
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from cases.case import Cost
from cases.forms import Form
from cases.ledger import LedgerEntry
from cases.messages import ConsoleTask
from cases.models import Instant, expected
from statecharts.rules import OPERATORS
from workflows.engine.decisions import allowed
from workflows.engine.situation import CaseSituation, MomentKind
from workflows.engine.state import EffectState, ExpiryCheck, Notification, SentReminder, TimelineEntry
from workflows.engine.state import Status as EffectStatus

TIMELINE_SHOWN = 5

OffsetInstant = Annotated[datetime, PlainSerializer(datetime.isoformat, return_type=str)]
"""An instant written with an offset, as in 2026-01-05T01:00:00+00:00."""
CaseStatus = Literal["open", "closed"]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)


class DeadlineView(_View):
    """A running clock; ``resolving``: it has run out, and the platform is being asked what happened.

    ``decided_at`` is when the shop's default ``decision`` is taken unless somebody decides before (G-6).
    """

    rule: str
    label: str
    state: str
    order: str | None
    due: OffsetInstant
    of: str
    resolving: bool = Field(alias="settling")
    decided_at: OffsetInstant | None
    decision: str | None


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


class EffectView(_View):
    """An effect, and its status."""

    serial: int
    effect: str
    label: str
    rule: str
    order: str | None
    at: OffsetInstant
    status: EffectStatus
    why: str | None
    note: str | None
    task: ConsoleTask | None


class StuckExpiryView(_View):
    """An expiry that an operator must resolve; it is listed among the effects."""

    serial: int
    effect: Literal["settle"] = "settle"
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


class DecisionView(_View):
    """A decision that was submitted: what became of it, who took it and by which way (G-10, G-13).

    ``serial`` is the step that carries it out, if one does; ``why`` says why it was refused or dropped.
    """

    at: Instant
    rule: str
    order: str | None = None
    status: Literal["taken", "refused", "being_submitted", "dropped"]
    why: str | None = None
    actor: str | None = None
    way: str | None = None
    serial: int | None = None


class CaseSummary(_View):
    """The state of a case in short."""

    status: CaseStatus
    state: list[str]
    label: str
    deadline: OffsetInstant | None


class CaseView(_View):
    """Everything about a case: its states, how it got there, what may be done next, and what is pending.

    ``busy``: an effect is being performed or an expiry resolved, without waiting for a person.  ``next``: the nearest
    instant at which something will be due.  ``held`` counts the messages that wait for an expiry to be resolved.
    ``taken_back``: rules of our own clocks that a fact told late has undone (G-11).
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
    timeline: list[TimelineView]
    ignored: list[IgnoredView]
    ignored_in_all: int
    expiries: list[ExpiryCheck] = Field(alias="settling")
    held: int
    effects: list[EffectView | StuckExpiryView]
    ledger: list[LedgerEntry]
    reminders: list[SentReminder]
    notifications: list[Notification] = Field(alias="news")
    policy: dict[str, Any]
    decisions: list[DecisionView] = []
    taken_back: list[TimelineView] = []


def status(situation: CaseSituation) -> CaseStatus:
    """Return whether the case is open or closed."""
    return "closed" if situation.closed else "open"


def state_in_words(situation: CaseSituation) -> str:
    """Return the states in one short line, with the number of orders in every state."""
    own = "、".join(situation.process.state_label(state) for state in situation.chart_view().states)
    counts = Counter(
        str(view.chart.states_map[state].name)
        for view in situation.chart_views()
        for state in view.states
        if view.order
    )
    orders = "、".join(f"{label} {count}" for label, count in counts.items())
    return f"{own}({orders})" if orders and not situation.closed else own


def deadlines(situation: CaseSituation) -> list[DeadlineView]:
    """Return the running clocks, nearest first, including those being resolved with the platform."""
    resolving = {(expiry.order, expiry.rule) for expiry in situation.state.expiries}
    clocks, process = situation.process.clocks, situation.process
    moments = situation.moments(situation.state.latest)
    decided = {moment.deadline: moment.at for moment in moments if moment.kind is MomentKind.DECISION}
    return [
        DeadlineView(
            rule=deadline.rule,
            label=process.rule_label(deadline.rule),
            state=deadline.state,
            order=deadline.order,
            due=deadline.due,
            of=clocks[deadline.rule].of.value,
            resolving=(deadline.order, deadline.rule) in resolving,
            decided_at=decided.get(deadline),
            decision=situation.case.policy.default_decision.value if deadline in decided else None,
        )
        for deadline in situation.deadlines()
    ]


def actions(situation: CaseSituation) -> list[ActionView]:
    """Return what people may do now."""
    return [_action(situation, choice.rule, choice.order) for choice in allowed(situation)]


def _action(situation: CaseSituation, name: str, order: str | None) -> ActionView:
    rule, line = situation.process.rules[name], situation.chart_view(order).line(name)
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


def _effects(situation: CaseSituation) -> list[EffectView | StuckExpiryView]:
    effects: list[EffectView | StuckExpiryView] = [_effect(situation, effect) for effect in situation.state.effects]
    return effects + [
        StuckExpiryView(serial=expiry.serial, rule=expiry.rule, order=expiry.order, why=expiry.why)
        for expiry in situation.state.expiries
        if expiry.why
    ]


def _effect(situation: CaseSituation, effect: EffectState) -> EffectView:
    return EffectView(
        serial=effect.serial,
        effect=effect.effect,
        label=situation.process.effects()[effect.effect].label,
        rule=effect.rule,
        order=effect.order,
        at=effect.ended or effect.at,
        status=effect.status,
        why=effect.why,
        note=effect.note,
        task=effect.task,
    )


def summary(situation: CaseSituation) -> CaseSummary:
    """Return the summary that an update returns."""
    nearest = next(iter(situation.deadlines()), None)
    return CaseSummary(
        status=status(situation),
        state=situation.states(),
        label="、".join(situation.process.state_label(state) for state in situation.states()),
        deadline=nearest.due if nearest else None,
    )


def view(situation: CaseSituation, now: datetime) -> CaseView:
    """Return the answer of the query ``view``."""
    state, process = situation.state, situation.process
    return CaseView(
        case_id=situation.case_id,
        process=process.name,
        label=process.label,
        status=status(situation),
        finished=situation.finished,
        busy=situation.busy,
        next=situation.next_instant(now),
        facts=situation.case.facts.model_dump(mode="json"),
        state=situation.states(),
        state_labels=[process.state_label(name) for name in situation.states()],
        needs_operator=state.needs_operator,
        waits_for_operator=state.waits_for_operator,
        deadlines=deadlines(situation),
        actions=actions(situation),
        timeline=[TimelineView(**dict(entry), label=process.rule_label(entry.rule)) for entry in state.timeline],
        ignored=[
            IgnoredView(at=message.at, rule=message.rule, message_id=message.message_id, why=message.why)
            for message in state.ignored
        ],
        ignored_in_all=state.ignored_in_all,
        expiries=state.expiries,
        held=len(state.held),
        effects=_effects(situation),
        ledger=state.ledger,
        reminders=state.reminders,
        notifications=state.notifications,
        policy=situation.case.policy.model_dump(mode="json"),
    )
