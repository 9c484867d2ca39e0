"""What has arrived for a case and waits: messages to be taken in, and decisions that were given before.

Usually nothing waits.  After a reset, or when no worker was there for a while, much arrives in one workflow task.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from workflows.engine.reports import SKEW
from workflows.engine.sender import InputSender

MESSAGES_AT_ONCE = 10
"""The most messages that one workflow task takes in.

For a message told late the course of a case is worked out again, which takes up to a tenth of a second in the largest
cases; a task of more than two seconds is given up, and begun again with the same messages.
"""

AS_GIVEN = "2026-12-02"
"""Since this edition inputs that are given again together are handled in the order in which they were given first.

Before, it was that in which they arrived.  When a case has been reset, that is the order of the history; a replay gets
all messages before the decisions, so that it judged the decisions otherwise, and the case was wedged.
"""


@dataclass(frozen=True)
class Turn:
    """A decision, or the confirmation of a step, that was given before and waits to be judged.

    ``rule`` is that of the decision.  ``held_up``: whether it must still wait, also for messages that were given later.
    """

    at: datetime
    rule: str | None
    held_up: Callable[[], bool]


@dataclass(frozen=True)
class Message:
    """A message that waits to be taken in; ``at``: when it was given, or the one before it if that was later.

    Of one that does not say when it was given it is that of the one before, None if there is none.
    """

    content: Any
    sender: InputSender
    at: datetime | None

    def given_after(self, turn: Turn) -> bool:
        """Return whether it was given after a decision; what confirms one was, whatever the clocks say."""
        tells_of_it = turn.rule is not None and isinstance(self.content, dict) and self.content.get("rule") == turn.rule
        return self.at is not None and self.at > turn.at - (SKEW if tells_of_it else timedelta(0))


class Arrivals:
    """The messages and decisions of one run of a case that wait, each kind oldest first.

    ``as_given``: they are handled in the order in which they were given (AS_GIVEN), else in that of their arrival.
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.turns: list[Turn] = []
        self.received = 0
        self._given_until: datetime | None = None

    def __bool__(self) -> bool:
        """Return whether anything waits."""
        return bool(self.messages or self.turns)

    def add(self, content: Any, sender: InputSender) -> None:
        """Add a message."""
        self._given_until = max(filter(None, (self._given_until, sender.at)), default=None)
        self.messages.append(Message(content, sender, self._given_until))
        self.received += 1

    def due(self, *, as_given: bool) -> int:
        """Return how many of the oldest messages may be taken in now.

        What was given after a decision waits until that has been judged, unless the decision waits for it.
        """
        if not self.turns or not as_given:
            return len(self.messages)
        first = self.turns[0]
        before = sum(1 for _ in takewhile(lambda message: not message.given_after(first), self.messages))
        return before or (len(self.messages) if first.held_up() else 0)

    def take(self, due: int) -> list[Message]:
        """Remove and return the oldest messages, as many as are ``due`` and one workflow task takes in."""
        count = min(due, MESSAGES_AT_ONCE)
        taken, self.messages = self.messages[:count], self.messages[count:]
        return taken

    @contextmanager
    def waiting(self, turn: Turn | None, *, as_given: bool) -> Iterator[None]:
        """Let a decision wait within the block; None is one that was not given before."""
        if turn is None:
            yield
            return
        self.turns.append(turn)
        if as_given:
            self.turns.sort(key=lambda other: other.at)
        try:
            yield
        finally:
            self.turns.remove(turn)

    def is_turn_of(self, turn: Turn | None, before: int, *, as_given: bool) -> bool:
        """Return whether a decision may be judged; ``before``: how many messages had been received when it arrived."""
        if turn is None:
            return self._taken_in(before)
        if self.turns[0] is not turn:
            return False
        waits = self.messages and not self.messages[0].given_after(turn) if as_given else not self._taken_in(before)
        return not waits and not turn.held_up()

    def _taken_in(self, many: int) -> bool:
        return self.received - len(self.messages) >= many
