"""What people may do with a case: check it, do it, or take a stuck effect into their own hands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cases.case import Cost
from cases.errors import Refused
from cases.forms import Form
from cases.models import Strict, Text, read
from statecharts.rules import OPERATORS, Party
from workflows.engine.activity_inputs import of_order, step_label
from workflows.engine.addressing import addressed
from workflows.engine.expiry import take_default
from workflows.engine.machine import CaseMachine
from workflows.engine.state import EffectState, ExpiryCheck

CLOSED = "案件已结束 / the case is closed"
WRONG_STATE = "当前状态不允许 / the current state does not allow it"
PEOPLE = tuple(party for party in Party if party is not Party.CLOCK)


class Stuck(Strict):
    """Which stuck effect is meant (by its serial number; not needed where there is only one), and a note."""

    serial: int | None = None
    note: Text | None = None


@dataclass(frozen=True)
class Choice:
    """A rule that people may fire now, and the order it is about; None: the case itself."""

    rule: str
    order: str | None = None

    def __str__(self) -> str:
        """As it is told of: the rule, and the order where there is one."""
        return f"{self.rule} {self.order}" if self.order else self.rule


def allowed(machine: CaseMachine) -> list[Choice]:
    """What people may do now; nothing on a state whose clock is being settled with the platform (G-2)."""
    if machine.closed:
        return []
    return [
        Choice(rule, standing.order)
        for standing in machine.standings()
        for rule in standing.open_rules(*PEOPLE)
        if settling(machine, rule, standing.order) is None
    ]


def by_rule(choices: list[Choice]) -> dict[str, list[str]]:
    """The rules that may be fired, each with the orders for which it may."""
    found: dict[str, list[str]] = {}
    for each in choices:
        found.setdefault(each.rule, []).extend([] if each.order is None else [each.order])
    return found


def settling(machine: CaseMachine, rule: str, order: str | None = None) -> ExpiryCheck | None:
    """The settlement that keeps a rule from being fired by a person.

    One that needs an operator lets what the buyer or the platform did be recorded: that settles it too.
    """
    seen = machine.process.rules[rule].party not in OPERATORS
    waiting = (each for each in machine.record.settling if each.order == order and not (each.why and seen))
    return next(waiting, None)


def check(machine: CaseMachine, rule: str, raw: Any) -> tuple[str | None, Form]:
    """The order that is meant and what was given, where a rule may be fired; never changes the case.

    Raises Refused, or BadForm where the form or the order does not fit.
    """
    if machine.process.rules[rule].forbidden:
        raise Refused(_refusal(machine, rule, "任何状态都不允许 / never allowed"))
    if machine.closed:
        raise Refused(_refusal(machine, rule, _unmet(machine, rule, None)))
    order, form = addressed(machine, rule, raw)
    if not machine.standing(order).transitions(rule):
        raise Refused(_refusal(machine, rule, _unmet(machine, rule, order), order))
    if waiting := settling(machine, rule, order):
        due = waiting.due.isoformat()
        why = f"时限已届满,正在向平台核实 / the clock ran out at {due}, asking the platform what happened"
        raise Refused(_refusal(machine, rule, why, order))
    return order, machine.read_form(rule, {} if form is None else form, order)


def _unmet(machine: CaseMachine, rule: str, order: str | None) -> str:
    """Why a rule is not open: the state, or what must hold first."""
    if machine.closed:
        return CLOSED
    standing = machine.standing(order)
    moves = [move for _, move in machine.process.rules[rule].steps() if move.source.value in standing.entered]
    if not moves:
        return WRONG_STATE
    missing = [
        [guard for guard in move.cond if bool(getattr(standing.case, guard.attr_name)) is not guard.expected_value]
        for move in moves
    ]
    nearest = min(missing, key=len)  # the other moves are for other cases: what they lack is no advice
    named = "、".join(
        f"{'' if guard.expected_value else '非'}{machine.process.guard_label(guard.attr_name)} ({guard.attr_name})"
        for guard in nearest
    )
    return f"条件未满足 / what must hold first: {named}"


def _refusal(machine: CaseMachine, rule: str, why: str, order: str | None = None) -> str:
    process = machine.process
    about = f" {order}" if order else ""
    meant = machine.states() if order is None else [f"{order}.{state}" for state in machine.standing(order).states]
    states = "、".join(f"{process.state_label(state)} ({state})" for state in meant)
    choices = "、".join(
        f"{process.rule_label(name)} ({': '.join((name, ', '.join(orders))) if orders else name})"
        for name, orders in by_rule(allowed(machine)).items()
    )
    costs = "".join(f"; {cost.note} ({cost.clause})" for cost in _warnings(machine, rule, order))
    return (
        f"不能{process.rule_label(rule)} ({rule}){about}: {why}{costs}。"
        f"当前状态 / state: {states}; 允许的动作 / allowed: {choices or '无 (none)'}"
    )


def _warnings(machine: CaseMachine, rule: str, order: str | None) -> tuple[Cost, ...]:
    """What doing it all the same would cost."""
    orders = machine.case.orders
    meant = order or (orders[0] if machine.process.names_order(rule) and orders else None)
    warnings: tuple[Cost, ...] = machine.case.part(meant).warnings(rule)
    return warnings


def act(machine: CaseMachine, rule: str, raw: Any, now: datetime) -> None:
    """Fire a rule for a person; overdue clocks go first."""
    machine.elapse(now)
    order, form = check(machine, rule, raw)
    machine.fire(rule, now, form, order=order)


def stuck(machine: CaseMachine, raw: Any, *, retry: bool) -> EffectState | ExpiryCheck:
    """The stuck effect or settlement that is meant; raises Refused where none or several could be."""
    asked = read(Stuck, {} if raw is None else raw, "retry_effect" if retry else "done_by_hand")
    waiting = [
        each
        for each in machine.record.waiting().values()
        if not retry or isinstance(each, ExpiryCheck) or each.status == "needs_operator"
    ]
    meant = [each for each in waiting if asked.serial in (None, each.serial)]
    if len(meant) == 1:
        return meant[0]
    labels = (f"{each.serial}: {step_label(machine, each)}{of_order(each.order)}" for each in waiting)
    listed = "、".join(labels) or "无 (none)"
    raise Refused(f"请指明 serial / say which serial is meant; 等待处理 / waiting: {listed}")


def retry_effect(machine: CaseMachine, raw: Any) -> None:
    """Try a stuck effect again, under the same idempotency key; a settlement is asked for again."""
    each = stuck(machine, raw, retry=True)
    each.why = None
    if isinstance(each, EffectState):
        each.status = "owed"


def done_by_hand(machine: CaseMachine, raw: Any, now: datetime) -> None:
    """Take a stuck effect as done by the operator; a settlement is taken to have ended as the policy says."""
    each = stuck(machine, raw, retry=False)
    if isinstance(each, EffectState):
        note = read(Stuck, {} if raw is None else raw, "done_by_hand").note
        each.status, each.ended, each.why, each.note = "done", now, None, note
    else:
        take_default(machine, each)
