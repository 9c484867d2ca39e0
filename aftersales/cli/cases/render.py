"""A case as an operator reads it in a terminal."""

from collections.abc import Iterable

from aftersales.cli.cases.fact_lines import fact_lines, field_lines
from aftersales.cli.output import print_table, say, say_parts, when
from aftersales.runtime.client.case_words import DECISION_LABELS, EFFECT_STATUS, WAYS
from cases.shanghai import shanghai
from workflows.engine.situation import order_suffix
from workflows.engine.view import CaseSummary, CaseView, EffectView, StuckExpiryView, TimelineView


def print_case(case: CaseView) -> None:
    """Print what the query ``view`` answers."""
    say_parts(f"{case.label}  {case.case_id}", f"{'、'.join(case.state_labels)} ({', '.join(case.state)})")
    for line in fact_lines(case.process, case.facts):
        say(line, indent=2)
    for deadline in case.deadlines:
        leads_to = "已届满,正在向平台核实" if deadline.resolving else f"届时:{deadline.label} ({deadline.rule})"
        say(f"⏱ {when(deadline.due)} {leads_to}{order_suffix(deadline.order)}", indent=2)
        if deadline.decided_at:
            say(f"🤖 {when(deadline.decided_at)} 仍无人处理则自动 {deadline.decision} (G-6)", indent=2)
    for effect in case.waiting:
        what = f"{effect.task.page}: {effect.task.instruction}" if effect.task else effect.why
        say(f"⚠️  serial {effect.serial} {effect.label}{order_suffix(effect.order)}: {what}", indent=2)
    _print_actions(case)
    _print_timeline("时间线 / timeline", case.timeline)
    if case.taken_back:
        _print_timeline("已撤回 / taken back", case.taken_back)
    _print_decisions(case)
    _print_steps(case)
    _print_notices(case)
    if case.ignored:
        ignored = [(shanghai(message.at), message.rule, message.message_id, message.why) for message in case.ignored]
        print_table("未采用的消息 / ignored", ("时间", "动作", "消息", "原因"), ignored)
    if case.ledger:
        ledger = [(entry.clause, entry.order, entry.amount, entry.points, entry.status) for entry in case.ledger]
        print_table("账目 / ledger", ("条款", "订单", "金额", "分", "状态"), ledger)


def _print_actions(case: CaseView) -> None:
    """Print what may be done now: each action with what it costs, and what is asked for with it."""
    say("可做的动作 / actions" + ("" if case.actions else ": 无 (none)"))
    if any(field_lines(case.process, action.rule) for action in case.actions):
        say("填写 / fill in: --form 字段=值;带 ? 可不填 (optional),列表写作 JSON,时间可写 -1h", indent=2)
    for action in case.actions:
        clause = f" ({action.clause})" if action.clause else ""
        say(f"{action.rule} {action.label}{order_suffix(action.order)}{clause}", indent=2)
        for cost in action.costs:
            way = f"{cost.choice}: " if cost.choice else ""
            say(f"💰 {way}{cost.note} ({cost.clause})", indent=4)
        for line in field_lines(case.process, action.rule):
            say(f"--form {line}", indent=4)
    for sentence in case.advice:
        say(f"💡 {sentence}", indent=2)


def _print_steps(case: CaseView) -> None:
    if case.effects:
        effects = [
            (effect.serial, effect.label + order_suffix(effect.order), _how_it_stands(effect))
            for effect in case.effects
        ]
        print_table("步骤 / effects", ("serial", "步骤", "情况"), effects)


def _how_it_stands(effect: EffectView | StuckExpiryView) -> str:
    """Return the status of a step; one that was done for a reason that no longer holds is marked (G-11)."""
    status = EFFECT_STATUS[effect.status]
    return f"⚠️ {status}:{effect.why}" if effect.status == "done" and effect.why else status


def _print_timeline(title: str, entries: Iterable[TimelineView]) -> None:
    rows = [(shanghai(entry.at), entry.label + order_suffix(entry.order), entry.clause) for entry in entries]
    print_table(title, ("时间", "动作", "条款"), rows)


def _print_decisions(case: CaseView) -> None:
    """Print who decided what, and what became of it (G-10, G-13)."""
    decisions = [
        (
            shanghai(decision.at),
            decision.label + order_suffix(decision.order),
            decision.actor,
            WAYS.get(decision.way or "", decision.way),
            DECISION_LABELS[decision.status],
            decision.why or decision.said,
        )
        for decision in case.decisions
    ]
    if decisions:
        print_table("决定 / decisions", ("时间", "决定", "谁", "方式", "结果", "说明"), decisions)


def print_answer(case_id: str, summary: CaseSummary) -> None:
    """Print what a case answers to a decision: its state, and what the platform has said."""
    say(f"{case_id}: {summary.label} ({', '.join(summary.state)}) {when(summary.deadline)}".rstrip())
    said = f": {summary.said}" if summary.said else ""
    if summary.decision == "taken":  # without words it may be one that no platform has to take
        say(f"  {'平台已受理' if said else '已生效'} / taken{said}")
    elif summary.task:
        serial = "" if summary.serial is None else f" --form serial={summary.serial}"
        say("  提交中 / being submitted: 须到平台后台办理,状态与时限不变 / it counts once it is done in the console")
        say(f"  {summary.task.page}: {summary.task.instruction}")
        say(f"  办妥后 / when done: aftersales act {case_id} done_by_hand{serial}")
    elif summary.decision == "being_submitted":
        say(f"  提交中 / being submitted: 平台尚未答复,状态与时限不变 / the platform has not answered yet{said}")


def _print_notices(case: CaseView) -> None:
    for reminder in case.reminders:
        due = when(reminder.deadline)
        undelivered = _undelivered(reminder.why)
        say(f"提醒 {shanghai(reminder.at)}:{due} 截止{order_suffix(reminder.order)}{undelivered}", indent=2)
    for notification in case.notifications:
        about = "案件结果" if notification.serial is None else f"待人工处理 serial {notification.serial}"
        say(f"通知 {shanghai(notification.at)}:{about}{_undelivered(notification.why)}", indent=2)


def _undelivered(why: str | None) -> str:
    return f" ⚠️ 未送达:{why}" if why else ""
