"""Notices: what operators are sent about a case."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BeforeValidator

from cases.ledger import CaseOutcome
from cases.messages import ActionRequired, Reminder
from cases.models import Instant, Strict, Text, clipped
from cases.plain_text import squeezed
from cases.shanghai import shanghai

Kind = Literal["reminder", "needs_operator", "escalation", "outcome"]
_KINDS: Mapping[Kind, str] = {
    "reminder": "时限提醒",
    "needs_operator": "需要人工处理",
    "escalation": "升级提醒",
    "outcome": "案件结果",
}
"""The labels of the kinds."""


Line = Annotated[Text, BeforeValidator(squeezed)]
"""A line of a notice: whatever others said in it makes no other line, and steers nothing."""


class Notice(Strict):
    """A message to operators; ``key`` makes it idempotent.

    A reminder has the ``state`` and ``rule`` of its ``deadline``; a step that waits for a person has its ``serial``.
    """

    key: Text
    case_id: Text
    process: Text
    shop_id: Text
    order: str | None = None
    kind: Kind
    title: Line
    lines: tuple[Line, ...]
    deadline: Instant | None = None
    state: str | None = None
    rule: str | None = None
    serial: int | None = None

    @property
    def text(self) -> str:
        """The title and the lines as one text."""
        return "\n".join((self.title, *self.lines))

    def is_late(self, now: datetime) -> bool:
        """Return whether it is a reminder of a deadline that has passed."""
        return self.rule is not None and self.deadline is not None and self.deadline <= now


@dataclass(frozen=True)
class NoticeContext:
    """Context of notices: the Web UI's list of cases, labels of processes and of those who decide.

    ``escalations``: process and rule of the deadlines whose reminders are escalations.  With the address of a desk
    (``desk_at``) notices lead there.
    """

    listed_at: str
    processes: Mapping[str, str]
    deciders: Mapping[str, str]
    escalations: Collection[tuple[str, str]] = ()
    desk_at: str | None = None

    def process(self, name: str) -> str:
        """Return the label of a process."""
        return self.processes.get(name, name)

    def link(self, case_id: str) -> str:
        """Return the line that leads to a case: on the desk if there is one, else in the Web UI."""
        if self.desk_at:
            return f"去工作台处理:{self.desk_at.rstrip('/')}/case/{quote(case_id)}"
        return f"查看案件:{self.listed_at}/{quote(case_id, safe='')}"

    def confirmation(self, serial: int, *, is_task: bool) -> str:
        """Return the line that says how a step that waits for a person is confirmed."""
        if self.desk_at:
            pressed = "列出的结果,没有列出的点「已手工办妥」" if is_task else "「重试」或「已手工办妥」"
            said = f"在工作台的案件页点{pressed}"
        else:
            said = f"在案件中发送 {'done_by_hand' if is_task else 'retry_effect / done_by_hand'} (serial {serial})"
        return f"办妥后:{said};在此之前该步骤停在这里,时限照常计算"


def reminder_notice(reminder: Reminder, key: str, context: NoticeContext) -> Notice:
    """Return a notice of a near deadline, and of what happens if nobody acts (G-5)."""
    lines = (
        f"当前状态:{reminder.state_label}",
        f"截止时间:{shanghai(reminder.deadline)}(北京时间)",
        f"逾期未处理:{reminder.rule_label}",
    )
    return _notice(
        reminder,
        key,
        context,
        "escalation" if (reminder.process, reminder.rule) in context.escalations else "reminder",
        reminder.state_label,
        lines,
        deadline=reminder.deadline,
        state=reminder.state,
        rule=reminder.rule,
    )


def action_required_notice(required: ActionRequired, key: str, context: NoticeContext) -> Notice:
    """Return a notice of a step that waits for a person, with the deadline if there is one."""
    lines = [f"步骤:{required.step}"]
    if required.why:
        lines.append(f"原因:{clipped(required.why)}")
    if required.task:
        lines += [f"后台页面:{required.task.page}", f"操作:{clipped(required.task.instruction)}"]
    if required.deadline:
        lines.append(f"截止时间:{shanghai(required.deadline)}(北京时间)")
    if required.serial is not None:
        lines.append(context.confirmation(required.serial, is_task=required.task is not None))
    kind: Kind = "escalation" if required.escalates else "needs_operator"
    return _notice(
        required, key, context, kind, required.step, lines, deadline=required.deadline, serial=required.serial
    )


def outcome_notice(outcome: CaseOutcome, key: str, context: NoticeContext) -> Notice:
    """Return a notice of how a case ended, who decided it and what it cost."""
    lines = [
        f"结果:{outcome.state_label}",
        f"结束时间:{shanghai(outcome.closed_at)}(北京时间)",
        f"决定方:{context.deciders.get(outcome.decided_by, outcome.decided_by)}",
    ]
    if outcome.decided_before_deadline is not None:
        lines.append(f"我方时限:{'均已按时处理' if outcome.decided_before_deadline else '有逾期'}")
    if cost := _cost(outcome):
        lines.append(f"预计支出:{cost}")
    return _notice(outcome, key, context, "outcome", outcome.state_label, lines)


def _cost(outcome: CaseOutcome) -> str:
    """Return what a case is expected to cost, empty if nothing; what is unknown is said to be unknown."""
    known = [f"¥{outcome.lost}"] if outcome.lost else []
    unknown = [f"{outcome.unknown_losses} 笔金额未知"] if outcome.unknown_losses else []
    return ",另有 ".join([*known, *unknown]) or ("金额未知" if outcome.lost is None else "")


def _notice(
    about: Reminder | ActionRequired | CaseOutcome,
    key: str,
    context: NoticeContext,
    kind: Kind,
    subject: str,
    lines: Iterable[str],
    **fields: Any,
) -> Notice:
    """Return a notice with these lines, after shop, case and order and before the link."""
    process, case = context.process(about.process), about.case_id.partition("/")[2] or about.case_id
    first = (f"店铺:{about.shop_id}", f"案件:{case}", *([f"订单:{about.order}"] if about.order else []))
    return Notice(
        key=key,
        case_id=about.case_id,
        process=process,
        shop_id=about.shop_id,
        order=about.order,
        kind=kind,
        title=f"【{_KINDS[kind]}】{process}:{subject}",
        lines=(*first, *lines, context.link(about.case_id)),
        **fields,
    )
