"""The state of a case, which is carried over when the workflow continues as new.

``Course`` is what follows from the inputs; it can be worked out again at any time.  ``CaseState`` adds the inputs
themselves and what was done about them: calls made, reminders sent, decisions being submitted.
"""

import operator
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, WrapSerializer

from cases.ledger import LedgerEntry, Undone
from cases.messages import ConsoleTask, Report
from cases.models import Instant, clipped
from statecharts.chart import Deadline, Snapshot
from workflows.engine.inputs import ExpiryAnswer, Input

SEEN_KEPT = 2000
"""Message ids kept for de-duplication; a case ordinarily receives some tens."""
IGNORED_KEPT = 100
"""Ignored messages kept; older ones are only counted."""
EARLY_KEPT = 50
"""Ignored messages that are judged again when an earlier fact becomes known."""
TIMELINE_KEPT = 500
"""Rules kept that fired; older ones are only counted."""
DONE_KEPT = 200
"""Effects, decisions, reminders and notifications kept of those that are over."""

EffectStatus = Literal["pending", "done", "console_task", "needs_operator", "refused", "dropped"]
BEING_SUBMITTED = ("pending", "console_task", "needs_operator")


class TimelineEntry(BaseModel):
    """A rule that fired; states of an order's chart begin with the order, as in ``O2.waived``.

    ``input`` is the serial number of the decision or report that fired it, None for a clock.  ``actor`` and ``way``
    say who gave it and how (G-13), ``told`` when the case learned of it.  ``assumed``: the platform has no record of
    what its clock led to.  ``missed``: the deadlines of ours that ended with it and had been missed, by rule.
    """

    at: Instant
    rule: str
    by: str
    left: list[str]
    reached: list[str]
    clause: str
    order: str | None = None
    input: int | None = None
    actor: str | None = None
    way: str | None = None
    told: Instant | None = None
    form: dict[str, Any] | None = None
    assumed: bool = False
    missed: Annotated[dict[str, Instant], Field(exclude_if=operator.not_)] = Field(default_factory=dict)

    @property
    def identity(self) -> tuple[Any, ...]:
        """What makes two entries the same event."""
        return self.at, self.rule, self.order, self.input, self.left, self.reached


class IgnoredMessage(BaseModel):
    """A message that did not apply, when it was told and when it happened, and why it was ignored (G-3).

    ``input`` is its serial number if it may still apply once an earlier fact becomes known.
    """

    at: Instant
    rule: str | None
    message_id: str | None
    why: str
    occurred_at: Instant | None = None
    input: int | None = None


class EffectState(BaseModel):
    """An effect: what is to be done for which rule, its status, and why it is stuck.

    ``key`` names the effect and what caused it, so that it is performed once whatever becomes of the history.
    ``entry`` is the key of its ledger entry, if it has one; ``note`` was left by the operator who did it by hand.
    ``handled_by`` and ``handled_way`` say who last retried it or did it by hand, and which way that came (G-13).
    ``unneeded``: another rule made it unnecessary, so that it counts as done.  ``obsolete``: it was performed, but
    what it followed from was taken back.  ``told``: the form with which it tells other cases a fact, also once it has;
    ``withdrawn``: cases that are opened later are no longer told.
    """

    serial: int
    key: str
    effect: str
    rule: str
    at: Instant
    order: str | None = None
    form: dict[str, Any] | None = None
    entry: str | None = None
    status: EffectStatus = "pending"
    ended: Instant | None = None
    why: str | None = None
    task: ConsoleTask | None = None
    note: str | None = None
    handled_by: str | None = None
    handled_way: str | None = None
    unneeded: bool = False
    obsolete: bool = False
    told: dict[str, Any] | None = Field(default=None, exclude_if=operator.not_)
    withdrawn: bool = Field(default=False, exclude_if=operator.not_)

    def complete(self, at: datetime, *, task: ConsoleTask | None = None, note: str | None = None) -> None:
        """Mark the effect as done, or as handed to an operator as a console task (G-8)."""
        self.status, self.ended, self.why = "console_task" if task else "done", at, None
        self.task, self.note = task or self.task, note or self.note
        if task is None:
            self.form = None  # what is done needs it no more

    def fail(self, at: datetime, why: str) -> None:
        """Leave the effect to an operator (G-7)."""
        self.status, self.ended, self.why = "needs_operator", at, why

    def retry(self) -> None:
        """Mark the effect to be performed again, under the same idempotency key."""
        self.status, self.why = "pending", None

    def call_off(self, at: datetime) -> None:
        """Mark the effect as done because it is no longer needed."""
        if self.status != "done":
            self.complete(at)
            self.unneeded = True

    def call_again(self) -> None:
        """Take back that the effect was not needed."""
        if self.unneeded:
            self.status, self.ended, self.unneeded = "console_task" if self.task else "pending", None, False

    def handled(self, name: str | None, way: str) -> None:
        """Note who has taken care of the effect, and which way that came (G-13)."""
        self.handled_by, self.handled_way = name, way


