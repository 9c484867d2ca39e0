"""What a case remembers beyond its chart and facts: carried over when the workflow continues as new."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cases.ledger import LedgerEntry
from cases.messages import ConsoleTask, Report
from cases.models import Instant, clipped
from statecharts.chart import Deadline, Snapshot

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
    """An effect: what is to be done for which rule, its status, and why it is stuck.

    ``entry`` is the key of the ledger entry that it enters, if it does; ``note`` is that of the operator who did it by
    hand.
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

    def complete(self, at: datetime, *, task: ConsoleTask | None = None, note: str | None = None) -> None:
        """Take it as done, or as handed to an operator as a console task (G-8)."""
        self.status, self.ended, self.why = "console_task" if task else "done", at, None
        self.task, self.note = task or self.task, note or self.note

    def fail(self, at: datetime, why: str) -> None:
        """Leave it to an operator (G-7)."""
        self.status, self.ended, self.why = "needs_operator", at, why

    def retry(self) -> None:
        """Let it be performed again, under the same idempotency key."""
        self.status, self.why = "owed", None


class ExpiryCheck(BaseModel):
    """A clock of the platform that has run out (G-2); ``why`` it could not be resolved and needs an operator."""

    serial: int
    state: str
    rule: str
    due: Instant
    order: str | None = None
    why: str | None = None

    def fail(self, why: str) -> None:
        """Leave it to an operator (G-7)."""
        self.why = why

    def retry(self) -> None:
        """Let the platform be asked again."""
        self.why = None


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
    """A notification that a step, by its serial number, waits for a person, or (None) that the case is closed.

    ``over``: the step no longer waits for a person.  ``delivered`` and ``why`` are as those of a reminder.
    """

    at: Instant
    serial: int | None = None
    over: bool = False
    delivered: bool | None = None
    why: str | None = None


