"""The rule book of a process for operators: by rule and by state, with diagram, figures, and what silence leads to."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from statemachine import HistoryState, State
from statemachine.transition import Transition

from cases.case import SAMPLE_INSTANT
from cases.durations import format_duration
from cases.policy import PROVENANCE_LABELS, Figure, Policy
from statecharts.analysis.diagram import mermaid
from statecharts.analysis.invariants import silent_ending, without_deadline
from statecharts.analysis.reachability import explore
from statecharts.analysis.rulebook_rows import (
    CLOSES,
    STAYS,
    RulebookRow,
    clock_text,
    condition,
    conditions_of,
    effects_of,
    markdown_table,
    rows,
    table,
)
from statecharts.chart import CaseChart
from statecharts.rules import Clause, Rule
from workflows.engine.process import ChartSamples, Process

COMMAND = "aftersales rulebook --write docs/rulebook"
_NOTHING = "无。"
ENDS = "(该单了结)"
NOBODY_ACTS = "不处理"
BY_ITSELF = "自动"
OPTIONAL = "(选填)"
WAITS = "没有时限,一直等待"
UNSET = "(店铺设定后才计时)"


@dataclass(frozen=True)
class Option:
    """A thing that can happen in a state: who does it, with which form, on what conditions, with what result and cost.

    ``state`` and ``rule`` are names, everything else is text for operators.  ``who`` is NOBODY_ACTS for a clock, whose
    length is in ``action``.
    """

    state: str
    state_label: str
    rule: str
    who: str
    action: str
    form: tuple[str, ...]
    conditions: tuple[str, ...]
    result: str
    costs: tuple[str, ...]


def rules(process: Process) -> list[dict[str, Any]]:
    """Return every transition of every rule, in the order of the chart, as plain data: the fields of a RulebookRow."""
    return [
        {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(row).items()}
        for chart in process.charts
        for row in _rows(process, chart)
    ]


def states(process: Process) -> list[dict[str, Any]]:
    """Return what can happen in each state that is not final, as plain data: the fields of an Option."""
    return [
        {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(option).items()}
        for sampled in process.chart_samples
        for option in options(process, sampled)
    ]


def figures(process: Process) -> list[dict[str, str]]:
    """Return every figure of the policy with its name, label, value, unit, clause, source and provenance."""
    policy = process.case.policy_type()()
    return [
        {
            "name": name,
            "label": policy.label(name),
            "value": figure.show(),
            "unit": figure.unit,
            "clause": figure.clause,
            "source": figure.source,
            "provenance": figure.provenance,
        }
        for name, figure in _figures(policy)
    ]


def rulebook_document(process: Process) -> str:
    """Write the rule book of a process as a Markdown document."""
    parts = [
        f"# {process.label} · {process.name}",
        f"本页由 `{COMMAND}` 生成,请勿手改 / generated, do not edit。条款原文见 [rules.md](../rules.md)。",
        "⏱ 是时限:到期自动触发;「平台计时」的,到期后先向平台核实实际结果(G-2)。「不变」指状态和时限都不变。",
        *(part for sampled in process.chart_samples for part in _section(process, sampled)),
        "## 参数",
        "案件在受理时固定所用的全部参数(G-9);店铺可改任何一项,改后性质为「商家设定」。",
        _figure_table(process),
        "## 没有时限的等待",
        _owner_table(process),
        "## 无人处理时的结局",
        "从受理起谁都不动,按默认参数会怎样:",
        _ending_table(process),
    ]
    return "\n\n".join(parts) + "\n"


def _section(process: Process, sampled: ChartSamples) -> tuple[str, ...]:
    """Write the rules of a chart, by rule and by state, and its diagram."""
    of_order, closes = (":每个订单", ENDS) if sampled.chart is process.order_chart else ("", CLOSES)
    return (
        f"## 规则{of_order}",
        table(_rows(process, sampled.chart), closes),
        f"{closes.strip('()')}状态:{'、'.join(_finals(sampled.chart))}。",
        f"## 按状态查{of_order}",
        "单子停在某个状态:谁能做什么,要填什么,到几时,不处理会怎样,要花多少。「选填」可以不填。",
        state_table(process, sampled),
        *_advice(sampled.chart),
        f"## 状态图{of_order}",
        f"```mermaid\n{mermaid(sampled.chart, _guards(process, sampled.chart), _clocks(process)).rstrip()}\n```",
    )


def _advice(chart: type[CaseChart]) -> tuple[str, ...]:
    """Write what the sources advise in each state; the number in brackets is that of the source."""
    if not chart.advice:
        return ()
    lines = [f"- {chart.states_map[state].name}:{''.join(sentences)}" for state, sentences in chart.advice.items()]
    return "提示(括号内为资料编号):", "\n".join(lines)


STATE_HEADERS = ("状态", "谁", "做什么", "要填", "条件", "之后", "费用")


def state_table(process: Process, sampled: ChartSamples) -> str:
    """Format what can happen in each state of a chart as a Markdown table; the state is named in its first row."""
    lines, shown = [], ""
    for option in options(process, sampled):
        state = f"{option.state_label} `{option.state}`" if option.state != shown else ""
        action = f"{option.action} `{option.rule}`" if option.rule else option.action
        conditions = " 且 ".join(option.conditions)
        form = "、".join(
            f"`{field.removesuffix(OPTIONAL)}`{OPTIONAL * field.endswith(OPTIONAL)}" for field in option.form
        )
        lines.append((state, option.who, action, form, conditions, option.result, "、".join(option.costs)))
        shown = option.state
    return markdown_table(STATE_HEADERS, lines)


def options(process: Process, sampled: ChartSamples) -> Iterator[Option]:
    """Yield what can happen in each state that is not final: first what people may do, then what the clocks do."""
    for state in sampled.chart.states_map.values():
        if state.final or not state.is_atomic or isinstance(state, HistoryState):
            continue
        within = {state.value, *(above.value for above in state.ancestors())}
        steps = [
            (rule, line, transition)
            for rule in sampled.chart.rules.values()
            for line, transition in rule.steps()
            if transition.source.value in within
        ]
        for rule, line, transition in sorted(steps, key=lambda step: step[0].clock is not None):
            yield _option(process, sampled, state, rule, line, transition)
        if not any(rule.clock and rule.clock.figure for rule, _, _ in steps):
            yield Option(state.id, str(state.name), "", NOBODY_ACTS, WAITS, (), (), STAYS, ())


def _option(
    process: Process, sampled: ChartSamples, state: State, rule: Rule, line: Clause, transition: Transition
) -> Option:
    closes = ENDS if sampled.chart is process.order_chart else CLOSES
    targets = [f"{target.name}{closes if target.final else ''}" for target in transition.targets]
    who, action = rule.party.label, str(rule.name)
    if rule.clock is not None:
        immediate = rule.clock.figure is None
        who = BY_ITSELF if immediate else NOBODY_ACTS
        action = action if immediate else f"{clock_text(rule.clock, _clocks(process))} 届满:{action}"
    fields = process.case.form_type(line.form or rule.form).model_fields.items()
    return Option(
        state=state.id,
        state_label=str(state.name),
        rule=rule.id,
        who=who,
        action=action,
        form=tuple(name if field.is_required() else f"{name}{OPTIONAL}" for name, field in fields),
        conditions=conditions_of(transition, _guards(process, sampled.chart)),
        result="、".join(targets) or STAYS,
        costs=tuple(_costs(process, sampled, rule, transition)),
    )


def _costs(process: Process, sampled: ChartSamples, rule: Rule, transition: Transition) -> Iterator[str]:
    """Yield the ledger entries of a transition, and the clauses of the costs that the case shows before a decision."""
    for effect in effects_of(transition):
        if effect.is_ledger_entry:
            amount = _fixed_amount(process, sampled, effect.name)
            yield f"{effect.label}{'' if amount is None else f' ¥{amount}'}({effect.clause})"
    costs = [cost for case in sampled.samples for cost in case.costs(rule.id)]
    yield from dict.fromkeys(f"决定前显示费用({cost.clause})" for cost in costs)


def _fixed_amount(process: Process, sampled: ChartSamples, effect: str) -> Decimal | None:
    """Return the amount of a ledger entry if it is a figure of the policy; any other differs from case to case."""
    amounts = {case.amount(effect) for case in sampled.samples}
    policy = process.case.policy_type()()
    fixed = {figure.value for _, figure in _figures(policy) if isinstance(figure.value, Decimal)}
    return amounts.pop() if len(amounts) == 1 and amounts <= fixed else None


def _rows(process: Process, chart: type[CaseChart]) -> list[RulebookRow]:
    return rows(chart, _guards(process, chart), _clocks(process))


def _guards(process: Process, chart: type[CaseChart]) -> dict[str, str]:
    """Return the Chinese labels of the guards: the docstrings of the case's properties."""
    names = (
        spec.attr_name for rule in chart.rules.values() for _, transition in rule.steps() for spec in transition.cond
    )
    return {name: process.guard_label(name) for name in dict.fromkeys(names)}


