"""How a case ended, told from its record once it is closed."""

from datetime import datetime
from decimal import Decimal

from cases.ledger import CaseOutcome
from statecharts.rules import OPERATORS, Clock, Party
from workflows.engine.machine import CaseMachine
from workflows.engine.state import TimelineEntry

RECORD_OUTCOME = "record_outcome"
OURS = (*(party.value for party in OPERATORS), "default")


def outcome(machine: CaseMachine, begun: datetime) -> CaseOutcome:
    """The outcome of a closed case; ``begun`` is when its workflow began, for one whose facts say no instant."""
    facts, record = machine.case.facts, machine.record
    opened = facts.began_at or begun
    (state,) = machine.states()
    moved = [entry for entry in record.timeline if not _at_once(machine, entry)]
    return CaseOutcome(
        case_id=machine.case_id,
        process=machine.process.name,
        shop_id=facts.shop,
        order=facts.order,
        opened_at=opened,
        closed_at=max(record.latest, opened),
        state=state,
        state_label=machine.process.state_label(state),
        decided_by=moved[-1].by if moved else Party.CLOCK.value,
        decided_before_deadline=_in_time(machine, opened),
        clocks_run_out=sum(entry.by == Party.CLOCK.value for entry in moved),
        lost=sum((entry.amount for entry in record.ledger if entry.amount is not None), Decimal("0.00")),
    )


def _at_once(machine: CaseMachine, entry: TimelineEntry) -> bool:
    """Whether it is a judgement of the rule book on entering a state, which nobody made."""
    clock = machine.process.clocks.get(entry.rule)
    return clock is not None and clock.figure is None


def _in_time(machine: CaseMachine, opened: datetime) -> bool | None:
    """Whether all that had a deadline of ours was decided before it; None: nothing had, or nobody had to decide.

    A person's decision is always in time, for overdue clocks go first.  What the platform says of a clock of ours that
    has run out comes too late, whatever it says.
    """
    decided: bool | None = None
    entered: dict[str, datetime] = {}
    for entry in machine.record.timeline:
        clock = machine.process.clocks.get(entry.rule)
        if clock and clock.figure and clock.of in OPERATORS:
            return False
        for state in entry.left:
            since = entered.get(state, opened)
            due = [_due(machine, each, entry.order, since) for each in _clocks_of(machine, entry.order, state)]
            if due and entry.by in OURS:
                decided = True
            elif any(each is not None and each <= entry.at for each in due):
                return False
        entered.update(dict.fromkeys(entry.reached, entry.at))
    return decided


def _clocks_of(machine: CaseMachine, order: str | None, state: str) -> list[Clock]:
    """The clocks that run for our parties in a state."""
    own = state.rpartition(".")[2]
    return [
        rule.clock
        for rule in machine.process.chart_of(order).rules.values()
        if rule.clock and rule.clock.figure and rule.clock.of in OPERATORS
        if any(move.source.value == own for _, move in rule.steps())
    ]


def _due(machine: CaseMachine, clock: Clock, order: str | None, since: datetime) -> datetime | None:
    due: datetime | None = machine.case.part(order).due(clock.figure or "", since)
    return due
