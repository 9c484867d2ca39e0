"""The names of the deadlines of ours that cases have missed.

A case tells the ledger which.  Those opened with editions before 2026-12-03 told only how many clocks had run out.  Of
them an entry under a clause that only clocks of ours enter names the clock, and so does an end that only they bring
about; what something else may have caused is not named.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property

from cases.ledger import Booked, CaseOutcome, Missed
from cases.models import Strict
from cases.shanghai import shanghai_day
from statecharts.analysis.rulebook_rows import effects_of
from statecharts.rules import OPERATORS, Clause, Party, Rule
from workflows.engine.process import Process


class MissedClock(Strict):
    """A deadline of ours that was missed: the Chinese name of its rule, the day, and the order if it is of one."""

    label: str
    day: date
    order: str | None = None


_Named = Mapping[tuple[str, str], str]
_Cause = tuple[tuple[str, str], str | None]
"""What is caused, by its process and name, and the clock of ours that causes it; None for everything else."""


class ClockNames:
    """Names our clocks by what they alone cause."""

    def __init__(self, processes: Iterable[Process] = ()) -> None:
        """Take the names from the charts of processes."""
        self._processes = tuple(processes)

    def of_deadline(self, missed: Missed) -> MissedClock:
        """Return a deadline that a case has told."""
        known = next((process for process in self._processes if process.name == missed.process), None)
        label = known.rule_label(missed.rule) if known and missed.rule in known.rules else missed.rule
        return MissedClock(label=label, day=missed.day, order=missed.order)

    def of_entry(self, entry: Booked) -> MissedClock | None:
        """Return the clock that has caused an expected loss, None if anything else may have."""
        label = self._by_clause.get((entry.case_id.partition("/")[0], entry.clause))
        if label is None or entry.income or entry.status != "expected":
            return None
        return MissedClock(label=label, day=entry.day, order=entry.about)

    def of_end(self, outcome: CaseOutcome) -> MissedClock | None:
        """Return the clock that has ended a case, None if anything else may have."""
        label = self._by_end.get((outcome.process, outcome.state))
        if label is None or outcome.decided_by != Party.CLOCK:
            return None
        return MissedClock(label=label, day=shanghai_day(outcome.closed_at), order=outcome.order)

    @cached_property
    def _by_clause(self) -> _Named:
        return _only_ours(cause for process in self._processes for cause in _entries(process))

    @cached_property
    def _by_end(self) -> _Named:
        return _only_ours(cause for process in self._processes for cause in _ends(process))


def _only_ours(causes: Iterable[_Cause]) -> _Named:
    """Return the names of the clocks that alone cause a thing, all of them where there are several."""
    labels: dict[tuple[str, str], dict[str | None, None]] = defaultdict(dict)
    for caused, label in causes:
        labels[caused][label] = None
    return {caused: "或".join(filter(None, named)) for caused, named in labels.items() if None not in named}


def _entries(process: Process) -> Iterator[_Cause]:
    """Yield the clauses under which losses are entered, with what enters them."""
    steps = [
        (effects_of(step), _our_clock(rule, line)) for rule in process.rules.values() for line, step in rule.steps()
    ]
    # An initial state is entered by no rule.
    for chart in process.charts:
        specs = [spec for state in chart.states_map.values() if state.initial for spec in state.enter]
        steps.append((tuple(spec.func.effect for spec in specs if hasattr(spec.func, "effect")), None))
    for effects, label in steps:
        for effect in effects:
            if effect.is_ledger_entry and not effect.income:
                yield (process.name, effect.clause or ""), label


def _ends(process: Process) -> Iterator[_Cause]:
    """Yield the final states of a process, with the clocks that lead to them.

    What a party decides is told apart by the outcome.  What follows from a clock at once is not: it has a cause of its
    own, which is none of ours.
    """
    steps = [(rule, line, step) for rule in process.chart.rules.values() for line, step in rule.steps()]
    after_clocks = {
        state.value for rule, _, step in steps if _runs_out(rule) for state in (step.targets or (step.source,))
    }
    for rule, line, step in steps:
        at_once = rule.clock is not None and not _runs_out(rule) and step.source.value in after_clocks
        if _runs_out(rule) or at_once:
            for state in step.targets:
                if state.final:
                    yield (process.name, str(state.value)), _our_clock(rule, line)


def _our_clock(rule: Rule, line: Clause) -> str | None:
    """Return the name of a clock whose deadline is ours."""
    if not _runs_out(rule) or rule.clock is None:
        return None
    return str(rule.name) if (line.of or rule.clock.of) in OPERATORS else None


def _runs_out(rule: Rule) -> bool:
    """Return whether a rule fires as time passes, and not as soon as a condition holds."""
    return rule.clock is not None and rule.clock.figure is not None
