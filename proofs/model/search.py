"""The search: every world up to a depth; worlds that come to the same are looked at once, however they were reached."""

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from time import process_time
from typing import Any

from cases.messages import Opening
from proofs.model.promises import check_effects, check_order_of_telling, check_told_twice
from proofs.model.world import SECOND, BrokenPromise, World, possible_messages
from tests.support.rules.telling import OPENED, settle
from workflows.engine.case_workflow import take_message
from workflows.engine.machine import CaseMachine
from workflows.engine.process import Process

MOST_STEPS_TO_AN_END = 500
"""Steps tried from a state to find a way to an end, before it is said to be without one."""


@dataclass(frozen=True)
class Finding:
    """A broken promise, and the shortest way to it that the search has found."""

    what: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        """Return the promise, followed by the way, one step a line."""
        return "\n    ".join((self.what, *self.path))


@dataclass
class Searched:
    """What a search has seen of a process: one of its openings, to a depth."""

    process: str
    opening: int
    depth: int
    states: int = 0
    transitions: int = 0
    configurations: int = 0
    ended: int = 0
    fired: set[str] = field(default_factory=set)
    seconds: float = 0.0
    complete: bool = True
    findings: list[Finding] = field(default_factory=list)


def search(
    process: Process,
    facts: dict[str, Any],
    depth: int,
    *,
    opening: int = 0,
    most_states: int | None = None,
    most_findings: int = 3,
    rules: frozenset[str] | None = None,
) -> Searched:
    """Follow everything that can happen to a case, breadth first, so that the shortest way to a fault is found.

    ``rules``: only these happen or are decided, and no time passes.
    """
    began = process_time()
    seen = Searched(process.name, opening, depth)
    case = process.open_case(Opening(facts=facts))
    machine = CaseMachine(process, f"{process.name}/A1", case, now=OPENED)
    machine.advance(OPENED)
    first = World(machine, machine, OPENED, rules=rules)
    known, ending, todo = {_key(first)}, _Ends(), deque([first])
    while todo:
        world = todo.popleft()
        seen.states += 1
        seen.ended += world.told.closed
        seen.fired |= {entry.rule for entry in world.told.state.timeline}
        _look(seen, world, ending)
        if len(seen.findings) >= most_findings or (most_states and seen.states >= most_states):
            seen.complete = False
            break
        for following in _following(seen, world, depth):
            seen.transitions += 1
            try:
                check_effects(world, following)
                check_told_twice(following)
            except BrokenPromise as fault:
                seen.findings.append(Finding(str(fault), following.path))
                continue
            key = _key(following)
            if key not in known:
                known.add(key)
                todo.append(following)
    seen.configurations = len(ending.known)
    seen.seconds = process_time() - began
    return seen


def _following(seen: Searched, world: World, depth: int) -> list[World]:
    try:
        return list(world.moves(depth))
    except Exception as error:  # noqa: BLE001 - whatever the core raises is what the search looks for
        seen.findings.append(Finding(f"the core fails: {type(error).__name__}: {error}", world.path))
        return []


def _look(seen: Searched, world: World, ending: "_Ends") -> None:
    try:
        check_order_of_telling(world)
        ending.check(world)
    except BrokenPromise as fault:
        seen.findings.append(Finding(str(fault), world.path))


def _key(world: World) -> bytes:
    """Return what tells a world from others: everything but serial numbers, which say in which order it was told."""
    state = world.told.state
    parts = (
        world.now,
        world.quiet,
        sorted(str(fact.message) for fact in world.untold),
        world.told.case.model_dump(mode="json", exclude={"facts", "policy"}),
        [(order, state.snapshot_of(order)) for order in state.parts],
        [(entry.at, entry.order, entry.rule, entry.reached) for entry in state.timeline],
        sorted((given.happened, given.key, given.kind, given.status) for given in state.inputs),
        sorted((effect.key, effect.status, effect.unneeded) for effect in (*state.effects, *state.obsolete)),
        sorted((decision.key, decision.status, decision.at, decision.echoed) for decision in state.decisions),
        sorted((repr(expiry.clock), expiry.why) for expiry in state.expiries),
        sorted((repr(answer.clock), repr(answer.outcome)) for answer in state.answers),
        sorted(entry.key for entry in state.ledger),
        sorted(entry.key for entry in state.reversed),
        sorted(repr(entry.identity[:3]) for entry in state.taken_back),
        sorted((given.happened, given.key) for given in world.truth.state.inputs),
    )
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).digest()


class _Ends:
    """The configurations of charts from which an end was found: a clock or an input leads on from each of them."""

    def __init__(self) -> None:
        self.known: set[str] = set()

    def check(self, world: World) -> None:
        """Look for a way to an end; raises BrokenPromise where there is none."""
        start = world.told
        if start.closed or start.state.expiries or self._configuration(start) in self.known:
            return
        trail, visited = [(start, world.now, iter(self._steps(start, world.now)))], {self._configuration(start)}
        steps = 0
        while trail:
            following = next(trail[-1][2], None)
            if following is None or steps > MOST_STEPS_TO_AN_END:
                trail.pop()
                continue
            steps += 1
            machine, at = following
            configuration = self._configuration(machine)
            if machine.closed or configuration in self.known:
                self.known |= {self._configuration(one) for one, *_ in trail}
                return
            if configuration not in visited:
                visited.add(configuration)
                trail.append((machine, at, iter(self._steps(machine, at))))
        raise BrokenPromise(
            f"a dead end: neither a clock nor an input leads from {', '.join(start.states())} to an end"
        )

    def _steps(self, machine: CaseMachine, now: datetime) -> Iterator[tuple[CaseMachine, datetime]]:
        """Yield the case after its next clock, then after everything that can be told of."""
        nearest = machine.next_clock()
        if nearest is not None:
            later = machine.fork()
            at = max(nearest.due, now)
            settle(later, at)
            yield later, at
        at = now + SECOND
        for message in possible_messages(machine, at):
            later = machine.fork()
            take_message(later, message, at)
            settle(later, at)
            yield later, at

    def _configuration(self, machine: CaseMachine) -> str:
        views = machine.chart_views()
        return repr(
            [
                (
                    view.order,
                    sorted(view.entered),
                    sorted(view.snapshot.history.items()),
                    sorted((rule, len(instants)) for rule, instants in view.snapshot.fired.items()),
                    [name for name in view.chart.rules if view.transitions(name)],
                    sorted((clock.rule, clock.state) for clock in view.deadlines),
                )
                for view in views
            ]
        )
