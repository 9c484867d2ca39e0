"""The picture of a chart: Mermaid, in the platform's own words, with clocks, guards and clauses."""

from collections.abc import Iterator, Mapping

from statemachine import State
from statemachine.contrib.diagram.extract import extract
from statemachine.contrib.diagram.model import ActionType, DiagramAction, DiagramState, DiagramTransition
from statemachine.contrib.diagram.renderers.mermaid import MermaidRenderer

from statecharts.analysis.rulebook import STAYS, clock_text, conditions_of
from statecharts.chart import CaseChart

# A label ends at a colon, a semicolon or a line's end, a name at a quotation mark; "#" begins an entity and "%%" a
# comment.
_INERT = str.maketrans({":": "：", ";": "；", '"': "”", "#": "＃", "%": "％", "\n": " "})


def mermaid(chart: type[CaseChart], labels: Mapping[str, str], clocks: Mapping[str, str]) -> str:
    """The chart as a Mermaid state diagram; ``labels`` and ``clocks`` as for the rule book's rows."""
    graph = extract(chart)
    graph.transitions = [each for each in graph.transitions if each.is_initial] + _arrows(chart, labels, clocks)
    _name(graph.states, {state.id: state for state in chart.states_map.values()})
    return MermaidRenderer().render(graph)


def _arrows(chart: type[CaseChart], labels: Mapping[str, str], clocks: Mapping[str, str]) -> list[DiagramTransition]:
    """One arrow for all moves that share source, target and sentence: the renderer would drop all but the first."""
    arrows: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for rule in chart.rules.values():
        clock = f"{clock_text(rule.clock, clocks)} " if rule.clock else ""
        for line, move in rule.steps():
            said = f"{clock}{rule.name} {line.clause}" + ("" if move.targets else f" {STAYS}")
            key = (move.source.id, tuple(target.id for target in move.targets), _inert(said))
            arrows.setdefault(key, []).append(_inert(" 且 ".join(conditions_of(move, labels))))
    return [
        DiagramTransition(source=source, targets=list(targets), event=said, guards=_either(guards))
        for (source, targets, said), guards in arrows.items()
    ]


def _either(guards: list[str]) -> list[str]:
    """A move without a guard makes the others' guards meaningless."""
    return [] if "" in guards else [" 或 ".join(dict.fromkeys(guards))]


def _name(drawn: list[DiagramState], states: Mapping[str, State]) -> None:
    for each in drawn:
        each.name = _inert(each.name)
        each.actions = [DiagramAction(ActionType.ENTRY, said) for said in _entry(states.get(each.id))]
        _name(each.children, states)


def _entry(state: State | None) -> Iterator[str]:
    """What entering a state owes, where the chart says it on the state itself."""
    for spec in state.enter if state else ():
        if hasattr(spec.func, "effect"):
            yield _inert(spec.func.effect.label)


def _inert(text: str) -> str:
    return text.translate(_INERT)
