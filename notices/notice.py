"""A notice: what operators are told of a case, in words that stand for themselves."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import quote

from cases.books import CaseOutcome
from cases.messages import Reminder, Trouble
from cases.models import Instant, Strict, Text
from cases.shanghai import shanghai

WHY_TOLD = 300
"""Characters of what others say that a notice repeats."""

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
class Words:
    """What a notice is worded with: names of processes and of who decides, and where the Web UI shows a case.

    ``escalations``: process and rule of the deadlines of which a reminder is an escalation.
    """

    ui_address: str
    namespace: str
    processes: Mapping[str, str]
    deciders: Mapping[str, str]
    escalations: Collection[tuple[str, str]] = ()

    def process(self, name: str) -> str:
        """A process as operators call it."""
        return self.processes.get(name, name)

    def link(self, case_id: str) -> str:
        """Where the Web UI shows the case."""
        namespace = quote(self.namespace, safe="")
        return f"{self.ui_address.rstrip('/')}/namespaces/{namespace}/workflows/{quote(case_id, safe='')}"


def of_reminder(reminder: Reminder, key: str, words: Words) -> Notice:
    """Tell of a deadline that is near, and of what happens where nobody acts (G-5)."""
    process = words.process(reminder.process)
    kind: Kind = "escalation" if (reminder.process, reminder.rule) in words.escalations else "reminder"
    lines = (
        *_about(reminder.case_id, reminder.shop_id, reminder.order),
        f"当前状态:{reminder.state_label}",
        f"截止时间:{shanghai(reminder.deadline)}(北京时间)",
        f"逾期未处理:{reminder.rule_label}",
        f"查看案件:{words.link(reminder.case_id)}",
    )
    return Notice(
        key=key,
        case_id=reminder.case_id,
        process=process,
        shop_id=reminder.shop_id,
        order=reminder.order,
        kind=kind,
        title=_title(kind, process, reminder.state_label),
        lines=lines,
        deadline=reminder.deadline,
        state=reminder.state,
        rule=reminder.rule,
    )


def of_trouble(trouble: Trouble, key: str, words: Words) -> Notice:
    """Tell of a step that waits for a person, and until when that matters."""
    process = words.process(trouble.process)
    lines = [*_about(trouble.case_id, trouble.shop_id, trouble.order), f"步骤:{trouble.step}"]
    if trouble.why:
        lines.append(f"原因:{_clipped(trouble.why)}")
    if trouble.task:
        lines += [f"后台页面:{trouble.task.page}", f"操作:{_clipped(trouble.task.instruction)}"]
    if trouble.deadline:
        lines.append(f"截止时间:{shanghai(trouble.deadline)}(北京时间)")
    hand = "done_by_hand" if trouble.task else "retry_effect / done_by_hand"
    lines += [
        f"办妥后:在案件中发送 {hand} (serial {trouble.serial});在此之前该步骤停在这里,时限照常计算",
        f"查看案件:{words.link(trouble.case_id)}",
    ]
    kind: Kind = "escalation" if trouble.escalates else "needs_operator"
    return Notice(
        key=key,
        case_id=trouble.case_id,
        process=process,
        shop_id=trouble.shop_id,
        order=trouble.order,
        kind=kind,
        title=_title(kind, process, trouble.step),
        lines=tuple(lines),
        deadline=trouble.deadline,
        serial=trouble.serial,
    )


def of_outcome(outcome: CaseOutcome, key: str, words: Words) -> Notice:
    """Tell how a case ended, who decided it and what it cost."""
    process = words.process(outcome.process)
    lines = [
        *_about(outcome.case_id, outcome.shop_id, outcome.order),
        f"结果:{outcome.state_label}",
        f"结束时间:{shanghai(outcome.closed_at)}(北京时间)",
        f"决定方:{words.deciders.get(outcome.decided_by, outcome.decided_by)}",
    ]
    if outcome.decided_before_deadline is not None:
        lines.append(f"我方时限:{'均已按时处理' if outcome.decided_before_deadline else '有逾期'}")
    if outcome.lost:
        lines.append(f"预计支出:¥{outcome.lost}")
    return Notice(
        key=key,
        case_id=outcome.case_id,
        process=process,
        shop_id=outcome.shop_id,
        order=outcome.order,
        kind="outcome",
        title=_title("outcome", process, outcome.state_label),
        lines=(*lines, f"查看案件:{words.link(outcome.case_id)}"),
    )


def _about(case_id: str, shop_id: str, order: str | None) -> Sequence[str]:
    case = case_id.partition("/")[2] or case_id
    return (f"店铺:{shop_id}", f"案件:{case}", *([f"订单:{order}"] if order else []))


def _title(kind: Kind, process: str, about: str) -> str:
    return " ".join(f"【{KINDS[kind]}】{process}:{about}".split())


def _clipped(text: str) -> str:
    return text if len(text) <= WHY_TOLD else f"{text[: WHY_TOLD - 1]}…"
