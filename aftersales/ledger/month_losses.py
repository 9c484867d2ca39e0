"""What a month's losses come to: in all, by clause, and by case.

A loss belongs to the month in which it was expected, with the amount of its bill once there is one; what no case
expected belongs to the month of its bill.  So no loss is in two months, nor twice in one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, TypeVar

from aftersales.ledger.caps import Caps, capped
from cases.ledger import Booked, CaseOutcome
from cases.models import Strict

DEAREST_NAMED: Final = 10
"""How many of the dearest cases are named."""
_NOTHING: Final = Decimal("0.00")
Key = TypeVar("Key")


class Lost(Strict):
    """Losses together: CNY and points of those that are known, ``billed`` being the CNY that the platform has billed.

    ``unknown`` is the number of those of which neither is known.
    """

    entries: int
    amount: Decimal
    billed: Decimal
    points: Decimal
    unknown: int


class ClauseLost(Lost):
    """The losses under a clause."""

    clause: str


class DearCase(Lost):
    """The losses of a case; ``label`` is the Chinese name of the state in which it ended, None if it is not over."""

    case_id: str
    order: str | None
    label: str | None


class Loss(Strict):
    """A loss: the entry that stands for it, its case and order, and the part of its amount and points that counts."""

    entry: Booked
    case_id: str
    order: str | None
    amount: Decimal | None
    points: Decimal | None

    @property
    def is_unknown(self) -> bool:
        """Whether neither amount nor points are known, though it has either."""
        return self.entry.is_unknown and self.amount is None and self.points is None


def losses_of(is_of_month: Callable[[date], bool], entries: Sequence[Booked], caps: Caps) -> list[Loss]:
    """Return the losses of a month among entries in force; those expected count within the caps."""
    losses = [entry for entry in entries if not entry.income]
    by_key = {entry.key: entry for entry in losses}
    answered = {entry.answers for entry in losses if entry.answers}
    found = []
    for item in capped((entry for entry in losses if entry.status == "expected"), caps):
        entry = by_key[item.entry.key]
        if is_of_month(entry.day) and entry.key not in answered:
            found.append(_loss(entry, entry, item.amount, item.points))
    for entry in losses:
        expected = by_key.get(entry.answers or "")
        if entry.status == "billed" and is_of_month(expected.day if expected else entry.day):
            found.append(_loss(entry, expected or entry, entry.amount, entry.points))
    return found


def _loss(entry: Booked, case_of: Booked, amount: Decimal | None, points: Decimal | None) -> Loss:
    return Loss(entry=entry, case_id=case_of.case_id, order=case_of.about, amount=amount, points=points)


def lost(losses: Iterable[Loss]) -> Lost:
    """Return what losses come to."""
    return _sums(list(losses))


def by_clause(losses: Iterable[Loss]) -> Iterator[ClauseLost]:
    """Yield what is lost under each clause, the most first."""
    grouped = _grouped(losses, lambda loss: loss.entry.clause)
    yield from sorted(
        (ClauseLost(clause=clause, **_sums(group).model_dump()) for clause, group in grouped.items()),
        key=lambda figures: (-figures.amount, -figures.points, -figures.entries, figures.clause),
    )


def dearest(losses: Iterable[Loss], outcomes: Iterable[CaseOutcome]) -> Iterator[DearCase]:
    """Yield the cases that cost most: money before points, and what is unknown before what costs nothing."""
    labels = {outcome.case_id: outcome.state_label for outcome in outcomes}
    grouped = _grouped((loss for loss in losses if loss.case_id), lambda loss: loss.case_id)
    cases = (
        DearCase(
            case_id=case_id,
            order=next((loss.order for loss in group if loss.order), None),
            label=labels.get(case_id),
            **_sums(group).model_dump(),
        )
        for case_id, group in grouped.items()
    )
    dear = (case for case in cases if case.amount or case.points or case.unknown)
    yield from sorted(dear, key=lambda case: (-case.amount, -case.points, -case.unknown, case.case_id))[:DEAREST_NAMED]


def _grouped(losses: Iterable[Loss], key: Callable[[Loss], Key]) -> dict[Key, list[Loss]]:
    groups: dict[Key, list[Loss]] = defaultdict(list)
    for loss in losses:
        groups[key(loss)].append(loss)
    return groups


def _sums(losses: Sequence[Loss]) -> Lost:
    return Lost(
        entries=len(losses),
        amount=sum((loss.amount or _NOTHING for loss in losses), _NOTHING),
        billed=sum((loss.amount or _NOTHING for loss in losses if loss.entry.status == "billed"), _NOTHING),
        points=sum((loss.points or Decimal(0) for loss in losses), Decimal("0.0")),
        unknown=sum(loss.is_unknown for loss in losses),
    )
