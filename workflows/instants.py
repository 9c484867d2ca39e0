"""The instants that matter to a case: clocks, reminders (G-5) and default decisions (G-6)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from cases.policy import Policy
from statecharts.chart import CaseChart, Deadline
from statecharts.rules import OPERATORS, Clock
from workflows.record import Record


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


def clock_of(chart: CaseChart, deadline: Deadline) -> Clock:
    """The clock behind a deadline."""
    return chart.clocks()[deadline.rule]


def running(chart: CaseChart, record: Record) -> list[Deadline]:
    """The clocks running now, nearest first; one that is being settled with the platform has run out already."""
    settling = record.settling_states()
    return sorted(deadline for deadline in chart.deadlines() if deadline.state not in settling)


def moments(chart: CaseChart, policy: Policy, record: Record, now: datetime) -> list[Moment]:
    """Everything due or to come, in order: a clock that has run out has neither reminder nor default decision left."""
    return sorted(_moments(chart, policy, record, now))


def _moments(chart: CaseChart, policy: Policy, record: Record, now: datetime) -> Iterator[Moment]:
    for deadline in running(chart, record):
        yield Moment(deadline.due, Kind.CLOCK, deadline)
        if deadline.due <= now or clock_of(chart, deadline).of not in OPERATORS:
            continue
        if _decides(chart, policy, deadline):
            yield Moment(deadline.due - policy.decide_before.value, Kind.DECISION, deadline)
        reminded = _reminded(chart, record, deadline)
        for before in policy.reminders_before.value:
            at = deadline.due - before
            if reminded is None or at > reminded:
                yield Moment(at, Kind.REMINDER, deadline)


def _decides(chart: CaseChart, policy: Policy, deadline: Deadline) -> bool:
    decision = policy.default_decision.value
    # A line with a form of its own asks for more than the default form, which was read by the rule's, can promise.
    return decision is not None and any(
        move.source.value == deadline.state and move.targets and line.form is None
        for line, move in chart.moves(decision)
    )


def _reminded(chart: CaseChart, record: Record, deadline: Deadline) -> datetime | None:
    """When this clock was last reminded of in this stay in the state."""
    stay, mine = chart.entered[deadline.state], (deadline.state, deadline.rule)
    sent = [each.at for each in record.reminders if (each.state, each.rule) == mine and each.at >= stay]
    return max(sent, default=None)
