"""The state of a case, which is carried over when the workflow continues as new."""

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
"""Message ids kept for de-duplication; a case ordinarily receives some tens."""
IGNORED_KEPT = 500
"""Ignored messages kept; older ones are only counted."""

EARLY_KEPT = 20
"""Ignored messages that are judged again when the case has moved on; out of order, messages come close together."""

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
    """A message that did not apply, and why (G-3); ``early`` holds the message itself if it may apply later."""

    at: Instant
    rule: str | None
    message_id: str | None
    why: str
    early: Report | None = None


class EffectState(BaseModel):
    """An effect: what is to be done for which rule, its status, and why it is stuck.

    ``entry`` is the key of its ledger entry, if it has one; ``note`` was left by the operator who did it by hand.
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
        """Mark the effect as done, or as handed to an operator as a console task (G-8)."""
        self.status, self.ended, self.why = "console_task" if task else "done", at, None
        self.task, self.note = task or self.task, note or self.note

    def fail(self, at: datetime, why: str) -> None:
        """Leave the effect to an operator (G-7)."""
        self.status, self.ended, self.why = "needs_operator", at, why

    def retry(self) -> None:
        """Mark the effect to be performed again, under the same idempotency key."""
        self.status, self.why = "owed", None


class ExpiryCheck(BaseModel):
    """A clock of the platform that has run out (G-2); ``why`` is set if it cannot be resolved without an operator."""

    serial: int
    state: str
    rule: str
    due: Instant
    order: str | None = None
    why: str | None = None

    def fail(self, why: str) -> None:
        """Leave the expiry to an operator (G-7)."""
        self.why = why

    def retry(self) -> None:
        """Ask the platform again."""
        self.why = None


class SentReminder(BaseModel):
    """A reminder (G-5); ``delivered`` is None until it is known, ``why`` is set if it could not be delivered."""

    at: Instant
    state: str
    rule: str
    deadline: Instant
    order: str | None = None
    delivered: bool | None = None
    why: str | None = None


class Notification(BaseModel):
    """A notification that the step ``serial`` waits for a person, or, with None, that the case is closed.

    ``over``: the step no longer waits for a person.  ``delivered`` and ``why`` mean the same as for a reminder.
    """

    at: Instant
    serial: int | None = None
    over: bool = False
    delivered: bool | None = None
    why: str | None = None


class CaseState(BaseModel):
    """The state of a case, apart from its facts, its policy and what its forms have added.

    ``snapshot`` is that of its own chart, ``orders`` those of its orders' charts.  Only ``CaseMachine`` may call the
    methods that change a state.  The names in JSON are those of recorded histories.
    """

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    snapshot: Snapshot = Field(default=Snapshot(), alias="past")
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

    # Reading.

    @property
    def parts(self) -> tuple[str | None, ...]:
        """The case's own chart (None) and its orders'."""
        return (None, *self.orders)

    def snapshot_of(self, order: str | None) -> Snapshot:
        """Return the snapshot of an order's chart, or of the case's own for None."""
        return self.snapshot if order is None else self.orders[order]

    @property
    def latest(self) -> datetime:
        """The instant of the last event."""
        entered = max(at for order in self.parts for at in self.snapshot_of(order).entered.values())
        return max(entered, self.timeline[-1].at) if self.timeline else entered

    @property
    def pending(self) -> list[EffectState]:
        """The effects that are still to be performed, in order."""
        return [effect for effect in self.effects if effect.status == "owed"]

    @property
    def stuck(self) -> list[EffectState]:
        """The effects that wait for a person: console tasks and those that need an operator."""
        return [effect for effect in self.effects if effect.status in ("console_task", "needs_operator")]

    @property
    def unresolved(self) -> list[ExpiryCheck]:
        """The expiries that do not need an operator: the platform is still being asked."""
        return [expiry for expiry in self.expiries if expiry.why is None]

    def expiry(self, serial: int) -> ExpiryCheck | None:
        """Return the expiry of that serial number, or None if it has been resolved."""
        return next((expiry for expiry in self.expiries if expiry.serial == serial), None)

    @property
    def waiting(self) -> dict[int, EffectState | ExpiryCheck]:
        """The steps that wait for a person, by serial number."""
        steps: list[EffectState | ExpiryCheck] = [*self.stuck, *(expiry for expiry in self.expiries if expiry.why)]
        return {step.serial: step for step in steps}

    @property
    def undelivered(self) -> list[SentReminder | Notification]:
        """The reminders and notifications that could not be delivered."""
        sent: list[SentReminder | Notification] = [*self.reminders, *self.notifications]
        return [message for message in sent if message.why]

    @property
    def needs_operator(self) -> bool:
        """Whether anything failed that only an operator can put right (G-7)."""
        failed = any(effect.status == "needs_operator" for effect in self.effects)
        return failed or any(expiry.why for expiry in self.expiries)

    @property
    def waits_for_operator(self) -> bool:
        """Whether anything waits for an operator: a failed step, or a console task (G-8)."""
        return bool(self.waiting)

    @property
    def early(self) -> list[IgnoredMessage]:
        """The ignored messages that may still apply later."""
        return [message for message in self.ignored if message.early is not None]

    # Changing; for CaseMachine alone.

    def remember(self, order: str | None, snapshot: Snapshot) -> None:
        """Keep the snapshot of a chart."""
        if order is None:
            self.snapshot = snapshot
        else:
            self.orders[order] = snapshot

    def set_deadline(self, order: str | None, state: str, deadline: datetime) -> None:
        """Replace the computed deadline of a state by the platform's own (G-1)."""
        snapshot = self.snapshot_of(order)
        self.remember(order, replace(snapshot, given={**snapshot.given, state: deadline}))
        self.expiries = [expiry for expiry in self.expiries if (expiry.order, expiry.state) != (order, state)]

    def record(self, entry: TimelineEntry) -> None:
        """Append an entry to the timeline."""
        self.timeline.append(entry)

    def book(self, entry: LedgerEntry) -> bool:
        """Add a ledger entry unless its key exists; return whether it was added."""
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
        """Record that a clock of the platform has run out and must be resolved with it (G-2)."""
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
        """Record that a reminder or notification was delivered."""
        sent.delivered = True

    def mark_undelivered(self, sent: SentReminder | Notification, why: str | None) -> None:
        """Record why it could not be delivered; None if it was cancelled because the case had moved on."""
        sent.delivered = False
        if why is not None:
            sent.why = clipped(why)

    def first_time(self, report: Report) -> bool:
        """Return whether a message is new; a report from a record may come again until it applies."""
        if report.message_id is None:
            return True
        if report.message_id in self.seen:
            return False
        if not report.look:
            self.mark_seen(report)
        return True

    def mark_seen(self, report: Report) -> None:
        """Remember a message's id, so that the message counts once."""
        if report.message_id is not None:
            self.seen.append(report.message_id)
            del self.seen[:-SEEN_KEPT]

    def hold(self, report: Report) -> None:
        """Keep a message until the open expiry is resolved."""
        self.held.append(report)

    def release_held(self) -> list[Report]:
        """Return the held messages, and forget them."""
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
        """Remove a message that came early and applies now from the ignored ones."""
        self.ignored.remove(message)
        self.ignored_in_all -= 1

    def _serial(self) -> int:
        """Return the next serial number; a case never uses one twice."""
        self.last_serial += 1
        return self.last_serial
