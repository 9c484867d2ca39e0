"""Checks of whole processes: faults on loading, missing activities, unregistered charts, broken invariants."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import statecharts
from activities.effects import PLATFORM_CALL, How
from aftersales.platforms.marketplace import adapter_class, marketplace_names
from cases.errors import ProcessFault
from cases.messages import ConsoleTask
from statecharts.analysis import invariants
from statecharts.analysis.reachability import StateSpace, explore
from statecharts.analysis.rulebook_rows import effects_of as effects_of_move
from statecharts.rules import Effect, Party
from workflows.engine.process import ChartSamples, Process
from workflows.registry import FAULTS, PROCESSES, REGISTERED, fault_of

VOCABULARY = {"__init__", "chart", "firing", "rules"}
"""The modules of ``statecharts`` that are not charts."""


def worker_faults() -> list[str]:
    """Return why a worker must not start: one line for each process that it could not run."""
    return [
        *(str(fault) for fault in FAULTS.values()),
        *(line for process in PROCESSES.values() for line in (*missing(process), *platform_faults(process.name))),
    ]


def refuse_faulty_processes() -> None:
    """Raise ProcessFault, with a line for every fault, if a worker could not run every process."""
    if faults := worker_faults():
        raise ProcessFault("\n".join(faults))


def effects_of(process: str) -> Mapping[str, How]:
    """Return how the effects of a process are performed, the EFFECTS of its activities module; raises ProcessFault."""
    module = f"activities/{process}.py"
    try:
        effects = getattr(import_module(f"activities.{process}"), "EFFECTS", None)
    except (Exception, SystemExit) as bad:  # whatever is wrong with one process must not stop the others
        if isinstance(bad, ModuleNotFoundError) and bad.name == f"activities.{process}":
            raise ProcessFault(f"process {process}: {module} is missing, or has no EFFECTS") from bad
        raise fault_of(process, bad) from bad
    if effects is None:
        raise ProcessFault(f"process {process}: {module} is missing, or has no EFFECTS")
    if not isinstance(effects, Mapping):
        raise ProcessFault(f"process {process}: {module}: EFFECTS is not a mapping of effects")
    for effect, how in effects.items():
        if how != PLATFORM_CALL and not isinstance(how, ConsoleTask) and not callable(how):
            raise ProcessFault(
                f"process {process}: {module}: effect {effect!r} is neither PLATFORM_CALL nor a ConsoleTask, "
                f"nor a function of the ledger: {how!r}"
            )
    return effects


def is_task(effect: Effect, how: How | None) -> bool:
    """Return whether an operator carries an effect out: also a decision for which the ledger is asked first."""
    return isinstance(how, ConsoleTask) or (callable(how) and effect.submits)


def effect_tables() -> Mapping[str, Mapping[str, How]]:
    """Return how the effects of each process are performed; a process without a usable table is left out."""
    tables = {}
    for process in PROCESSES:
        with suppress(ProcessFault):
            tables[process] = effects_of(process)
    return tables


def missing(process: Process) -> Iterator[str]:
    """Yield the effects of a process that have no activity, and the activities that have no effect."""
    try:
        performed = set(effects_of(process.name))
    except ProcessFault as fault:
        yield str(fault)
        return
    module = f"activities/{process.name}.py"
    declared = {effect.name for effect in process.effects().values() if effect.is_performed}
    for effect in sorted(declared - performed):
        yield f"process {process.name}: effect {effect!r} has no activity in {module}"
    for effect in sorted(performed - declared):
        yield f"process {process.name}: {module} has an activity for {effect!r}, which no chart names"


def platform_faults(process: str) -> Iterator[str]:
    """Yield what is wrong with a process's marketplace and its adapter there."""
    marketplace = REGISTERED.get(process)
    known = marketplace_names()
    if marketplace is not None and marketplace not in known:
        yield (
            f"process {process}: workflows/registry.py: no marketplace {marketplace!r} in aftersales/platforms; "
            f"there are: {', '.join(known)}"
        )
    elif marketplace is not None:
        try:
            adapter_class(marketplace, process)
        except ProcessFault as fault:
            yield str(fault)


