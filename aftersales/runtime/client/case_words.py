"""The Chinese words for what a case answers: the statuses of its steps and decisions, and who gave an input."""

from collections.abc import Mapping
from typing import Final

from statecharts.rules import Party
from workflows.engine.process import Process

EFFECT_STATUS: Final[Mapping[str, str]] = {
    "pending": "进行中",
    "done": "已完成",
    "console_task": "控制台任务",
    "needs_operator": "需人工处理",
    "refused": "平台拒绝",
    "dropped": "已作废",
}
DECISION_LABELS: Final[Mapping[str, str]] = {
    "refused": "✗ 平台拒绝",
    "being_submitted": "… 提交中",
    "dropped": "✗ 已作废",
    "taken": "已生效",
}
WAYS: Final[Mapping[str, str]] = {
    "command": "命令行",
    "web_ui": "网页",
    "desk": "工作台",
    "message": "消息",
    "case": "其他案件",
    "default": "默认决定",
}
"""The ways by which decisions are given (G-13)."""
ENTRY_STATUS: Final[Mapping[str, str]] = {"expected": "预计", "billed": "平台已扣", "reversed": "已冲回"}
"""The statuses of ledger entries."""
_PARTIES: Final[Mapping[str, str]] = {party.value: party.label for party in Party} | {"default": "默认决定"}


def party_label(party: str) -> str:
    """Return the Chinese name of a party, or what a worker of another release calls it."""
    return _PARTIES.get(party, party)


def who_gave(by: str, actor: str | None, way: str | None) -> str:
    """Return who gave an input and by which way, as in 张三(工作台); without a name, the party."""
    name = actor or party_label(by)
    said = WAYS.get(way or "", way)
    return f"{name}({said})" if said and said != name else name


def entry_name(process: Process, clause: str) -> str:
    """Return what a process enters in the ledger under a clause, in Chinese; the clause itself if it enters nothing."""
    labels = (effect.label for effect in process.effects().values() if effect.clause == clause)
    return next(labels, clause)
