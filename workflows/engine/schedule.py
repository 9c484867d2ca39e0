"""The instants that matter to a case: clocks, reminders (G-5) and default decisions (G-6)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from cases.policy import Policy
from statecharts.chart import ChartView, Deadline
from statecharts.rules import OPERATORS
from workflows.engine.state import CaseState


class Kind(IntEnum):
    """What is due, in the order in which things due at the same instant are looked at."""

    CLOCK = 0
    DECISION = 1
    REMINDER = 2


@dataclass(frozen=True, order=True)
class Moment:
    """An instant at which something is due for a running clock."""

    at: datetime
    kind: Kind
    deadline: Deadline


def running(standings: Iterable[ChartView], record: CaseState) -> list[Deadline]:
    """The clocks running now, nearest first; none but what is judged at once where one is being settled."""
    settling = record.settling_orders()
    deadlines = (deadline for standing in standings for deadline in standing.deadlines)
    return sorted(deadline for deadline in deadlines if deadline.immediate or deadline.order not in settling)


def moments(standings: Sequence[ChartView], policy: Policy, record: CaseState, now: datetime) -> list[Moment]:
    """Everything due or to come, in order: a clock that has run out has neither reminder nor default decision left."""
    found = (each for standing in standings for each in _moments(standing, policy, record, now))
    return sorted(found)


def _moments(standing: ChartView, policy: Policy, record: CaseState, now: datetime) -> Iterator[Moment]:
    for deadline in running((standing,), record):
        yield Moment(deadline.due, Kind.CLOCK, deadline)
        clock = standing.chart.clocks()[deadline.rule]
        if deadline.due <= now or clock.of not in OPERATORS:
            continue
        if _decides(standing, policy, deadline):
            yield Moment(deadline.due - policy.decide_before.value, Kind.DECISION, deadline)
        reminded = _reminded(standing, record, deadline)
        for before in getattr(policy, clock.reminders).value:
            at = deadline.due - before
            if reminded is None or at > reminded:
                yield Moment(at, Kind.REMINDER, deadline)


def _decides(standing: ChartView, policy: Policy, deadline: Deadline) -> bool:
    decision = policy.default_decision.value
    if decision is None or decision not in standing.chart.rules:
        return False
    # A line with a form of its own asks for more than the default form, which was read by the rule's, can promise.
    return any(
        move.source.value == deadline.state and move.targets and line.form is None
        for line, move in standing.transitions(decision)
    )


def _reminded(standing: ChartView, record: CaseState, deadline: Deadline) -> datetime | None:
    """When this clock was last reminded of in this stay in the state."""
    stay, mine = standing.entered[deadline.state], (deadline.order, deadline.state, deadline.rule)
    sent = [each.at for each in record.reminders if (each.order, each.state, each.rule) == mine and each.at >= stay]
    return max(sent, default=None)
