"""The document of a process: its rule book, diagram and figures, and what silence leads to."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from cases.case import SAMPLE_INSTANT, Case
from cases.durations import format_duration
from cases.policy import STANDING_LABELS, Figure, Policy
from statecharts.diagram import mermaid
from statecharts.proofs import silent_ending, without_deadline
from statecharts.rulebook import CLOSES, Row, markdown_table, rows, table
from statecharts.worlds import reach
from workflows.process import Process

COMMAND = "aftersales rulebook --write docs/rulebook"
NOTHING = "无。"


def rules(process: Process) -> list[dict[str, Any]]:
    """Every move of every rule, in the order of the chart, as plain data: the fields of a rule book's Row."""
    return [
        {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(row).items()}
        for row in _rows(process)
    ]


def figures(process: Process) -> list[dict[str, str]]:
    """Every figure of the process's policy with its name, label, value, unit, clause, source and standing."""
    policy = process.case.policy_type()()
    return [
        {
            "name": name,
            "label": policy.label(name),
            "value": figure.show(),
            "unit": figure.unit,
            "clause": figure.clause,
            "source": figure.source,
            "standing": figure.standing,
        }
        for name, figure in _figures(policy)
    ]


def rulebook_document(process: Process) -> str:
    """The Markdown document of a process, for operators."""
    parts = [
        f"# {process.label} · {process.name}",
        f"本页由 `{COMMAND}` 生成,请勿手改 / generated, do not edit。条款原文见 [rules.md](../rules.md)。",
        "## 规则",
        "⏱ 为时钟:届满即自行触发;「平台计时」的时钟届满后先向平台核实实际结果(G-2)。「不变」指状态与时钟都不变。",
        table(_rows(process)),
        f"结案状态:{'、'.join(_finals(process))}。",
        "## 状态图",
        f"```mermaid\n{mermaid(process.chart, _guards(process), _clocks(process)).rstrip()}\n```",
        "## 指标",
        "案件在受理时固定所用的全部指标(G-9);店铺可改任何一项,改后性质为「商家设定」。",
        _figure_table(process),
        "## 没有时限的等待",
        _owner_table(process),
        "## 无人处理时的结局",
        "从受理起谁都不动,按默认指标会怎样:",
        _ending_table(process),
    ]
    return "\n\n".join(parts) + "\n"


def _rows(process: Process) -> list[Row]:
    return rows(process.chart, _guards(process), _clocks(process))


def _guards(process: Process) -> dict[str, str]:
    """Every guard's Chinese label: what the case says of the property."""
    names = (spec.attr_name for rule in process.chart.rules.values() for _, move in rule.steps() for spec in move.cond)
    return {name: process.guard_label(name) for name in dict.fromkeys(names)}


def _clocks(process: Process) -> dict[str, str]:
    """Every clock by its name: a figure that is a length of time, or an instant of the case."""
    policy = process.case.policy_type()()
    lengths = [(name, figure) for name, figure in _figures(policy) if isinstance(figure.value, timedelta)]
    return {name: f"{policy.label(name)} {figure.show()}" for name, figure in lengths} | dict(process.case.clock_labels)


def _figures(policy: Policy) -> list[tuple[str, Figure[Any]]]:
    return [(name, getattr(policy, name)) for name in policy.figures()]


def _finals(process: Process) -> list[str]:
    return [f"{state.name} `{state.id}`" for state in process.chart.states_map.values() if state.final]


def _figure_table(process: Process) -> str:
    return markdown_table(
        ("指标", "值", "单位", "条款", "来源", "性质"),
        (
            (
                f"{each['label']} `{each['name']}`",
                each["value"],
                each["unit"],
                each["clause"],
                each["source"],
                STANDING_LABELS[each["standing"]],  # type: ignore[index]
            )
            for each in figures(process)
        ),
    )


def _owner_table(process: Process) -> str:
    waiting = without_deadline(reach(process.chart, process.case.samples(), process.case.form_samples()))
    lines = [
        (process.state_label(state), party.label, "、".join(process.rule_label(rule) for rule in each))
        for state, owners in waiting.items()
        for party, each in owners.items()
    ]
    return markdown_table(("状态", "等谁", "可用动作"), lines) if lines else NOTHING


def _ending_table(process: Process) -> str:
    lines = dict.fromkeys(_ending(process, case) for case in process.case.samples())
    return markdown_table(("案件", "结局", "历时", "经过"), lines)


def _ending(process: Process, case: Case) -> tuple[str, ...]:
    ending = silent_ending(process.chart, case, case.facts.began_at or SAMPLE_INSTANT)
    said = (("" if getattr(case, guard) else "非") + label for guard, label in _guards(process).items())
    reached = "、".join(process.state_label(state) for state in ending.states)
    return (
        "、".join(said),
        reached + (CLOSES if ending.closed else "(一直等待)"),
        format_duration(ending.after),
        " → ".join(process.rule_label(rule) for rule in ending.rules),
    )