def _clocks(process: Process) -> dict[str, str]:
    """Return the text of each clock: the figure with its default length, or the instant of the case."""
    policy = process.case.policy_type()()
    lengths = [(name, figure) for name, figure in _figures(policy) if isinstance(figure.value, timedelta)]
    clocks = process.clocks.values()
    return {
        **{clock.figure: f"{clock.length.label}{UNSET}" for clock in clocks if clock.figure and clock.length},
        **{name: f"{policy.label(name)} {figure.show()}" for name, figure in lengths},
        **{clock.figure: clock.instant for clock in clocks if clock.figure and clock.instant},
    }


def _figures(policy: Policy) -> list[tuple[str, Figure[Any]]]:
    return [(name, getattr(policy, name)) for name in policy.figures()]


def _finals(chart: type[CaseChart]) -> list[str]:
    return [f"{state.name} `{state.id}`" for state in chart.states_map.values() if state.final]


def _figure_table(process: Process) -> str:
    return markdown_table(
        ("参数", "值", "单位", "条款", "来源", "性质"),
        (
            (
                f"{figure['label']} `{figure['name']}`",
                figure["value"],
                figure["unit"],
                figure["clause"],
                figure["source"],
                PROVENANCE_LABELS[figure["provenance"]],  # type: ignore[index]
            )
            for figure in figures(process)
        ),
    )


