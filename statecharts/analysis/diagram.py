"""The diagram of a chart in Mermaid, in the platform's own words, with clocks, guards and clauses."""

from collections.abc import Iterator, Mapping

from statemachine import State
from statemachine.contrib.diagram.extract import extract
from statemachine.contrib.diagram.model import ActionType, DiagramAction, DiagramState, DiagramTransition
from statemachine.contrib.diagram.renderers.mermaid import MermaidRenderer

from statecharts.analysis.rulebook_rows import STAYS, clock_text, conditions_of
from statecharts.chart import CaseChart

# Mermaid ends a label at a colon, a semicolon or a line break and a name at a quotation mark; "#" begins an entity,
# "%%" a comment.
_INERT = str.maketrans({":": "：", ";": "；", '"': "”", "#": "＃", "%": "％", "\n": " "})


def mermaid(chart: type[CaseChart], labels: Mapping[str, str], clocks: Mapping[str, str]) -> str:
    """Draw the chart as a Mermaid state diagram; ``labels`` and ``clocks`` are those of the rule book's rows."""
    graph = extract(chart)
    graph.transitions = [arrow for arrow in graph.transitions if arrow.is_initial] + _arrows(chart, labels, clocks)
    _name(graph.states, {state.id: state for state in chart.states_map.values()})
    return MermaidRenderer().render(graph)


def _arrows(chart: type[CaseChart], labels: Mapping[str, str], clocks: Mapping[str, str]) -> list[DiagramTransition]:
    """Draw one arrow for all transitions of one source, target and text: the renderer would drop all but the first."""
    arrows: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for rule in chart.rules.values():
        clock = f"{clock_text(rule.clock, clocks)} " if rule.clock else ""
        for line, transition in rule.steps():
            text = f"{clock}{rule.name} {line.clause}" + ("" if transition.targets else f" {STAYS}")
            key = (transition.source.id, tuple(target.id for target in transition.targets), _inert(text))
            arrows.setdefault(key, []).append(_inert(" 且 ".join(conditions_of(transition, labels))))
    return [
        DiagramTransition(source=source, targets=list(targets), event=text, guards=_either(guards))
        for (source, targets, text), guards in arrows.items()
    ]


def _either(guards: list[str]) -> list[str]:
    """Join the guards with "or"; if one transition has none, those of the others do not matter."""
    return [] if "" in guards else [" 或 ".join(dict.fromkeys(guards))]


def _name(drawn: list[DiagramState], states: Mapping[str, State]) -> None:
    for state in drawn:
        state.name = _inert(state.name)
        state.actions = [DiagramAction(ActionType.ENTRY, label) for label in _entry(states.get(state.id))]
        _name(state.children, states)


def _entry(state: State | None) -> Iterator[str]:
    """Yield the effects that the chart declares on the state itself."""
    for spec in state.enter if state else ():
        if hasattr(spec.func, "effect"):
            yield _inert(spec.func.effect.label)


def _inert(text: str) -> str:
    return text.translate(_INERT)
