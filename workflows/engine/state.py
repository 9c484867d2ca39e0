"""What a case remembers beyond its chart and facts: carried over when the workflow continues as new."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from cases.ledger import LedgerEntry
from cases.messages import ConsoleTask, Report
from cases.models import Instant, clipped
from statecharts.chart import Snapshot

SEEN_KEPT = 2000
"""Message ids remembered for de-duplication; a case sees some tens."""
IGNORED_KEPT = 500
"""Ignored messages kept on the timeline; the count of all is kept beside them."""

EARLY_KEPT = 20
"""Ignored messages looked at again when the case has moved on: what came out of order came shortly before."""

Status = Literal["owed", "done", "console_task", "needs_operator"]


class TimelineEntry(BaseModel):
    """A rule that fired; states of an order's chart begin with the order, as in ``O2.waived``."""

    at: Instant
    rule: str
    by: str
    left: list[str]
    reached: list[str]
    clause: str
    order: str | None = None


class IgnoredMessage(BaseModel):
    """A message that did not apply, and why (G-3); ``early`` is the message where it may still come to apply."""

    at: Instant
    rule: str | None
    message_id: str | None
    why: str
    early: Report | None = None


class EffectState(BaseModel):
    """An effect: what is to be done for which rule, how far it is, and why it is stuck.

    ``entry`` is the key of the ledger entry that it hands in, where it does that; ``note`` is the operator's who took
    it as done by hand.
    """

    serial: int
    effect: str
    rule: str
    at: Instant
    order: str | None = None
    form: dict[str, Any] | None = None
    entry: str | None = None
    status: Status = "owed"
    ended: Instant | None = None
    why: str | None = None
    task: ConsoleTask | None = None
    note: str | None = None


class ExpiryCheck(BaseModel):
    """A clock of the platform that has run out and is being settled with it (G-2); ``why``: it needs an operator."""

    serial: int
    state: str
    rule: str
    due: Instant
    order: str | None = None
    why: str | None = None


class SentReminder(BaseModel):
    """A reminder sent (G-5); ``delivered`` is None while it is on its way, ``why`` is why it could not be delivered."""

    at: Instant
    state: str
    rule: str
    deadline: Instant
    order: str | None = None
    delivered: bool | None = None
    why: str | None = None


class Notification(BaseModel):
    """What operators are told beside reminders: of a step, by its serial number, or that the case is closed (None).

    ``over``: the step no longer waits for a person.  ``delivered`` and ``why`` are as those of a reminder.
    """

    at: Instant
    serial: int | None = None
    over: bool = False
    delivered: bool | None = None
    why: str | None = None


class CaseState(BaseModel):
    """All that a case remembers, apart from its facts, its policy and what it learned.

    ``past`` is where its own chart stands, ``orders`` where the chart of each of its orders does.
    """

    past: Snapshot = Snapshot()
    orders: dict[str, Snapshot] = {}
    last_serial: int = 0
    timeline: list[TimelineEntry] = []
    ignored: list[IgnoredMessage] = []
    ignored_in_all: int = 0
    seen: list[str] = []
    held: list[Report] = []
    effects: list[EffectState] = []
    settling: list[ExpiryCheck] = []
    ledger: list[LedgerEntry] = []
    reminders: list[SentReminder] = []
    news: list[Notification] = []

    @property
    def parts(self) -> tuple[str | None, ...]:
        """The case's own chart (None) and its orders'."""
        return (None, *self.orders)

    def past_of(self, order: str | None) -> Snapshot:
        """What the chart of an order remembers; None: the case's own."""
        return self.past if order is None else self.orders[order]

    def remember(self, order: str | None, past: Snapshot) -> None:
        """Keep where a chart stands now."""
        if order is None:
            self.past = past
        else:
            self.orders[order] = past

    @property
    def latest(self) -> datetime:
        """The instant of the last thing that happened."""
        entered = max(at for order in self.parts for at in self.past_of(order).entered.values())
        return max(entered, self.timeline[-1].at) if self.timeline else entered

    def serial(self) -> int:
        """The next serial number: it never comes twice in a case's life."""
        self.last_serial += 1
        return self.last_serial

    def owed(self) -> list[EffectState]:
        """The effects still to be performed, in order."""
        return [effect for effect in self.effects if effect.status == "owed"]

    def stuck(self) -> list[EffectState]:
        """The effects that wait for a person: console tasks and those that need an operator."""
        return [effect for effect in self.effects if effect.status in ("console_task", "needs_operator")]

    def waiting(self) -> dict[int, EffectState | ExpiryCheck]:
        """What waits for a person, by its serial number."""
        found: list[EffectState | ExpiryCheck] = [*self.stuck(), *(each for each in self.settling if each.why)]
        return {each.serial: each for each in found}

    def undelivered(self) -> list[SentReminder | Notification]:
        """What operators could not be told."""
        told: list[SentReminder | Notification] = [*self.reminders, *self.news]
        return [each for each in told if each.why]

    def needs_operator(self) -> bool:
        """Whether anything went wrong that only an operator can mend (G-7)."""
        failed = any(effect.status == "needs_operator" for effect in self.effects)
        return failed or any(each.why for each in self.settling)

    def waits_for_operator(self) -> bool:
        """Whether anything waits for an operator: what went wrong, or a console task (G-8)."""
        return bool(self.waiting())

    def settling_orders(self) -> set[str | None]:
        """The orders, None for the case itself, where a clock is being settled with the platform."""
        return {each.order for each in self.settling}

    def ignore(self, at: datetime, report: Report, why: str, *, early: bool = False) -> None:
        """Keep a message that does not apply, with the reason; one that came ``early`` may apply later."""
        self.ignored_in_all += 1
        rule = report.rule and clipped(report.rule)
        kept = report if early else None
        self.ignored.append(
            IgnoredMessage(at=at, rule=rule, message_id=report.message_id, why=clipped(why), early=kept)
        )
        del self.ignored[:-IGNORED_KEPT]
        for each in self.early()[:-EARLY_KEPT]:
            each.early = None

    def early(self) -> list[IgnoredMessage]:
        """The ignored messages that may still come to apply."""
        return [each for each in self.ignored if each.early is not None]

    def take_back(self, ignored: IgnoredMessage) -> None:
        """A message that came early applies now: it was not ignored after all."""
        self.ignored.remove(ignored)
        self.ignored_in_all -= 1