def unregistered() -> list[str]:
    """Return the charts that have a module but are not entered in the registry."""
    names = {path.stem for folder in statecharts.__path__ for path in Path(folder).glob("*.py")}
    return [
        f"statecharts/{name}.py is not registered: enter it in REGISTERED of workflows/registry.py"
        for name in sorted(names - VOCABULARY - set(REGISTERED))
    ]


def broken_invariants(process: Process) -> Iterator[str]:
    """Yield what is wrong in the states that the sample cases of a process can reach."""
    for sampled in process.chart_samples:
        try:
            yield from (
                f"process {process.name}: {sampled.chart.__name__}: {line}" for line in _broken(process, sampled)
            )
        except Exception as bad:  # noqa: BLE001 - raised by the case: the other processes are still checked
            yield str(fault_of(process.name, bad))


def unheard(process: Process) -> Iterator[str]:
    """Yield what a process tells others that they cannot hear (G-15)."""
    for effect in process.effects().values():
        if effect.telling is None or effect.telling.process in FAULTS:
            continue
        told, other = effect.telling, PROCESSES.get(effect.telling.process)
        if other is None:
            yield f"process {process.name}: effect {effect.name!r} tells {told.process!r}, which is no process"
        elif told.rule not in other.rules or other.rules[told.rule].clock is not None:
            yield f"process {process.name}: effect {effect.name!r} tells {told.process} {told.rule!r}, which is no rule"
        elif not other.hears:
            yield f"process {told.process}: {process.name} tells it facts: write Process(..., hears=True)"


def misplaced_advice(process: Process) -> Iterator[str]:
    """Yield the states that a chart gives advice for and does not have."""
    for chart in process.charts:
        for state in chart.advice:
            if state not in chart.states_map:
                yield f"process {process.name}: {chart.__name__}.advice: there is no state {state!r}"


def _broken(process: Process, sampled: ChartSamples) -> Iterator[str]:
    space = explore(sampled.chart, sampled.samples, sampled.forms)
    if circles := invariants.circles(space):  # what lies behind is unreachable too, which would say nothing new
        yield from (f"always leads in a circle, without end: {', '.join(rules)}" for rules in circles)
        return
    _look_at_money(space)
    yield from (f"state {name!r} is unreachable" for name in invariants.unreachable_states(space))
    yield from (f"unreachable transition {line}" for line in invariants.unreachable_transitions(space))
    yield from (f"guards leave a choice at {line}" for line in invariants.overlaps(space))
    yield from (f"several clocks of the platform in {name!r}" for name in invariants.concurrent_platform_clocks(space))
    yield from (f"clock {name!r} stays and is never stopped" for name in invariants.endless_clocks(space))
    for state, owners in invariants.without_deadline(space).items():
        if not set(owners) - {Party.CLOCK} and not led_on_by_orders(process, sampled, state):
            yield f"state {state!r} has neither a deadline nor anybody who can lead on from it"
    for case in sampled.samples:
        if len(invariants.silent_ending(sampled.chart, case).rules) >= invariants.MOST_STEPS:
            yield "a case that nobody touches never comes to rest"
            return


def _look_at_money(space: StateSpace) -> None:
    """Ask for every cost and amount once, so that what costs() and amount() raise is raised now."""
    for fired in space.fired:
        case: Any = fired.state.case
        case.costs(fired.rule)
        for _, transition in fired.transitions:
            for effect in effects_of_move(transition):
                if effect.is_ledger_entry:
                    case.amount(effect.name), case.points(effect.name)
                if effect.telling:
                    case.telling(effect.name)


def led_on_by_orders(process: Process, sampled: ChartSamples, state: str) -> bool:
    """Return whether only what the orders of a case bring about leads on from a state."""
    if process.order_chart is None or sampled.chart is not process.chart:
        return False
    clocks = sampled.chart.clocks()
    leading = [name for names in invariants.owners(sampled.chart, state).values() for name in names]
    return bool(leading) and all(clocks[name].figure is None for name in leading)
