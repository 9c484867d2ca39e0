"""What a decision leads to, read from the chart: the states, what is done, and whether it can be undone."""

from dataclasses import dataclass

from statemachine.transition import Transition

from aftersales.authoring.process_check import effects_of, is_task
from statecharts.analysis.rulebook_rows import effects_of as effects_of_move
from workflows.engine.process import Process
from workflows.engine.view import CaseView
from workflows.registry import process_of


@dataclass(frozen=True)
class Consequence:
    """What follows if a rule is fired now.

    ``leads_to`` are the Chinese names of the states, more than one where the form or a condition tells them apart, none
    where the state stays as it is; ``closes``: one of them is final.  ``does`` are the steps that follow;
    ``asks_platform``: one of them is asked of the platform.  ``submitted``: the decision counts once the
    platform has taken it, ``by_hand``: once somebody has done it in the back office, as there is no interface for it.
    """

    leads_to: tuple[str, ...]
    closes: bool
    does: tuple[str, ...]
    asks_platform: bool
    submitted: bool
    by_hand: bool

    @property
    def does_something(self) -> bool:
        """Whether it moves the case on, or is submitted to the platform; else it is only noted."""
        return bool(self.leads_to) or self.submitted

    @property
    def irreversible(self) -> bool:
        """Whether nobody can take it back: the platform has been asked, or the case or its order is closed."""
        return self.asks_platform or self.closes


def consequence_of(case: CaseView, rule: str, order: str | None) -> Consequence:
    """Return what follows if a rule of a case is fired now."""
    process = process_of(case.process)
    steps = [transition for _, transition in process.rules[rule].steps()]
    active = _active(process, case, order)
    possible = [step for step in steps if step.source.id in active] or steps
    effects = [effect for step in possible for effect in effects_of_move(step)]
    performed = effects_of(case.process)
    done = [effect for effect in effects if effect.is_performed]
    return Consequence(
        leads_to=tuple(dict.fromkeys(name for step in possible if (name := _names(step)))),
        closes=any(target.final for step in possible for target in step.targets),
        does=tuple(dict.fromkeys(effect.label for effect in done)),
        asks_platform=any(effect.submits or effect.calls_platform for effect in done),
        submitted=any(effect.submits for effect in done),
        by_hand=any(effect.submits and is_task(effect, performed.get(effect.name)) for effect in done),
    )


def _names(step: Transition) -> str:
    return "、".join(str(target.name) for target in step.targets)


def _active(process: Process, case: CaseView, order: str | None) -> set[str]:
    """Return the active states of the case's chart or an order's, with those that contain them."""
    own = (name.rpartition(".") for name in case.state)
    states = process.chart_of(order).states_map
    active: set[str] = set()
    for of_order, _, name in own:
        state = states.get(name) if of_order == (order or "") else None
        while state is not None and state.id not in active:
            active.add(state.id)
            state = state.parent
    return active
