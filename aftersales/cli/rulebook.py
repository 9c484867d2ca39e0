"""The document of a process: its rule book, diagram and figures, and what silence leads to."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from cases.case import SAMPLE_INSTANT
from cases.durations import format_duration
from cases.policy import PROVENANCE_LABELS, Figure, Policy
from statecharts.analysis.diagram import mermaid
from statecharts.analysis.invariants import silent_ending, without_deadline
from statecharts.analysis.reachability import explore
from statecharts.analysis.rulebook import CLOSES, RulebookRow, markdown_table, rows, table
from statecharts.chart import CaseChart
from workflows.engine.process import Chapter, Process

COMMAND = "aftersales rulebook --write docs/rulebook"
NOTHING = "无。"
ENDS = "(该单了结)"


def rules(process: Process) -> list[dict[str, Any]]:
    """Every move of every rule, in the order of the chart, as plain data: the fields of a rule book's Row."""
    return [
        {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(row).items()}
        for chart in process.charts
        for row in _rows(process, chart)
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
        "⏱ 为时钟:届满即自行触发;「平台计时」的时钟届满后先向平台核实实际结果(G-2)。「不变」指状态与时钟都不变。",
        *(part for chapter in process.chapters for part in _chapter(process, chapter)),
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


def _chapter(process: Process, chapter: Chapter) -> tuple[str, ...]:
    """The rules and the picture of one chart."""
    of_order, closes = (":每个订单", ENDS) if chapter.chart is process.order_chart else ("", CLOSES)
    return (
        f"## 规则{of_order}",
        table(_rows(process, chapter.chart), closes),
        f"{closes.strip('()')}状态:{'、'.join(_finals(chapter.chart))}。",
        f"## 状态图{of_order}",
        f"```mermaid\n{mermaid(chapter.chart, _guards(process, chapter.chart), _clocks(process)).rstrip()}\n```",
    )


def _rows(process: Process, chart: type[CaseChart]) -> list[RulebookRow]:
    return rows(chart, _guards(process, chart), _clocks(process))


def _guards(process: Process, chart: type[CaseChart]) -> dict[str, str]:
    """Every guard's Chinese label: what the case says of the property."""
    names = (
        spec.attr_name for rule in chart.rules.values() for _, transition in rule.steps() for spec in transition.cond
    )
    return {name: process.guard_label(name) for name in dict.fromkeys(names)}


def _clocks(process: Process) -> dict[str, str]:
    """Every clock by its name: a figure that is a length of time, or an instant of the case."""
    policy = process.case.policy_type()()
    lengths = [(name, figure) for name, figure in _figures(policy) if isinstance(figure.value, timedelta)]
    return {name: f"{policy.label(name)} {figure.show()}" for name, figure in lengths} | {
        clock.figure: clock.instant for clock in process.clocks.values() if clock.figure and clock.instant
    }


def _figures(policy: Policy) -> list[tuple[str, Figure[Any]]]:
    return [(name, getattr(policy, name)) for name in policy.figures()]


def _finals(chart: type[CaseChart]) -> list[str]:
    return [f"{state.name} `{state.id}`" for state in chart.states_map.values() if state.final]


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
                PROVENANCE_LABELS[each["standing"]],  # type: ignore[index]
            )
            for each in figures(process)
        ),
    )


def _owner_table(process: Process) -> str:
    lines = [
        (str(chapter.chart.states_map[state].name), party.label, "、".join(process.rule_label(rule) for rule in each))
        for chapter in process.chapters
        for state, owners in without_deadline(explore(chapter.chart, chapter.samples, chapter.forms)).items()
        for party, each in owners.items()
    ]
    return markdown_table(("状态", "等谁", "可用动作"), lines) if lines else NOTHING


def _ending_table(process: Process) -> str:
    lines = dict.fromkeys(_ending(process, chapter, case) for chapter in process.chapters for case in chapter.samples)
    return markdown_table(("案件", "结局", "历时", "经过"), lines)


def _ending(process: Process, chapter: Chapter, case: Any) -> tuple[str, ...]:
    of_order = chapter.chart is process.order_chart
    ending = silent_ending(chapter.chart, case, (None if of_order else case.facts.began_at) or SAMPLE_INSTANT)
    guards = _guards(process, chapter.chart)
    said = (("" if getattr(case, guard) else "非") + label for guard, label in guards.items())
    known = chapter.chart.states_map
    reached = "、".join(str(known[state].name) for state in ending.states if known[state].is_atomic)
    return (
        ("一个订单:" if of_order else "") + "、".join(said),
        reached + ((ENDS if of_order else CLOSES) if ending.closed else "(一直等待)"),
        format_duration(ending.after),
        " → ".join(process.rule_label(rule) for rule in ending.rules),
    )
