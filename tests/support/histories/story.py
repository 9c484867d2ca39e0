"""What a story of one case consists of, and the stories of a process."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cases.ledger import ToldFact
from cases.messages import Opening
from tests.support.temporal.life import Life
from workflows.engine.continue_as_new import opening_record
from workflows.registry import PROCESSES

FIRST_EDITION = "2026-11-26"
AMENDED_EDITION = "2026-11-27"
"""The editions of the figures with which the cases are opened: what a story shows must not change with the newest."""

Play = Callable[[Life], Awaitable[None]]
Facts = Callable[..., dict[str, Any]]
"""Makes the facts of a case from the instant of its opening, its own id, and what is special about it."""
Told = Callable[[datetime, str], ToldFact]
"""Makes a fact that another case told before this one was opened."""


@dataclass(frozen=True)
class Story:
    """One case: how it is opened, what other cases told before, and what happens to it."""

    process: str
    name: str
    title: str
    edition: str
    facts: Facts
    play: Play
    changes: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)
    told: Told | None = None

    @property
    def case_id(self) -> str:
        return f"{self.process}/{self.name}"

    def opening(self, opened: datetime) -> dict[str, Any]:
        """Return the input that opens the case."""
        given = Opening(facts=self.facts(opened, self.name, **self.changes), policy=dict(self.policy))
        return opening_record(PROCESSES[self.process].open_case(given, self.edition))


class Stories(list[Story]):
    """The stories of a process whose cases are opened with one edition of the figures.

    Their functions have names with a ``prefix`` that the names of the recorded histories lack.
    """

    def __init__(self, process: str, facts: Facts, *, prefix: str = "", edition: str = AMENDED_EDITION) -> None:
        super().__init__()
        self._process, self._facts, self._prefix, self._edition = process, facts, prefix, edition

    def amended(self) -> "Stories":
        """Return stories of the same process, to come, of the amended edition."""
        return Stories(self._process, self._facts, prefix=self._prefix)

    def story(
        self, *, policy: Mapping[str, Any] | None = None, told: Told | None = None, **changes: Any
    ) -> Callable[[Play], Play]:
        """Add the story that a function plays; ``changes`` are those of the facts."""

        def added(play: Play) -> Play:
            name = play.__name__
            title = f"{self._process}_{name.removeprefix(self._prefix)}"
            story = Story(self._process, name, title, self._edition, self._facts, play, changes, policy or {}, told)
            self.append(story)
            return play

        return added
