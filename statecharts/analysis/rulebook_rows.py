"""The rule book of a chart as rows and as a table, in the platform's own words."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from statemachine.transition import Transition

from statecharts.chart import CaseChart
from statecharts.rules import Clause, Clock, Effect, Rule

HEADERS = ("条款", "谁", "当前", "动作", "条件", "变为", "随即")
STAYS = "不变"
IMMEDIATELY = "即时"
CLOSES = "(结案)"
ANY_STATE = "任何状态"
NEVER = "不允许"


@dataclass(frozen=True)
class RulebookRow:
    """A row of the rule book: one transition of a rule.

    ``state``, ``rule`` and ``to`` are names: ``to`` is None if the state stays as it is, ``state`` is empty if the rule
    is forbidden in all states.  Everything else is text for operators.  ``closes``: the case, or its order, ends there.
    """

    clause: str
    who: str
    state: str
    state_label: str
    rule: str
    label: str
    conditions: tuple[str, ...]
    to: str | None
    to_label: str
    closes: bool
    effects: tuple[str, ...]
    clock: str | None


def rows(chart: type[CaseChart], labels: Mapping[str, str], clocks: Mapping[str, str]) -> list[RulebookRow]:
    """Return a row for every transition of every rule, in the order of the chart.

    ``labels`` names guards and ``clocks`` figures for operators; a missing one is shown by its own name.
    """
    return [row for rule in chart.rules.values() for row in _rows(rule, labels, clocks)]


def table(book: Iterable[RulebookRow], closes: str = CLOSES) -> str:
    """Format the rows as a Markdown table; ``closes`` marks the transitions that end the case, or its order."""
    return markdown_table(HEADERS, (_cells(row, closes) for row in book))


def markdown_table(headers: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """Format a Markdown table; a bar or a line break inside a cell does not break it."""
    heads = tuple(headers)
    return "\n".join(_bars(cells) for cells in (heads, ("---",) * len(heads), *lines))


def effects_of(transition: Transition) -> tuple[Effect, ...]:
    """Return the effects of a transition: its own, then those of entering its targets."""
    specs = (spec for owner in (transition.on, *(state.enter for state in transition.targets)) for spec in owner)
    return tuple(spec.func.effect for spec in specs if hasattr(spec.func, "effect"))


def conditions_of(transition: Transition, labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return the guards of a transition, as labels; one that must not hold is negated."""
    return tuple(
        condition(labels.get(spec.attr_name, spec.attr_name), holds=bool(spec.expected_value))
        for spec in transition.cond
    )


def condition(label: str, *, holds: bool) -> str:
    """Return a guard's label, or its negation: quoted, because a label may itself be a negation."""
    return label if holds else f"非「{label}」"


def clock_text(clock: Clock, clocks: Mapping[str, str]) -> str:
    """Return the text of a clock; ``clocks`` gives the text of its figure."""
    return "⏱ " + (IMMEDIATELY if clock.figure is None else clocks.get(clock.figure, clock.figure))


def who(rule: Rule) -> str:
    """Return the party that fires a rule; for a clock, whose deadline it is and who runs it."""
    if rule.clock is None:
        return rule.party.label
    if rule.clock.figure is None:
        return "本系统"
    return f"{rule.clock.of.label}时限,{'平台' if rule.clock.resolved_by_platform else '本系统'}计时"


def _rows(rule: Rule, labels: Mapping[str, str], clocks: Mapping[str, str]) -> Iterator[RulebookRow]:
    yield from (_row(rule, line, transition, labels, clocks) for line, transition in rule.steps())
    yield from (_forbidden(rule, line) for line in rule.lines if not line.transitions)


def _forbidden(rule: Rule, line: Clause) -> RulebookRow:
    return RulebookRow(
        clause=line.clause,
        who=who(rule),
        state="",
        state_label=ANY_STATE,
        rule=rule.id,
        label=str(rule.name),
        conditions=(),
        to=None,
        to_label=NEVER,
        closes=False,
        effects=(),
        clock=None,
    )


def _row(
    rule: Rule, line: Clause, transition: Transition, labels: Mapping[str, str], clocks: Mapping[str, str]
) -> RulebookRow:
    targets = transition.targets
    return RulebookRow(
        clause=line.clause,
        who=who(rule),
        state=transition.source.id,
        state_label=str(transition.source.name),
        rule=rule.id,
        label=str(rule.name),
        conditions=conditions_of(transition, labels),
        to=" ".join(target.id for target in targets) or None,
        to_label="、".join(str(target.name) for target in targets) or STAYS,
        closes=any(target.final for target in targets),
        effects=tuple(_effect_text(effect) for effect in effects_of(transition)),
        clock=clock_text(rule.clock, clocks) if rule.clock else None,
    )


def _effect_text(effect: Effect) -> str:
    return f"{effect.label}({effect.clause})" if effect.clause else effect.label


def _cells(row: RulebookRow, closes: str) -> tuple[str, ...]:
    return (
        row.clause,
        f"{row.clock}({row.who})" if row.clock else row.who,
        row.state_label,
        f"{row.label} `{row.rule}`",
        " 且 ".join(row.conditions),
        row.to_label + (closes if row.closes else ""),
        "、".join(row.effects),
    )


def _bars(cells: Iterable[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
