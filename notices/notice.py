"""A notice: what operators are told of a case, in words that stand for themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import quote

from cases.messages import ConsoleTask, Reminder
from cases.models import Instant, Strict, Text
from cases.shanghai import shanghai

WHY_TOLD = 300
"""Characters of what others say that a notice repeats."""

Kind = Literal["reminder", "needs_operator", "escalation", "outcome"]


class Notice(Strict):
    """What is told; ``key`` makes telling it twice the same as once, after ``deadline`` it is of no use.

    ``state`` and ``rule`` say whose deadline that is, where it is a reminder.
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

    @property
    def text(self) -> str:
        """Title and lines, one below the other."""
        return "\n".join((self.title, *self.lines))

    def is_late(self, now: datetime) -> bool:
        """Whether the state that it is about has ended by itself."""
        return self.deadline is not None and self.deadline <= now


@dataclass(frozen=True)
class Words:
    """What a notice is worded with: the processes' names, and where the Web UI shows a case."""

    ui_address: str
    namespace: str
    processes: Mapping[str, str]

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
        kind="reminder",
        title=_title("时限提醒", process, reminder.state_label),
        lines=lines,
        deadline=reminder.deadline,
        state=reminder.state,
        rule=reminder.rule,
    )


@dataclass(frozen=True)
class Trouble:
    """A step that waits for a person: it failed (``why``, G-7) or has no interface (``task``, G-8)."""

    case_id: str
    process: str
    shop_id: str
    step: str
    why: str | None = None
    task: ConsoleTask | None = None
    order: str | None = None
    deadline: datetime | None = None


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
    lines += ["不处理则该步骤一直停在这里,时限照常计算", f"查看案件:{words.link(trouble.case_id)}"]
    return Notice(
        key=key,
        case_id=trouble.case_id,
        process=process,
        shop_id=trouble.shop_id,
        order=trouble.order,
        kind="needs_operator",
        title=_title("需要人工处理", process, trouble.step),
        lines=tuple(lines),
        deadline=trouble.deadline,
    )


def _about(case_id: str, shop_id: str, order: str | None) -> Sequence[str]:
    case = case_id.partition("/")[2] or case_id
    return (f"店铺:{shop_id}", f"案件:{case}", *([f"订单:{order}"] if order else []))


def _title(kind: str, process: str, about: str) -> str:
    return " ".join(f"【{kind}】{process}:{about}".split())


def _clipped(text: str) -> str:
    return text if len(text) <= WHY_TOLD else f"{text[: WHY_TOLD - 1]}…"
