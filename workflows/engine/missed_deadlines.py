"""Which deadlines of ours a case has missed, and whether we decided in time (SL-1).

A person's decision is always in time, as overdue clocks go first.  A report of the platform after our clock has run out
means that we were late, whatever it says.  Looked at are the newest events, as many as the timeline keeps.
"""

from datetime import datetime
from functools import cache

from cases.ledger import MissedDeadline
from statecharts.chart import CaseChart
from statecharts.rules import OPERATORS, Clock, Rule
from workflows.engine.situation import CaseSituation
from workflows.engine.state import TimelineEntry

OURS = (*(party.value for party in OPERATORS), "default")
"""By whom a decision of ours was taken."""

MISSED_TOLD = "2026-12-03"
"""Since this edition a case notes which deadlines of ours it has missed, and tells the ledger while it is open, too.

Before, it found out when it ended, from the charts alone: a deadline that only under a condition was ours counted as
ours, and one that the platform itself had given as what the policy says.
"""


def missed_deadlines(situation: CaseSituation) -> tuple[MissedDeadline, ...]:
    """Return the deadlines of ours that a case has missed, in the order in which they ended."""
    return tuple(
        MissedDeadline(rule=rule, at=due, order=entry.order)
        for entry in situation.state.timeline
        for rule, due in entry.missed.items()
    )


def decided_in_time(situation: CaseSituation, opened: datetime) -> bool | None:
    """Return whether we decided everything before our deadlines; None if we had none."""
    if not situation.case.opened_since(MISSED_TOLD):
        return _seemed_in_time(situation, opened)
    timeline = situation.state.timeline
    if any(entry.missed for entry in timeline):
        return False
    return True if any(_met_one(situation, entry) for entry in timeline) else None


def _met_one(situation: CaseSituation, entry: TimelineEntry) -> bool:
    """Return whether with an event a decision of ours was taken for which a clock ran."""
    chart = situation.process.chart_of(entry.order)
    return entry.by in OURS and any(_our_clocks(chart, _own(state)) for state in entry.left)


def _seemed_in_time(situation: CaseSituation, opened: datetime) -> bool | None:
    """Return what the charts alone say, for cases that have not noted it."""
    in_time: bool | None = None
    entered: dict[str, datetime] = {}
    for entry in situation.state.timeline:
        clock = situation.process.clocks.get(entry.rule)
        if clock and clock.figure and _was_ours(situation, entry, clock):
            return False
        for state in entry.left:
            since = entered.get(state, opened)
            clocks = _our_clocks(situation.process.chart_of(entry.order), _own(state))
            due = [situation.case.part(entry.order).due(clock.figure or "", since) for clock in clocks]
            if due and entry.by in OURS:
                in_time = True
            elif any(instant is not None and instant <= entry.at for instant in due):
                return False
        entered.update(dict.fromkeys(entry.reached, entry.at))
    return in_time


def _own(state: str) -> str:
    """Return the name of a state without the order whose chart it belongs to."""
    return state.rpartition(".")[2]


def _was_ours(situation: CaseSituation, fired: TimelineEntry, clock: Clock) -> bool:
    """Return whether the deadline of a clock that has run out was ours."""
    left = {_own(state) for state in fired.left}
    steps = situation.process.chart_of(fired.order).rules[fired.rule].steps()
    parties = [line.of or clock.of for line, step in steps if step.source.value in left]
    return any(party in OPERATORS for party in parties or (clock.of,))


@cache
def _our_clocks(chart: type[CaseChart], state: str) -> tuple[Clock, ...]:
    """Return the clocks of a state whose deadlines are ours."""
    clocks = [(rule, rule.clock) for rule in chart.rules.values() if rule.clock and rule.clock.figure]
    return tuple(clock for rule, clock in clocks if _owned(rule, clock, state))


def _owned(rule: Rule, clock: Clock, state: str) -> bool:
    """Return whether a clock runs in a state as a deadline of ours."""
    return any((line.of or clock.of) in OPERATORS for line, step in rule.steps() if step.source.value == state)
