"""A simulated case as a timeline."""

from datetime import timedelta
from typing import Any

from aftersales.cli.output import print_table, say
from aftersales.runtime.client.case_words import DECISION_LABELS, EFFECT_STATUS
from cases.durations import format_duration
from workflows.engine.situation import order_suffix
from workflows.registry import PROCESSES


def print_simulation(result: dict[str, Any]) -> None:
    """Print a simulation as a timeline in offsets from the opening."""
    process = PROCESSES[result["process"]]
    rows: list[tuple[int, str, str, str]] = []
    taken_back = [(entry, "↩ 已撤回:") for entry in result["taken_back"]]
    for entry, mark in [(entry, "") for entry in result["timeline"]] + taken_back:
        to = "、".join(process.state_label(state) for state in entry["to"])
        went = "不变" if entry["to"] == entry["from"] else f"→ {to}"
        what = process.rule_label(entry["rule"]) + order_suffix(entry["order"])
        rows.append((entry["at"], what, mark + went, entry["clause"]))
    refused = {(act["at"], act["rule"]) for act in result["refused"]}
    rows += [
        (decision["at"], process.rule_label(decision["rule"]), _submitted(decision), "")
        for decision in result["decisions"]
        if decision["status"] != "taken" and (decision["at"], decision["rule"]) not in refused
    ]
    rows += [(act["at"], process.rule_label(act["rule"]), f"✗ {act['error']}", "") for act in result["refused"]]
    rows += [
        (message["at"], process.rule_label(message["rule"] or "-"), f"… 未采用:{message['why']}", "")
        for message in result["ignored"]
    ]
    labels = {name: effect.label for name, effect in process.effects().items()}
    rows += [
        (effect["at"], labels.get(effect["effect"], effect["effect"]), EFFECT_STATUS[effect["status"]], "")
        for effect in result["effects"]
    ]
    rows += [(sent["at"], "提醒", f"{_offset(sent['deadline'])} 截止", "") for sent in result["reminders"]]
    rows.sort(key=lambda row: row[0])
    shown = [(_offset(at), *rest) for at, *rest in rows]
    print_table(f"{process.label} {result['case_id']}", ("时刻", "事件", "结果", "条款"), shown)
    labels_of = "、".join(process.state_label(state) for state in result["state"])
    ended = "已结束" if result["status"] == "closed" else "进行中"
    say(f"{ended}:{labels_of} ({', '.join(result['state'])})  历史 {result['history']['events']} 事件")
    for entry in result["ledger"]:
        counts = f"{entry['points']} 分" if entry["points"] else f"{entry['amount'] or '-'} 元"
        say(f"  账目 {entry['clause']}{order_suffix(entry['order'])}: {counts} ({entry['status']})")
    for name, other in result.get("also", {}).items():
        say()
        say(name)
        print_simulation(other)


def _submitted(decision: dict[str, Any]) -> str:
    """Return what became of a decision that has not counted (G-10)."""
    return DECISION_LABELS[decision["status"]] + (f":{decision['why']}" if decision["why"] else "")


def _offset(seconds: int) -> str:
    return format_duration(timedelta(seconds=seconds))
