"""Choosing among many open cases those whose histories are replayed: some of every process and state."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from temporalio.client import WorkflowHistory

from workflows.engine.search_attributes import STATE

NO_STATE = "?"
"""Stands for the state of a case that has not said which it is in."""
_COUNT = re.compile(r" \d+(?=[、)])")


@dataclass(frozen=True, order=True)
class ProcessState:
    """A process and the state of a case of it, in words."""

    process: str
    state: str

    @classmethod
    def of(cls, process: str, words: str | None) -> Self:
        """Return the state that the words of a search attribute mean: how many orders are in each does not matter."""
        return cls(process, _COUNT.sub("", words or "") or NO_STATE)


@dataclass(frozen=True)
class OpenCase:
    """A case whose workflow runs, and since when."""

    case_id: str
    where: ProcessState
    since: datetime


def sample(cases: Iterable[OpenCase], at_most: int | None = None) -> list[OpenCase]:
    """Return at most so many cases of every process and state, from the oldest to the newest; all without a number.

    They are chosen evenly over their ages, because the oldest cases were begun by the oldest code.
    """
    grouped: defaultdict[ProcessState, list[OpenCase]] = defaultdict(list)
    for case in cases:
        grouped[case.where].append(case)
    chosen: list[OpenCase] = []
    for where in sorted(grouped):
        of_state = sorted(grouped[where], key=lambda case: (case.since, case.case_id))
        chosen += of_state if at_most is None else _spread(of_state, at_most)
    return chosen


def _spread(cases: list[OpenCase], at_most: int) -> list[OpenCase]:
    if len(cases) <= at_most:
        return cases
    if at_most == 1:
        return cases[:1]
    return [cases[number * (len(cases) - 1) // (at_most - 1)] for number in range(at_most)]


def where_of(history: WorkflowHistory) -> ProcessState:
    """Return the process of a recorded case, and the last state that its history shows."""
    words = None
    for event in history.events:
        which = event.WhichOneof("attributes")
        attributes: Any = getattr(event, which) if which else None
        fields = attributes.search_attributes.indexed_fields if hasattr(attributes, "search_attributes") else {}
        if STATE.name in fields:
            words = json.loads(fields[STATE.name].data)
    started = history.events[0].workflow_execution_started_event_attributes
    return ProcessState.of(started.workflow_type.name, words)
