"""The parts of a case's page: what is running, what may be done and what waits for a person, order by order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aftersales.desk.access.users import User
from aftersales.desk.chinese import chinese_of, labelled, named_in
from aftersales.desk.handling.consequences import Consequence, consequence_of
from aftersales.desk.handling.form_fields import fields_of
from aftersales.desk.handling.permission import refusal
from aftersales.desk.sections.rows import Tone, tone_of
from aftersales.runtime.client.case_words import party_label
from cases.case import Cost
from cases.forms import Form
from cases.messages import ConsoleTask
from workflows.engine.view import ActionView, CaseView, DeadlineView, EffectView, StuckExpiryView
from workflows.registry import process_of

EXPIRY_STEP: Final = "resolve_expiry"
ONLY_DONE: Final = "案件状态不变,时限照走"
"""What a clerk is told who marks a task as done without what came of it."""


@dataclass(frozen=True)
class RunningClock:
    """A running clock, whose it is, and its colour."""

    clock: DeadlineView
    of: str
    tone: Tone


@dataclass(frozen=True)
class PossibleAction:
    """What may be done now, what follows from it, and what it costs; ``barred``: why this user may not do it."""

    action: ActionView
    consequence: Consequence
    costs: Sequence[Cost]
    barred: str | None


@dataclass(frozen=True)
class StuckPart:
    """A step that waits for a person: it failed (``why``), or is a task for the platform's console.

    ``asks_platform``: it is the question to the platform what happened when a clock ran out.  ``results`` are the
    actions by which what came of a task is registered, and that complete it; ``asks_for_result``: its instruction says
    that one of them is to be registered.
    """

    serial: int
    label: str
    order: str | None
    why: str | None
    task: ConsoleTask | None
    asks_platform: bool
    results: Sequence[ActionView] = ()
    asks_for_result: bool = False

    @property
    def may_retry(self) -> bool:
        """Whether it can be tried again."""
        return self.task is None


@dataclass(frozen=True)
class CasePart:
    """One chart of a case: the case's own, or that of an order."""

    order: str | None
    states: Sequence[str]
    clocks: Sequence[RunningClock]
    actions: Sequence[PossibleAction]
    records: Sequence[PossibleAction]


def parts_of(case: CaseView, user: User, now: datetime) -> list[CasePart]:
    """Return the case's own part, and one for each of its orders; what moves them on stands first."""
    process = process_of(case.process)
    named = [
        *(name.rpartition(".")[0] or None for name in case.state),
        *(clock.order for clock in case.deadlines),
        *(action.order for action in case.actions),
    ]
    orders = dict.fromkeys(order for order in named if order is not None)
    parts: list[CasePart] = []
    for order in (None, *orders):
        own = [name for name in case.state if (name.rpartition(".")[0] or None) == order]
        possible = [possible_action(case, user, action) for action in case.actions if action.order == order]
        possible.sort(key=lambda one: not one.consequence.does_something)
        parts.append(
            CasePart(
                order=order,
                states=[process.state_label(name).removeprefix(f"{order} ") for name in own],
                clocks=[running_clock(clock, now) for clock in case.deadlines if clock.order == order],
                actions=[one for one in possible if not one.action.record],
                records=[one for one in possible if one.action.record],
            )
        )
    return parts


def running_clock(clock: DeadlineView, now: datetime) -> RunningClock:
    """Return a running clock as it is shown."""
    of = party_label(clock.of)
    return RunningClock(clock, of, tone_of(clock.due, of, now))


def possible_action(case: CaseView, user: User, action: ActionView) -> PossibleAction:
    """Return an action as it is shown to a user."""
    fields = fields_of(form_of(case, action)) if any(cost.choice for cost in action.costs) else ()
    labels = {choice.value: choice.label for field in fields for choice in field.choices}
    costs = [cost.model_copy(update={"choice": labels.get(cost.choice or "", cost.choice)}) for cost in action.costs]
    return PossibleAction(action, consequence_of(case, action.rule, action.order), costs, refusal(user, case, action))


def stuck_parts(case: CaseView) -> list[StuckPart]:
    """Return the steps that wait for a person, what failed first."""
    return [_stuck_part(case, step) for step in sorted(case.waiting, key=lambda step: step.status != "needs_operator")]


def results_of(case: CaseView, user: User, step: StuckPart) -> list[PossibleAction]:
    """Return the actions that register what came of a task, as they are shown to a user."""
    return [possible_action(case, user, action) for action in step.results]


def _stuck_part(case: CaseView, step: EffectView | StuckExpiryView) -> StuckPart:
    process = process_of(case.process)
    told = named_in(step.task.instruction, process.rules) if step.task else []
    results = _results(case, step, told)
    return StuckPart(
        serial=step.serial,
        label=f"向平台核实:{process.rule_label(step.rule)}" if step.effect == EXPIRY_STEP else step.label,
        order=step.order,
        why=chinese_of(step.why) if step.why else None,
        task=step.task and in_words(case, step.task),
        asks_platform=step.effect == EXPIRY_STEP,
        results=results,
        asks_for_result=any(action.rule in told for action in results),
    )


def _results(case: CaseView, step: EffectView | StuckExpiryView, told: Sequence[str]) -> list[ActionView]:
    """Return what may be registered now of a task: first what its instruction told of, then what else completes it.

    A decision that waits to be carried out counts once it is marked as done: nothing is registered beside it.
    """
    effect = process_of(case.process).effects().get(step.effect)
    if step.task is None or effect is None or effect.submits:
        return []
    return [action for rule in dict.fromkeys([*told, *effect.until]) if (action := action_of(case, rule, step.order))]


def in_words(case: CaseView, task: ConsoleTask) -> ConsoleTask:
    """Return a console task that names the rules of its case as the buttons do."""
    process = process_of(case.process)
    labels = {rule: process.rule_label(rule) for rule in process.rules}
    return task.model_copy(update={"instruction": labelled(task.instruction, labels)})


def action_of(case: CaseView, rule: str, order: str | None) -> ActionView | None:
    """Return what may be done now by that name; None if it may not."""
    return next((one for one in case.actions if (one.rule, one.order) == (rule, order)), None)


def form_of(case: CaseView, action: ActionView) -> type[Form]:
    """Return the form of an action: that of the line of the rule book that applies now, else the rule's own."""
    process = process_of(case.process)
    rule = process.rules[action.rule]
    candidates = [
        process.case.form_type(name) for name in dict.fromkeys((rule.form, *(line.form for line in rule.lines)))
    ]
    named = [form for form in candidates if form.__name__ == action.form.get("title")]
    return (named or candidates)[0]