class CaseState(BaseModel):
    """All that a case remembers, apart from its facts, its policy and what it learned.

    ``past`` is the snapshot of its own chart, ``orders`` those of its orders' charts.  Only ``CaseMachine`` may call
    what changes a state.  The names in JSON are those of recorded histories.
    """

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    past: Snapshot = Snapshot()
    orders: dict[str, Snapshot] = {}
    last_serial: int = 0
    timeline: list[TimelineEntry] = []
    ignored: list[IgnoredMessage] = []
    ignored_in_all: int = 0
    seen: list[str] = []
    held: list[Report] = []
    effects: list[EffectState] = []
    expiries: list[ExpiryCheck] = Field(default=[], alias="settling")
    ledger: list[LedgerEntry] = []
    reminders: list[SentReminder] = []
    notifications: list[Notification] = Field(default=[], alias="news")

    # What can be asked of it.

    @property
    def parts(self) -> tuple[str | None, ...]:
        """The case's own chart (None) and its orders'."""
        return (None, *self.orders)

    def past_of(self, order: str | None) -> Snapshot:
        """Return the snapshot of an order's chart, or of the case's own for None."""
        return self.past if order is None else self.orders[order]

    @property
    def latest(self) -> datetime:
        """The instant of the last thing that happened."""
        entered = max(at for order in self.parts for at in self.past_of(order).entered.values())
        return max(entered, self.timeline[-1].at) if self.timeline else entered

    @property
    def pending(self) -> list[EffectState]:
        """The effects still to be performed, in order."""
        return [effect for effect in self.effects if effect.status == "owed"]

    @property
    def stuck(self) -> list[EffectState]:
        """The effects that wait for a person: console tasks and those that need an operator."""
        return [effect for effect in self.effects if effect.status in ("console_task", "needs_operator")]

    @property
    def unresolved(self) -> list[ExpiryCheck]:
        """The expiries that the platform is still asked about, without those that need an operator."""
        return [expiry for expiry in self.expiries if expiry.why is None]

    def expiry(self, serial: int) -> ExpiryCheck | None:
        """Return the expiry of that serial number, or None if it has been resolved."""
        return next((expiry for expiry in self.expiries if expiry.serial == serial), None)

    @property
    def waiting(self) -> dict[int, EffectState | ExpiryCheck]:
        """What waits for a person, by its serial number."""
        steps: list[EffectState | ExpiryCheck] = [*self.stuck, *(expiry for expiry in self.expiries if expiry.why)]
        return {step.serial: step for step in steps}

    @property
    def undelivered(self) -> list[SentReminder | Notification]:
        """The reminders and notifications that could not be delivered."""
        sent: list[SentReminder | Notification] = [*self.reminders, *self.notifications]
        return [message for message in sent if message.why]

    @property
    def needs_operator(self) -> bool:
        """Whether anything went wrong that only an operator can mend (G-7)."""
        failed = any(effect.status == "needs_operator" for effect in self.effects)
        return failed or any(expiry.why for expiry in self.expiries)

    @property
    def waits_for_operator(self) -> bool:
        """Whether anything waits for an operator: what went wrong, or a console task (G-8)."""
        return bool(self.waiting)

    @property
    def early(self) -> list[IgnoredMessage]:
        """The ignored messages that may still come to apply."""
        return [message for message in self.ignored if message.early is not None]

    # What changes it.

    def remember(self, order: str | None, past: Snapshot) -> None:
        """Keep the snapshot of a chart."""
        if order is None:
            self.past = past
        else:
            self.orders[order] = past

    def set_deadline(self, order: str | None, state: str, deadline: datetime) -> None:
        """Let the platform's own instant replace the one computed from policy (G-1)."""
        past = self.past_of(order)
        self.remember(order, replace(past, given={**past.given, state: deadline}))
        self.expiries = [expiry for expiry in self.expiries if (expiry.order, expiry.state) != (order, state)]

    def record(self, entry: TimelineEntry) -> None:
        """Append a rule that fired to the timeline."""
        self.timeline.append(entry)

    def book(self, entry: LedgerEntry) -> bool:
        """Enter an amount in the ledger; return whether its key is new."""
        if any(booked.key == entry.key for booked in self.ledger):
            return False
        self.ledger.append(entry)
        return True

    def enqueue(
        self,
        effect: str,
        rule: str,
        at: datetime,
        order: str | None,
        *,
        form: dict[str, Any] | None,
        entry: str | None,
    ) -> None:
        """Add an effect to be performed."""
        self.effects.append(
            EffectState(serial=self._serial(), effect=effect, rule=rule, at=at, order=order, form=form, entry=entry)
        )

    def expire(self, deadline: Deadline) -> None:
        """Note that a clock of the platform has run out and must be resolved with it (G-2)."""
        self.expiries.append(
            ExpiryCheck(
                serial=self._serial(),
                state=deadline.state,
                rule=deadline.rule,
                due=deadline.due,
                order=deadline.order,
            )
        )

    def keep_expiries(self, order: str | None, running: Collection[tuple[str, str, datetime]]) -> None:
        """Drop the expiries of an order's clocks (state, rule and instant) that no longer run."""
        self.expiries = [
            expiry
            for expiry in self.expiries
            if expiry.order != order or (expiry.state, expiry.rule, expiry.due) in running
        ]

    def remind(self, deadline: Deadline, at: datetime) -> None:
        """Add a reminder to be sent."""
        self.reminders.append(
            SentReminder(at=at, state=deadline.state, rule=deadline.rule, deadline=deadline.due, order=deadline.order)
        )

    def notify(self, serial: int | None, at: datetime) -> None:
        """Add a notification to be sent."""
        self.notifications.append(Notification(at=at, serial=serial))

    def end_notifications(self) -> None:
        """Mark the notifications of steps that no longer wait for a person as over."""
        waiting = self.waiting
        for notification in self.notifications:
            if notification.serial is not None and notification.serial not in waiting:
                notification.over = True

    def mark_delivered(self, sent: SentReminder | Notification) -> None:
        """Note that a reminder or notification arrived."""
        sent.delivered = True

    def mark_undelivered(self, sent: SentReminder | Notification, why: str | None) -> None:
        """Note why it could not be delivered; None if it was cancelled because the case had moved on."""
        sent.delivered = False
        if why is not None:
            sent.why = clipped(why)

    def first_time(self, report: Report) -> bool:
        """Return whether a message is new; one read from the record may come again until it applies."""
        if report.message_id is None:
            return True
        if report.message_id in self.seen:
            return False
        if not report.look:
            self.mark_seen(report)
        return True

    def mark_seen(self, report: Report) -> None:
        """Remember a message's id, so that it is taken only once."""
        if report.message_id is not None:
            self.seen.append(report.message_id)
            del self.seen[:-SEEN_KEPT]

    def hold(self, report: Report) -> None:
        """Keep a message until the expiry under way is resolved."""
        self.held.append(report)

    def release_held(self) -> list[Report]:
        """Return the messages held, and hold them no longer."""
        held, self.held = self.held, []
        return held

    def ignore(self, at: datetime, report: Report, why: str, *, early: bool = False) -> None:
        """Keep a message that does not apply, with the reason; one that came ``early`` may apply later."""
        self.ignored_in_all += 1
        rule = report.rule and clipped(report.rule)
        kept = report if early else None
        self.ignored.append(
            IgnoredMessage(at=at, rule=rule, message_id=report.message_id, why=clipped(why), early=kept)
        )
        del self.ignored[:-IGNORED_KEPT]
        for message in self.early[:-EARLY_KEPT]:
            message.early = None

    def unignore(self, message: IgnoredMessage) -> None:
        """Remove a message that came early and applies now."""
        self.ignored.remove(message)
        self.ignored_in_all -= 1

    def _serial(self) -> int:
        """Return the next serial number; none is used twice in a case's life."""
        self.last_serial += 1
        return self.last_serial