class Decision(EffectState):
    """A decision, and whether the platform has taken it (G-10); ``effect`` is empty if the platform need not.

    ``by`` is the party whose decision it is, or ``default``; ``actor`` and ``way`` say who gave it and how (G-13).
    ``stay`` holds the states from which it was given, with the instants of their entry; once the case has left them
    the decision is dropped.  It is empty for one that was possible only when it was given, earlier.  ``said``: the
    platform's words.  ``telling``: the operators must be notified of its end.
    """

    by: str
    actor: str | None = None
    way: str | None = None
    stay: dict[str, Instant] = Field(default_factory=dict)
    said: str | None = None
    telling: bool = False
    echoed: bool = False

    @property
    def being_submitted(self) -> bool:
        """Whether the platform has neither taken nor refused it, and the case still waits for that."""
        return self.status in BEING_SUBMITTED

    def end(self, status: Literal["refused", "dropped"], at: datetime, why: str, *, tell: bool) -> None:
        """Mark the decision as not taken, with the reason."""
        self.status, self.ended, self.why, self.telling = status, at, clipped(why), tell
        if status == "refused":  # one that was dropped may still turn out to have been carried out before
            self.form = None


class ExpiryCheck(BaseModel):
    """A clock of the platform that has run out (G-2); ``why`` is set if it cannot be resolved without an operator.

    ``asked`` counts the answers that the platform had not decided yet.
    """

    serial: int
    state: str
    rule: str
    due: Instant
    order: str | None = None
    why: str | None = None
    asked: int = 0

    @property
    def clock(self) -> tuple[str | None, str, str, datetime]:
        """The clock that has run out: order, state, rule and instant."""
        return self.order, self.state, self.rule, self.due

    @property
    def key(self) -> str:
        """What identifies it, as an effect's key does: the clock, with its order."""
        return f"{self.rule}/{self.order or ''}/{self.state}/{self.due.isoformat()}"

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
    """A notification that the step ``serial`` waits for a person, or that a decision was not taken.

    Without a ``serial`` it is about the case's outcome, and ``over`` once another outcome has taken its place.
    ``ending``: it is about the end of a decision.  ``notice``: it is what the chart itself has to say, and waits for
    nobody.  ``over``: the step no longer waits for a person.  ``delivered`` and ``why`` mean the same as for a
    reminder.
    """

    at: Instant
    serial: int | None
    ending: bool = False
    notice: bool = Field(default=False, exclude_if=operator.not_)
    over: bool = False
    delivered: bool | None = None
    why: str | None = None