def _owner_table(process: Process) -> str:
    lines = [
        (str(sampled.chart.states_map[state].name), party.label, "、".join(process.rule_label(rule) for rule in names))
        for sampled in process.chart_samples
        for state, owners in without_deadline(explore(sampled.chart, sampled.samples, sampled.forms)).items()
        for party, names in owners.items()
    ]
    return markdown_table(("状态", "等谁", "可用动作"), lines) if lines else _NOTHING


def _ending_table(process: Process) -> str:
    lines = dict.fromkeys(
        _ending(process, sampled, case) for sampled in process.chart_samples for case in sampled.samples
    )
    return markdown_table(("案件", "结局", "历时", "经过"), lines)


def _ending(process: Process, sampled: ChartSamples, case: Any) -> tuple[str, ...]:
    of_order = sampled.chart is process.order_chart
    ending = silent_ending(sampled.chart, case, (None if of_order else case.facts.began_at) or SAMPLE_INSTANT)
    guards = _guards(process, sampled.chart)
    conditions = (
        condition(label, holds=bool(getattr(case, guard))) for guard, label in guards.items() if hasattr(case, guard)
    )
    states_map = sampled.chart.states_map
    reached = "、".join(str(states_map[state].name) for state in ending.states if states_map[state].is_atomic)
    return (
        ("一个订单:" if of_order else "") + "、".join(conditions),
        reached + ((ENDS if of_order else CLOSES) if ending.closed else "(一直等待)"),
        format_duration(ending.after),
        " → ".join(process.rule_label(rule) for rule in ending.rules),
    )
