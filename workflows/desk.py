"""What people may do with a case: check it, do it, or take a stuck effect into their own hands."""

from datetime import datetime
from typing import Any

from cases.errors import Refused
from cases.forms import Form
from cases.models import Strict, Text, read
from statecharts.rules import OPERATORS, Party
from workflows.docket import Docket
from workflows.record import Owed, Settling

PEOPLE = tuple(party for party in Party if party is not Party.CLOCK)


class Stuck(Strict):
    """Which stuck effect is meant (by its serial number; not needed where there is only one), and a note."""

    serial: int | None = None
    note: Text | None = None


def allowed(docket: Docket) -> list[str]:
    """The rules that people may fire now; none on a state whose clock is being settled with the platform (G-2)."""
    if docket.closed:
        return []
    return [rule for rule in docket.chart.open_rules(*PEOPLE) if settling(docket, rule) is None]


def settling(docket: Docket, rule: str) -> Settling | None:
    """The settlement that keeps a rule from being fired by a person.

    One that needs an operator lets what the buyer or the platform did be recorded: that settles it too.
    """
    seen = docket.process.chart.rules[rule].party not in OPERATORS
    sources = {move.source.value for _, move in docket.chart.moves(rule)}
    return next(
        (each for each in docket.record.settling if each.state in sources and not (each.why and seen)),
        None,
    )


def check(docket: Docket, rule: str, raw: Any) -> Form:
    """Whether a rule may be fired with what was given; raises Refused or BadForm, and never changes the case."""
    chart = docket.chart
    if docket.closed or not chart.moves(rule):
        raise Refused(_refusal(docket, rule, _unmet(docket, rule)))
    if waiting := settling(docket, rule):
        due = waiting.due.isoformat()
        raise Refused(
            _refusal(
                docket,
                rule,
                f"时限已届满,正在向平台核实 / the clock ran out at {due}, asking the platform what happened",
            )
        )
    return docket.read_form(rule, {} if raw is None else raw)


def _unmet(docket: Docket, rule: str) -> str:
    """Why a rule is not open: the state, or what must hold first."""
    entered, case = docket.record.past.entered, docket.case
    moves = [move for _, move in docket.process.chart.rules[rule].steps() if move.source.value in entered]
    if docket.closed or not moves:
        return "当前状态不允许 / the current state does not allow it"
    missing = [
        [guard for guard in move.cond if bool(getattr(case, guard.attr_name)) is not guard.expected_value]
        for move in moves
    ]
    nearest = min(missing, key=len)  # the other moves are for other cases: what they lack is no advice
    named = "、".join(
        f"{'' if guard.expected_value else '非'}{docket.process.guard_label(guard.attr_name)} ({guard.attr_name})"
        for guard in nearest
    )
    return f"条件未满足 / what must hold first: {named}"


def _refusal(docket: Docket, rule: str, why: str) -> str:
    process = docket.process
    states = "、".join(f"{process.state_label(state)} ({state})" for state in docket.record.past.entered)
    choices = "、".join(f"{process.rule_label(name)} ({name})" for name in allowed(docket)) or "无 (none)"
    return (
        f"不能{process.rule_label(rule)} ({rule}): {why}。当前状态 / state: {states}; 允许的动作 / allowed: {choices}"
    )


def act(docket: Docket, rule: str, raw: Any, now: datetime) -> None:
    """Fire a rule for a person; overdue clocks go first."""
    docket.elapse(now)
    form = check(docket, rule, raw)
    docket.fire(rule, now, form)


def stuck(docket: Docket, raw: Any, *, retry: bool) -> Owed | Settling:
    """The stuck effect or settlement that is meant; raises Refused where none or several could be."""
    asked = read(Stuck, {} if raw is None else raw, "retry_effect" if retry else "done_by_hand")
    waiting: list[Owed | Settling] = [
        *(each for each in docket.record.stuck() if not retry or each.status == "needs_operator"),
        *(each for each in docket.record.settling if each.why),
    ]
    meant = [each for each in waiting if asked.serial in (None, each.serial)]
    if len(meant) == 1:
        return meant[0]
    listed = "、".join(f"{each.serial}: {_named(docket, each)}" for each in waiting) or "无 (none)"
    raise Refused(f"请指明 serial / say which serial is meant; 等待处理 / waiting: {listed}")


def _named(docket: Docket, each: Owed | Settling) -> str:
    return f"settle {each.rule}" if isinstance(each, Settling) else docket.process.effects()[each.effect].label


def retry_effect(docket: Docket, raw: Any) -> None:
    """Try a stuck effect again, under the same idempotency key; a settlement is asked for again."""
    each = stuck(docket, raw, retry=True)
    each.why = None
    if isinstance(each, Owed):
        each.status = "owed"


def done_by_hand(docket: Docket, raw: Any, now: datetime) -> None:
    """Take a stuck effect as done by the operator; a settlement is taken to have ended as the policy says."""
    each = stuck(docket, raw, retry=False)
    if isinstance(each, Owed):
        note = read(Stuck, {} if raw is None else raw, "done_by_hand").note
        each.status, each.ended, each.why, each.note = "done", now, None, note
    else:
        docket.take_default(each)
