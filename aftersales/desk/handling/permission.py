"""What a user may do on the desk, asked in one place: the reason why not is in words that a clerk understands."""

from decimal import Decimal
from enum import StrEnum

from aftersales.desk.access.users import Role, User
from aftersales.desk.handling.case_reading import facts_of
from statecharts.analysis.rulebook_rows import effects_of
from workflows.engine.process import Process
from workflows.engine.view import ActionView, CaseView
from workflows.registry import process_of


class CaseTask(StrEnum):
    """What is done about a case beside deciding it."""

    RETRY = "retry"
    DONE_BY_HAND = "done_by_hand"
    CLAIM = "claim"
    NOTE = "note"
    ASSIGN = "assign"

    @property
    def label(self) -> str:
        """Its Chinese name."""
        return _TASK_LABELS[self]


_TASK_LABELS = {
    CaseTask.RETRY: "重试",
    CaseTask.DONE_BY_HAND: "登记已手工办妥",
    CaseTask.CLAIM: "认领",
    CaseTask.NOTE: "写备注",
    CaseTask.ASSIGN: "指派给别人",
}


def refusal(user: User, case: CaseView, action: ActionView | CaseTask) -> str | None:
    """Return why a user may not do something about a case, None if he may.

    Deciding and everything about a case is for those who handle cases; assigning it to others, and what cannot be
    taken back, for supervisors.  A limit allows up to its amount what would else be for supervisors, and nothing above.
    """
    if not user.sees(facts_of(case).shop):
        return f"没有此案件 / no such case: {case.case_id}"
    needed = Role.SUPERVISE if action is CaseTask.ASSIGN else Role.HANDLE
    if not user.role.includes(needed):
        return f"「{action.label}」需要「{needed.label}」权限,您的权限是「{user.role.label}」"
    return None if isinstance(action, CaseTask) or action.record else _too_much(user, case, action)


def amount_of(case: CaseView, action: ActionView) -> Decimal | None:
    """Return the largest amount that a decision is about: that of the case, what it costs, and what waiting costs.

    None if it costs something of which no amount is known; 0 if it is about no money.
    """
    waiting = [cost for clock in case.deadlines if clock.order in (None, action.order) for cost in clock.costs]
    amounts = [facts_of(case).at_stake, *(cost.amount for cost in [*action.costs, *waiting])]
    known = [amount for amount in amounts if amount is not None]
    return max(known) if known else None if action.costs else Decimal(0)


def is_irreversible(process: Process, action: ActionView) -> bool:
    """Return whether a decision ends its case, or its order, and costs the shop money, wherever it is taken."""
    chart = process.chart_of(action.order)
    lines = [
        transition
        for state in chart.states_map.values()
        for transition in state.transitions
        if action.rule in str(transition.event).split()
    ]
    return bool(lines) and all(
        any(target.final for target in line.targets)
        and any(effect.is_ledger_entry and not effect.income for effect in effects_of(line))
        for line in lines
    )


def _too_much(user: User, case: CaseView, action: ActionView) -> str | None:
    amount = amount_of(case, action)
    if not user.may_decide(amount):
        what = "金额未知" if amount is None else f"涉及 {amount:.2f} 元"
        return f"「{action.label}」{what},超出您的处理额度 {user.limit:.2f} 元,请主管处理"
    entrusted = user.limit is not None or user.role.includes(Role.SUPERVISE)
    if not entrusted and is_irreversible(process_of(case.process), action):
        return f"「{action.label}」会产生费用且不能撤回,需要「{Role.SUPERVISE.label}」权限"
    return None
