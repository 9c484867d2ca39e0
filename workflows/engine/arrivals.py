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
"""Since this edition a case that has been reset handles its inputs in the order in which they were given first.

Before, it was that in which they arrived: after the reset that of the history, in a replay all messages before the
decisions, which were then judged otherwise, so that the case was wedged.
"""


@dataclass(frozen=True)
class Turn:
    """A decision, or the confirmation of a step, that was given before and waits to be judged.

    ``at``: when it was given, if a reset gives it again; else it comes as it arrived.  ``rule``: that of the decision.
    ``held_up``: whether it must still wait, also for messages that were given later.
    """

    at: datetime | None
    rule: str | None
    held_up: Callable[[], bool]


@dataclass(frozen=True)
class Message:
    """A message that waits to be taken in; ``at``: when it was given, if a reset gives it again.

    It is never before that of the message before it, and the same if the message does not say when it was given.
    """

    content: Any
    sender: InputSender
    at: datetime | None

    def given_after(self, turn: Turn) -> bool:
        """Return whether it was given after a decision; what confirms one was, whatever the clocks say."""
        if self.at is None or turn.at is None:
            return False
        tells_of_it = turn.rule is not None and isinstance(self.content, dict) and self.content.get("rule") == turn.rule
        return self.at > turn.at - (SKEW if tells_of_it else timedelta(0))


class Arrivals:
    """The messages and decisions of one run of a case that wait, each kind oldest first."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.turns: list[Turn] = []
        self.received = 0
        self._given_until: datetime | None = None

    def __bool__(self) -> bool:
        """Return whether anything waits."""
        return bool(self.messages or self.turns)

    def add(self, content: Any, sender: InputSender, *, again: bool) -> None:
        """Add a message; ``again``: a reset gives it again."""
        if again:
            self._given_until = max(filter(None, (self._given_until, sender.at)), default=None)
        self.messages.append(Message(content, sender, self._given_until if again else None))
        self.received += 1

    def due(self) -> int:
        """Return how many of the oldest messages may be taken in now.

        What was given after a decision waits until that has been judged, unless the decision waits for it.
        """
        if not self.turns:
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
    def waiting(self, turn: Turn | None) -> Iterator[None]:
        """Let a decision wait within the block; None is one that was not given before."""
        if turn is None:
            yield
            return
        place = sum(1 for _ in takewhile(lambda other: not _given_before(turn, other), self.turns))
        self.turns.insert(place, turn)
        try:
            yield
        finally:
            self.turns.remove(turn)

    def is_turn_of(self, turn: Turn | None, before: int) -> bool:
        """Return whether a decision may be judged; ``before``: how many messages had been received when it arrived."""
        if turn is None or turn.at is None:
            taken_in = self.received - len(self.messages) >= before
        else:
            taken_in = not self.messages or self.messages[0].given_after(turn)
        return taken_in and (turn is None or (self.turns[0] is turn and not turn.held_up()))


def _given_before(turn: Turn, other: Turn) -> bool:
    return turn.at is not None and other.at is not None and turn.at < other.at
