"""The rule book of a chart as rows and as a table, in the platform's own words."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from statemachine.transition import Transition

from statecharts.chart import CaseChart
from statecharts.rules import Clause, Clock, Effect, Rule

HEADERS = ("条款", "谁", "当前", "动作", "条件", "变为", "随即")
STAYS = "不变"
AT_ONCE = "即时"
CLOSES = "(结案)"
ANY_STATE = "任何状态"
NEVER = "不允许"


@dataclass(frozen=True)
class RulebookRow:
    """One move of one rule: under which clause, who makes it, from where, on what conditions, to where, owing what.

    ``state``, ``rule`` and ``to`` are names (``to`` None: the state stays as it is; ``state`` empty: forbidden in all);
    everything else is what an operator reads.  ``closes``: what the chart is about ends there.
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
    """Every move of every rule, in the order of the chart.

    ``labels`` names guards and ``clocks`` figures for operators; one that is missing is shown by its own name.
    """
    return [row for rule in chart.rules.values() for row in _rows(rule, labels, clocks)]


def table(found: Iterable[RulebookRow], closes: str = CLOSES) -> str:
    """The rows as a Markdown table; ``closes`` is said of a move that ends what the chart is about."""
    return markdown_table(HEADERS, (_cells(row, closes) for row in found))


def markdown_table(headers: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """A Markdown table; a bar or a line break inside a cell does not break it."""
    heads = tuple(headers)
    return "\n".join(_bars(cells) for cells in (heads, ("---",) * len(heads), *lines))


def effects_of(move: Transition) -> tuple[Effect, ...]:
    """What a move owes: its own effects, then those of entering its targets."""
    specs = (spec for owner in (move.on, *(state.enter for state in move.targets)) for spec in owner)
    return tuple(spec.func.effect for spec in specs if hasattr(spec.func, "effect"))


def conditions_of(move: Transition, labels: Mapping[str, str]) -> tuple[str, ...]:
    """The guards of a move; one that must not hold begins with 非."""
    return tuple(
        ("" if spec.expected_value else "非") + labels.get(spec.attr_name, spec.attr_name) for spec in move.cond
    )


def clock_text(clock: Clock, clocks: Mapping[str, str]) -> str:
    """What a clock runs by: the figure in the caller's words."""
    return "⏱ " + (AT_ONCE if clock.figure is None else clocks.get(clock.figure, clock.figure))


def who(rule: Rule) -> str:
    """Who moves the case; for a clock, whose deadline it is and who runs it."""
    if rule.clock is None:
        return rule.party.label
    if rule.clock.figure is None:
        return "本系统"
    return f"{rule.clock.of.label}时限,{'平台' if rule.clock.settled_by_platform else '本系统'}计时"


def _rows(rule: Rule, labels: Mapping[str, str], clocks: Mapping[str, str]) -> Iterator[RulebookRow]:
    yield from (_row(rule, line, move, labels, clocks) for line, move in rule.steps())
    yield from (_forbidden(rule, line) for line in rule.lines if not line.moves)


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
    rule: Rule, line: Clause, move: Transition, labels: Mapping[str, str], clocks: Mapping[str, str]
) -> RulebookRow:
    targets = move.targets
    return RulebookRow(
        clause=line.clause,
        who=who(rule),
        state=move.source.id,
        state_label=str(move.source.name),
        rule=rule.id,
        label=str(rule.name),
        conditions=conditions_of(move, labels),
        to=" ".join(target.id for target in targets) or None,
        to_label="、".join(str(target.name) for target in targets) or STAYS,
        closes=any(target.final for target in targets),
        effects=tuple(_owed(effect) for effect in effects_of(move)),
        clock=clock_text(rule.clock, clocks) if rule.clock else None,
    )


def _owed(effect: Effect) -> str:
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
