"""What must hold in every world that the search reaches; each function raises BrokenPromise where it does not."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from proofs.model.world import BrokenPromise, World
from statecharts.analysis.rulebook_rows import effects_of
from statecharts.rules import Effect
from tests.support.rules.telling import provenance
from workflows.engine.case_workflow import take_message
from workflows.engine.course import DECIDED
from workflows.engine.machine import CaseMachine
from workflows.engine.state import EffectState, TimelineEntry

PROMISES = {
    "case": "the same end for the same facts",
    "snapshots": "the same end for the same facts",
    "timeline": "the same end for the same facts",
    "ledger": "the ledger in force does not depend on the order of telling",
    "reversed": "the ledger in force does not depend on the order of telling",
}
LOST = "no effect is lost"


def check_order_of_telling(world: World) -> None:
    """Compare the case with the truth, once it knows every fact and nothing is being resolved (G-11)."""
    told = world.told
    if world.untold or told.state.expiries or told.state.held or _settled_otherwise(told):
        return
    if told.next_clock() and told.next_clock().due <= world.now:
        raise BrokenPromise(f"a clock that is due has not run out: {told.next_clock()}")
    seen, expected = _compared(told), _compared(world.truth)
    for name, promise in PROMISES.items():
        if seen[name] != expected[name]:
            raise BrokenPromise(f"{promise}: {name}: {_difference(seen[name], expected[name])}")
    effects, wanted = _effects(told), _effects(world.truth)
    if lost := wanted - effects:
        raise BrokenPromise(f"{LOST}: {sorted(lost)}")
    # An ended case withdraws what it no longer needs, but not what has been done.
    done = {_identity(effect) for effect in told.state.effects if effect.status == "done"}
    if extra := effects - wanted - (done if told.closed else set()):
        raise BrokenPromise(f"an effect that nothing asks for: {sorted(extra)}")


def _compared(machine: CaseMachine) -> dict[str, Any]:
    seen = provenance(machine)
    # Of what the platform answers about one instant, the order of the answers is no fact.
    return {**seen, "case": machine.context(), "timeline": sorted(seen["timeline"], key=repr)}


def _effects(machine: CaseMachine) -> set[tuple[str, ...]]:
    return {_identity(effect) for effect in machine.state.effects if effect.entry is None}


def _identity(effect: EffectState) -> tuple[str, ...]:
    """Return what an effect is and follows from; its key also says who told of that."""
    return effect.effect, effect.order or "", effect.rule, effect.at.isoformat()


def _difference(seen: Any, expected: Any) -> str:
    if isinstance(seen, dict) and isinstance(expected, dict):
        names = [name for name in {**seen, **expected} if seen.get(name) != expected.get(name)]
        return "; ".join(f"{name}: {_difference(seen.get(name), expected.get(name))}" for name in names)
    return f"{seen!r}, in truth {expected!r}"


def _settled_otherwise(told: CaseMachine) -> bool:
    """Return whether a clock of the platform was settled by its record, which is not reopened (G-11), or by nobody.

    In truth the platform has no record of its clocks; where it does not answer, what comes next settles them.
    """
    state = told.state
    return bool(state.answered or state.given_up) or any(message.why.startswith(DECIDED) for message in state.ignored)


def check_told_twice(world: World) -> None:
    """Tell the case again of everything that it was ever told of: nothing may change (G-3)."""
    for fact in world.heard:
        again = world.told.fork()
        take_message(again, fact.message, world.now)
        if again.carried() != world.told.carried():
            raise BrokenPromise(f"a message told twice changes something: {fact.message['message_id']}")


def check_effects(before: World, after: World) -> None:
    """Check that nothing owed has gone, and that every rule that fired has led to what its line declares."""
    old, new = before.told.state, after.told.state
    kept = {effect.key for effect in (*new.effects, *new.obsolete)}
    standing = {(entry.rule, entry.at) for entry in new.timeline}
    for effect in old.effects:
        if effect.key in kept or effect.entry is not None:
            continue
        called_off = after.told.closed or (effect.rule, effect.at) not in standing
        if effect.status == "done" and not effect.unneeded and not _is_notice(after.told, effect.effect):
            raise BrokenPromise(f"{LOST}: {effect.key} was performed, and nothing says so")
        if effect.status != "done" and not called_off:
            raise BrokenPromise(f"{LOST}: {effect.key} is owed no more although its rule stands")
    _check_declared(after.told)


def _is_notice(machine: CaseMachine, name: str) -> bool:
    return machine.process.effects()[name].notice


def _check_declared(told: CaseMachine) -> None:
    state = told.state
    owed = Counter[tuple[str, str | None]]()
    entered = {(entry.clause, entry.order) for entry in (*state.ledger, *state.undone)}
    timeline = state.timeline[-1:] if told.closed else state.timeline  # what was still owed, an ended case withdraws
    for entry in timeline:
        for effect in _declared(told, entry):
            if not effect.is_ledger_entry:
                owed[effect.name, entry.order] += 1
            elif not any(clause == effect.clause and order in (entry.order, _order(told)) for clause, order in entered):
                raise BrokenPromise(f"{LOST}: {entry.rule} at {entry.at} has not booked {effect.name}")
    there = Counter((effect.effect, effect.order) for effect in state.effects)
    if missing := {name: count for name, count in owed.items() if there[name] < count}:
        raise BrokenPromise(f"{LOST}: {missing} follow from the timeline, there are {dict(there)}")


def _order(told: CaseMachine) -> str | None:
    return told.case.facts.order


def _declared(told: CaseMachine, entry: TimelineEntry) -> Iterator[Effect]:
    """Yield the effects that whichever line fired declares, and that nothing about the case makes unnecessary."""
    given = told.state.input(entry.input) if entry.input is not None else None
    clock = told.process.clocks.get(entry.rule)
    asked = (given is not None and given.kind == "decision") or (clock is not None and not clock.resolved_by_platform)
    left = {name.rpartition(".")[2] for name in entry.left}
    fitting = [
        effects_of(transition)
        for line, transition in told.process.rules[entry.rule].steps()
        if line.clause == entry.clause and transition.source.value in left
    ]
    for effect in fitting[0] if fitting else ():
        needless = effect.submits or effect.takes_back or effect.unless or (effect.calls_platform and not asked)
        if not needless and all(effect in others for others in fitting):
            yield effect
