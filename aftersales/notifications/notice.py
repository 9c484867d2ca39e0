"""A notice: what operators are told of a case, in words that stand for themselves."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from cases.ledger import CaseOutcome
from cases.messages import ActionRequired, Reminder
from cases.models import Instant, Strict, Text, clipped
from cases.shanghai import shanghai

Kind = Literal["reminder", "needs_operator", "escalation", "outcome"]
KINDS: Mapping[Kind, str] = {
    "reminder": "时限提醒",
    "needs_operator": "需要人工处理",
    "escalation": "升级提醒",
    "outcome": "案件结果",
}
"""What operators call them."""


class Notice(Strict):
    """What is told; ``key`` makes telling it twice the same as once, ``deadline`` says how pressing it is.

    ``state`` and ``rule`` say whose deadline that is, where it reminds of one; ``serial`` is the step's that waits.
    """

    key: Text
    case_id: Text
    process: Text
    shop_id: Text
    order: str | None = None
    kind: Kind
    title: Text
    lines: tuple[Text, ...]
    deadline: Instant | None = None
    state: str | None = None
    rule: str | None = None
    serial: int | None = None

    @property
    def text(self) -> str:
        """Title and lines, one below the other."""
        return "\n".join((self.title, *self.lines))

    def is_late(self, now: datetime) -> bool:
        """Whether it reminds of a deadline that has passed."""
        return self.rule is not None and self.deadline is not None and self.deadline <= now


@dataclass(frozen=True)
class NoticeContext:
    """What a notice is worded with: where the Web UI lists cases, names of processes and of who decides.

    ``escalations``: process and rule of the deadlines of which a reminder is an escalation.
    """

    listed_at: str
    processes: Mapping[str, str]
    deciders: Mapping[str, str]
    escalations: Collection[tuple[str, str]] = ()

    def process(self, name: str) -> str:
        """A process as operators call it."""
        return self.processes.get(name, name)

    def link(self, case_id: str) -> str:
        """Where the Web UI shows the case."""
        return f"{self.listed_at}/{quote(case_id, safe='')}"


def of_reminder(reminder: Reminder, key: str, words: NoticeContext) -> Notice:
    """Tell of a deadline that is near, and of what happens where nobody acts (G-5)."""
    lines = (
        f"当前状态:{reminder.state_label}",
        f"截止时间:{shanghai(reminder.deadline)}(北京时间)",
        f"逾期未处理:{reminder.rule_label}",
    )
    return _notice(
        reminder,
        key,
        words,
        "escalation" if (reminder.process, reminder.rule) in words.escalations else "reminder",
        reminder.state_label,
        lines,
        deadline=reminder.deadline,
        state=reminder.state,
        rule=reminder.rule,
    )


def of_trouble(trouble: ActionRequired, key: str, words: NoticeContext) -> Notice:
    """Tell of a step that waits for a person, and until when that matters."""
    lines = [f"步骤:{trouble.step}"]
    if trouble.why:
        lines.append(f"原因:{clipped(trouble.why)}")
    if trouble.task:
        lines += [f"后台页面:{trouble.task.page}", f"操作:{clipped(trouble.task.instruction)}"]
    if trouble.deadline:
        lines.append(f"截止时间:{shanghai(trouble.deadline)}(北京时间)")
    hand = "done_by_hand" if trouble.task else "retry_effect / done_by_hand"
    lines.append(f"办妥后:在案件中发送 {hand} (serial {trouble.serial});在此之前该步骤停在这里,时限照常计算")
    kind: Kind = "escalation" if trouble.escalates else "needs_operator"
    return _notice(trouble, key, words, kind, trouble.step, lines, deadline=trouble.deadline, serial=trouble.serial)


def of_outcome(outcome: CaseOutcome, key: str, words: NoticeContext) -> Notice:
    """Tell how a case ended, who decided it and what it cost."""
    lines = [
        f"结果:{outcome.state_label}",
        f"结束时间:{shanghai(outcome.closed_at)}(北京时间)",
        f"决定方:{words.deciders.get(outcome.decided_by, outcome.decided_by)}",
    ]
    if outcome.decided_before_deadline is not None:
        lines.append(f"我方时限:{'均已按时处理' if outcome.decided_before_deadline else '有逾期'}")
    if outcome.lost:
        lines.append(f"预计支出:¥{outcome.lost}")
    return _notice(outcome, key, words, "outcome", outcome.state_label, lines)


def _notice(
    told: Reminder | ActionRequired | CaseOutcome,
    key: str,
    words: NoticeContext,
    kind: Kind,
    about: str,
    lines: Iterable[str],
    **own: Any,
) -> Notice:
    """A notice between the lines that all have: whose case it is, and where it is shown."""
    process, case = words.process(told.process), told.case_id.partition("/")[2] or told.case_id
    begin = (f"店铺:{told.shop_id}", f"案件:{case}", *([f"订单:{told.order}"] if told.order else []))
    return Notice(
        key=key,
        case_id=told.case_id,
        process=process,
        shop_id=told.shop_id,
        order=told.order,
        kind=kind,
        title=" ".join(f"【{KINDS[kind]}】{process}:{about}".split()),
        lines=(*begin, *lines, f"查看案件:{words.link(told.case_id)}"),
        **own,
    )
