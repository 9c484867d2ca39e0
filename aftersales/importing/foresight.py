"""What opening a case would do at once: the deadlines that are past already, and what they book (G-2)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from cases.ledger import LedgerEntry
from cases.messages import ExpiryOutcome, Opening
from workflows.engine.machine import CaseMachine
from workflows.engine.process import Process
from workflows.engine.state import TimelineEntry

_MOST_ROUNDS: Final = 1000
NO_RECORD: Final = ExpiryOutcome()
"""The answer of a platform that has no record: then the clock's own rule fires."""


@dataclass(frozen=True)
class Foresight:
    """A case that would be opened, the deadlines that it has passed, and what passing them books, losses first."""

    case_id: str
    missed: tuple[TimelineEntry, ...]
    booked: tuple[LedgerEntry, ...]

    @property
    def loses(self) -> bool:
        """Whether a deadline that is past costs something, be it an amount that is not known."""
        return any(not entry.income for entry in self.booked)


@dataclass(frozen=True)
class Losses:
    """The sum of known amounts (CNY) and of points that cases would lose, and how many entries have neither."""

    cases: int
    amount: Decimal
    points: Decimal
    unknown: int


def foresee(process: Process, opening: Opening, now: datetime) -> Foresight:
    """Return what follows at once from opening a case now, as far as no record of the platform says otherwise."""
    case = process.open_case(opening)
    machine = CaseMachine(process, f"{process.name}/{case.facts.own_id}", case, now=now)
    machine.elapse(min(machine.state.began or now, now))  # what follows from the opening itself is no deadline
    at_opening, fired = {entry.key for entry in machine.state.ledger}, len(machine.state.timeline)
    machine.elapse(now)
    for _ in range(_MOST_ROUNDS):
        if not machine.state.expiries:
            break
        machine.answer(machine.state.expiries[0], NO_RECORD, now)
        machine.elapse(now)
    booked = (entry for entry in machine.state.ledger if entry.key not in at_opening)
    return Foresight(
        machine.case_id, tuple(machine.state.timeline[fired:]), tuple(sorted(booked, key=lambda entry: entry.income))
    )


def losses(foreseen: Iterable[Foresight]) -> Losses:
    """Add up what cases would lose by deadlines that are past."""
    losing = [case for case in foreseen if case.loses]
    entries: Sequence[LedgerEntry] = [entry for case in losing for entry in case.booked if not entry.income]
    return Losses(
        cases=len(losing),
        amount=sum((entry.amount for entry in entries if entry.amount is not None), Decimal(0)),
        points=sum((entry.points for entry in entries if entry.points is not None), Decimal(0)),
        unknown=sum(entry.is_unknown for entry in entries),
    )
