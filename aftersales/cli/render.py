"""A case as an operator reads it in a terminal."""

from datetime import datetime, timedelta
from typing import Any

from aftersales.cli.output import print_table, say, when
from cases.durations import format_duration
from cases.shanghai import shanghai
from workflows.engine.activity_inputs import of_order
from workflows.registry import PROCESSES

TOLD = {"owed": "进行中", "done": "已完成", "console_task": "控制台任务", "needs_operator": "需人工处理"}


def print_case(seen: dict[str, Any]) -> None:
    """Print what the query ``view`` answers."""
    say(f"{seen['label']}  {seen['case_id']}  {'、'.join(seen['state_labels'])} ({', '.join(seen['state'])})")
    say("  " + ",".join(f"{name} {value}" for name, value in seen["facts"].items() if value not in (None, "")))
    for each in seen["deadlines"]:
        told = "已届满,正在向平台核实" if each["settling"] else f"届时:{each['label']} ({each['rule']})"
        say(f"  ⏱ {when(each['due'])} {told}{of_order(each['order'])}")
        if each["decided_at"]:
            say(f"  🤖 {when(each['decided_at'])} 仍无人处理则自动 {each['decision']} (G-6)")
    for each in seen["effects"]:
        if each["status"] in ("needs_operator", "console_task"):
            task = each.get("task") or {}
            what = f"{task['page']}: {task['instruction']}" if task else each["why"]
            say(f"  ⚠️  serial {each['serial']} {each.get('label') or each['effect']}{of_order(each['order'])}: {what}")
    rows = [
        (each["rule"], each["label"] + of_order(each["order"]), each["clause"], each["fields"])
        for each in seen["actions"]
    ]
    print_table("可做的动作 / actions", ("动作", "说明", "条款", "表单"), rows)
    for each in seen["actions"]:
        for cost in each["costs"]:
            way = f" {cost['choice']}" if cost["choice"] else ""
            say(f"  💰 {each['label']}{of_order(each['order'])}{way}: {cost['note']} ({cost['clause']})")
    entries = [(_time(each), each["label"] + of_order(each["order"]), each["clause"]) for each in seen["timeline"]]
    print_table("时间线 / timeline", ("时间", "动作", "条款"), entries)
    if seen["effects"]:
        effects = [
            (each["serial"], (each.get("label") or each["effect"]) + of_order(each["order"]), TOLD[each["status"]])
            for each in seen["effects"]
        ]
        print_table("步骤 / effects", ("serial", "步骤", "情况"), effects)
    _print_notices(seen)
    if seen["ignored"]:
        ignored = [(_time(each), each["rule"], each["message_id"], each["why"]) for each in seen["ignored"]]
        print_table("未采用的消息 / ignored", ("时间", "动作", "消息", "原因"), ignored)
    if seen["ledger"]:
        columns = ("clause", "order", "amount", "points", "status")
        ledger = [[each[name] for name in columns] for each in seen["ledger"]]
        print_table("账目 / ledger", ("条款", "订单", "金额", "分", "状态"), ledger)


def print_simulation(result: dict[str, Any]) -> None:
    """Print a simulation as a timeline in offsets from the opening."""
    process = PROCESSES[result["process"]]
    rows: list[tuple[int, str, str, str]] = []
    for each in result["timeline"]:
        to = "、".join(process.state_label(state) for state in each["to"])
        went = "不变" if each["to"] == each["from"] else f"→ {to}"
        rows.append((each["at"], process.rule_label(each["rule"]) + of_order(each["order"]), went, each["clause"]))
    rows += [(each["at"], process.rule_label(each["rule"]), f"✗ {each['error']}", "") for each in result["refused"]]
    rows += [
        (each["at"], process.rule_label(each["rule"] or "-"), f"… 未采用:{each['why']}", "")
        for each in result["ignored"]
    ]
    labels = {name: effect.label for name, effect in process.effects().items()}
    rows += [
        (each["at"], labels.get(each["effect"], each["effect"]), TOLD[each["status"]], "") for each in result["effects"]
    ]
    rows += [(each["at"], "提醒", f"{_offset(each['deadline'])} 截止", "") for each in result["reminders"]]
    rows.sort(key=lambda row: row[0])
    shown = [(_offset(at), *rest) for at, *rest in rows]
    print_table(f"{process.label} {result['case_id']}", ("时刻", "事件", "结果", "条款"), shown)
    labels_of = "、".join(process.state_label(state) for state in result["state"])
    ended = "已结束" if result["status"] == "closed" else "进行中"
    say(f"{ended}:{labels_of} ({', '.join(result['state'])})  历史 {result['history']['events']} 事件")
    for each in result["ledger"]:
        say(f"  账目 {each['clause']}{of_order(each['order'])}: {each['amount'] or '-'} 元 ({each['status']})")


def _print_notices(seen: dict[str, Any]) -> None:
    for each in seen["reminders"]:
        say(f"  提醒 {_time(each)}:{when(each['deadline'])} 截止{of_order(each['order'])}{_undelivered(each)}")
    for each in seen["news"]:
        about = "案件结果" if each["serial"] is None else f"待人工处理 serial {each['serial']}"
        say(f"  通知 {_time(each)}:{about}{_undelivered(each)}")


def _undelivered(each: dict[str, Any]) -> str:
    return f" ⚠️ 未送达:{each['why']}" if each["why"] else ""


def _time(each: dict[str, Any]) -> str:
    return shanghai(datetime.fromisoformat(each["at"]))


def _offset(seconds: int) -> str:
    return format_duration(timedelta(seconds=seconds))