def _without_empty_firings(snapshot: Snapshot, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
    """Write the firings only of a chart that counts from them: the histories of the others do not have them."""
    written: dict[str, Any] = dump(snapshot)
    if not snapshot.fired:
        del written["fired"]
    return written


ChartSnapshot = Annotated[Snapshot, WrapSerializer(_without_empty_firings)]


class Course(BaseModel):
    """What followed from the inputs, up to the instant ``frontier``; ``snapshot`` is that of the case's own chart.

    ``orders`` are the snapshots of its orders' charts; ``ledger`` the entries in force; ``undone`` those that a rule
    has taken back, and ``undone_across`` what it took back of other cases' entries; ``answered`` the clocks whose end
    the platform's record has decided.
    """

    snapshot: ChartSnapshot = Field(default_factory=Snapshot)
    orders: dict[str, ChartSnapshot] = Field(default_factory=dict)
    frontier: Instant | None = None
    timeline: list[TimelineEntry] = Field(default_factory=list)
    fired_in_all: int = 0
    ledger: list[LedgerEntry] = Field(default_factory=list)
    undone: list[LedgerEntry] = Field(default_factory=list, exclude_if=operator.not_)
    undone_across: list[Undone] = Field(default_factory=list, exclude_if=operator.not_)
    effects: list[EffectState] = Field(default_factory=list)
    expiries: list[ExpiryCheck] = Field(default_factory=list)
    answered: list[tuple[str | None, str, str, Instant]] = Field(default_factory=list)


class Checkpoint(BaseModel):
    """The course up to an instant before which the case cannot go back, and what the case's context was then."""

    course: Course
    context: dict[str, Any]


class CaseState(Course):
    """The state of a case, apart from its facts, its policy and what its forms have added.

    Late facts have undone (G-11) what is in ``reversed`` (ledger entries), ``taken_back`` (rules) and ``obsolete``
    (effects).  ``given_up`` are the expiries that the platform did not answer, also those that a fact has resolved
    since.  ``recorded`` says what the ledger knows.  ``heard``: what other cases told before this one was opened is
    known.  Only ``CaseMachine`` may call the methods that change a state.
    """

    began: Instant | None = None
    last_serial: int = 0
    inputs: list[Input] = Field(default_factory=list)
    answers: list[ExpiryAnswer] = Field(default_factory=list)
    checkpoint: Checkpoint | None = None
    decisions: list[Decision] = Field(default_factory=list)
    ignored: list[IgnoredMessage] = Field(default_factory=list)
    ignored_in_all: int = 0
    seen: list[str] = Field(default_factory=list)
    reminders: list[SentReminder] = Field(default_factory=list)
    notifications: list[Notification] = Field(default_factory=list)
    reversed: list[LedgerEntry] = Field(default_factory=list)
    taken_back: list[TimelineEntry] = Field(default_factory=list)
    obsolete: list[EffectState] = Field(default_factory=list)
    given_up: list[ExpiryCheck] = Field(default_factory=list)
    recorded: str = ""
    heard: bool = Field(default=False, exclude_if=operator.not_)

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
        """The effects that are still to be performed, in order; ledger entries are recorded together."""
        return [effect for effect in self.effects if effect.status == "pending" and effect.entry is None]

    @property
    def submissions(self) -> list[Decision]:
        """The decisions that are being submitted."""
        return [decision for decision in self.decisions if decision.being_submitted]

    def submission(self, order: str | None) -> Decision | None:
        """Return the decision about an order, or about the case itself, that is being submitted."""
        return next((decision for decision in self.submissions if decision.order == order), None)

    def decision(self, key: str) -> Decision | None:
        """Return the decision that was given under a key."""
        return next((decision for decision in self.decisions if decision.key == key), None)

    def decision_numbered(self, serial: int) -> Decision | None:
        """Return the decision of a serial number."""
        return next((decision for decision in self.decisions if decision.serial == serial), None)

    def effect(self, serial: int) -> EffectState | None:
        """Return the effect of a serial number, unless the case no longer has it."""
        return next((effect for effect in self.effects if effect.serial == serial), None)

    @property
    def in_vain(self) -> list[EffectState]:
        """The effects that were performed for what was taken back."""
        return [effect for effect in self.obsolete if effect.obsolete]

    @property
    def stuck(self) -> list[EffectState]:
        """The effects and decisions that wait for a person: console tasks and those that need an operator."""
        steps: list[EffectState] = [*self.effects, *self.decisions]
        return [step for step in steps if step.status in ("console_task", "needs_operator")]

    @property
    def unresolved(self) -> list[ExpiryCheck]:
        """The expiries that do not need an operator: the platform is still being asked."""
        return [expiry for expiry in self.expiries if expiry.why is None]

    def expiry(self, serial: int) -> ExpiryCheck | None:
        """Return the expiry of that serial number, or None if it has been resolved."""
        return next((expiry for expiry in self.expiries if expiry.serial == serial), None)

    def answer_to(self, clock: tuple[str | None, str, str, datetime]) -> ExpiryAnswer | None:
        """Return what the platform answered about a clock."""
        return next((answer for answer in self.answers if answer.clock == clock), None)

    @property
    def waiting(self) -> dict[int, EffectState | ExpiryCheck]:
        """The steps that wait for a person, by serial number."""
        steps: list[EffectState | ExpiryCheck] = [*self.stuck, *(expiry for expiry in self.expiries if expiry.why)]
        return {step.serial: step for step in steps}

    @property
    def telling(self) -> list[Decision]:
        """The decisions whose end operators must be notified of."""
        return [decision for decision in self.decisions if decision.telling]

    @property
    def held(self) -> list[Input]:
        """The messages that wait until the platform has said what a clock led to."""
        return [given for given in self.inputs if given.status == "held"]

    @property
    def undelivered(self) -> list[SentReminder | Notification]:
        """The reminders and notifications that could not be delivered."""
        sent: list[SentReminder | Notification] = [*self.reminders, *self.notifications]
        return [message for message in sent if message.why]

    @property
    def needs_operator(self) -> bool:
        """Whether anything failed that only an operator can put right (G-7)."""
        failed = any(step.status == "needs_operator" for step in self.stuck)
        return failed or any(expiry.why for expiry in self.expiries)

    @property
    def waits_for_operator(self) -> bool:
        """Whether anything waits for an operator: a failed step, or a console task (G-8)."""
        return bool(self.waiting)

    def input(self, serial: int | None) -> Input | None:
        """Return the input of a serial number, if it is still kept."""
        return next((given for given in self.inputs if given.serial == serial), None)

    # Changing; for CaseMachine alone.

    def next_serial(self) -> int:
        """Return the next serial number; a case never uses one twice."""
        self.last_serial += 1
        return self.last_serial

    def remember(self, order: str | None, snapshot: Snapshot) -> None:
        """Keep the snapshot of a chart."""
        if order is None:
            self.snapshot = snapshot
        else:
            self.orders[order] = snapshot

    def advance_to(self, at: datetime) -> None:
        """Note that everything up to an instant has been processed."""
        self.frontier = at if self.frontier is None else max(self.frontier, at)

    def course(self) -> Course:
        """Return the course as it is, without copying what is in it."""
        return Course.model_construct(**{name: getattr(self, name) for name in Course.model_fields})

    def follow(self, course: Course) -> None:
        """Begin a course again where another one stands; neither changes the other."""
        copy = course.model_copy(deep=True)
        for name in Course.model_fields:
            setattr(self, name, getattr(copy, name))

    def set_deadline(self, order: str | None, state: str, deadline: datetime) -> None:
        """Replace the computed deadline of a state by the platform's own (G-1)."""
        snapshot = self.snapshot_of(order)
        self.remember(order, replace(snapshot, given={**snapshot.given, state: deadline}))
        self.expiries = [expiry for expiry in self.expiries if (expiry.order, expiry.state) != (order, state)]

    def record(self, entry: TimelineEntry) -> None:
        """Append an entry to the timeline."""
        self.timeline.append(entry)
        self.fired_in_all += 1
        del self.timeline[:-TIMELINE_KEPT]

    def book(self, entry: LedgerEntry) -> bool:
        """Add a ledger entry unless its key exists; return whether it was added."""
        if any(booked.key == entry.key for booked in (*self.ledger, *self.undone)):
            return False
        self.reversed = [reversed_ for reversed_ in self.reversed if reversed_.key != entry.key]
        self.ledger.append(entry)
        return True

    def undo(self, kinds: Collection[tuple[str | None, bool, bool]], order: str | None) -> None:
        """Take back the ledger entries of some kinds, of an order's chart or of the case's own.

        A kind is a clause, whether its entries are counted, and whether they are income: a clause may know several.
        """
        for entry in list(self.ledger):
            if (entry.clause, entry.counted, entry.income) in kinds and order in (None, entry.order):
                self.ledger.remove(entry)
                self.undone.append(entry.model_copy(update={"status": "reversed"}))

    def undo_across(self, undone: Undone) -> None:
        """Take back entries of all cases; of several such takings back the last includes those before it."""
        about = (undone.clauses, undone.order, undone.begun_in)
        kept = [other for other in self.undone_across if (other.clauses, other.order, other.begun_in) != about]
        self.undone_across = kept
        self.undone_across.append(undone)

    def expire(self, expiry: ExpiryCheck) -> None:
        """Record that a clock of the platform has run out and must be resolved with it (G-2)."""
        self.expiries.append(expiry)

    def give_up(self, expiry: ExpiryCheck) -> None:
        """Remember that the platform did not answer about an expiry, so that facts may resolve it."""
        self.ask_again(expiry)
        self.given_up.append(expiry.model_copy())
        del self.given_up[:-EARLY_KEPT]

    def ask_again(self, expiry: ExpiryCheck) -> None:
        """Note that the platform is asked again about an expiry."""
        self.given_up = [other for other in self.given_up if other.clock != expiry.clock]

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

    def notify(self, serial: int, at: datetime) -> None:
        """Add a notification to be sent."""
        ending = any(decision.serial == serial for decision in self.telling)
        self.notifications.append(Notification(at=at, serial=serial, ending=ending))

    def give_notice(self, serial: int, at: datetime) -> None:
        """Add a notice of the chart's own to be sent."""
        self.notifications.append(Notification(at=at, serial=serial, notice=True))

    def notify_of_outcome(self, at: datetime) -> None:
        """Add a notification of the case's outcome to be sent, in place of one that is still being sent."""
        self.end_notifications_of_outcome()
        self.notifications.append(Notification(at=at, serial=None))

    def end_notifications_of_outcome(self) -> None:
        """Mark the notifications of an outcome that no longer holds as over."""
        for notification in self.notifications:
            if notification.serial is None:
                notification.over = True

    def end_notifications(self) -> None:
        """Mark the notifications of steps that no longer wait for a person as over."""
        waiting, telling = set(self.waiting), {decision.serial for decision in self.telling}
        for notification in self.notifications:
            if notification.serial is None:
                continue
            if not notification.notice and notification.serial not in (telling if notification.ending else waiting):
                notification.over = True

    def first_time(self, report: Report) -> bool:
        """Return whether a message is new; a report from a record may come again until it applies."""
        return report.message_id is None or report.message_id not in self.seen

    def mark_seen(self, message_id: str | None) -> None:
        """Remember a message's id, so that the message counts once."""
        if message_id is not None and message_id not in self.seen:
            self.seen.append(message_id)
            del self.seen[:-SEEN_KEPT]

    def ignore(self, message: IgnoredMessage) -> None:
        """Keep a message that does not apply; the oldest are forgotten, and can then no longer apply."""
        self.ignored_in_all += 1
        self.ignored.append(message)
        del self.ignored[:-IGNORED_KEPT]
        early = [message for message in self.ignored if message.input is not None]
        for old in early[:-EARLY_KEPT]:
            self.forget([old.input])
            old.input = None

    def unignore(self, serial: int) -> None:
        """Remove a message that applies now from the ignored ones."""
        kept = [message for message in self.ignored if message.input != serial]
        self.ignored_in_all -= len(self.ignored) - len(kept)
        self.ignored = kept

    def forget(self, serials: Iterable[int | None]) -> None:
        """Remove inputs."""
        gone = set(serials)
        self.inputs = [given for given in self.inputs if given.serial not in gone]

    def tidy(self) -> None:
        """Forget the oldest of what is over, so that a case stays small."""
        self.decisions = _newest(self.decisions, lambda decision: not decision.being_submitted and not decision.telling)
        self.effects = _newest(self.effects, lambda effect: effect.status == "done")
        self.notifications = _newest(self.notifications, lambda sent: sent.over and sent.delivered is not None)
        del self.obsolete[:-EARLY_KEPT]
        del self.taken_back[:-TIMELINE_KEPT]


def _newest(things: list[Any], over: Any) -> list[Any]:
    """Return the list without the oldest of those that are over, if they are too many."""
    surplus = sum(map(over, things)) - DONE_KEPT
    if surplus <= 0:
        return things
    old = [thing for thing in things if over(thing)][:surplus]
    return [thing for thing in things if not any(thing is gone for gone in old)]
