"""The inputs and results of a case's workflow and of its activities, as strict models."""

import operator
from typing import Any

from pydantic import Field

from cases.ledger import Ending, ToldFact
from cases.models import Excerpt, FormData, Id, Instant, Name, Strict

MOST_OTHERWISE = 10
"""The most rules or states that a message may stand for."""


class Opening(Strict):
    """The input that opens a case: the platform's record, and the figures that the shop has set."""

    facts: dict[str, Any]
    policy: dict[str, Any] = {}


class Report(Strict):
    """A platform's message: which rule fired, when, and the deadline that the platform itself sets (G-1).

    ``message_id`` is the platform's own: a message seen before changes nothing (G-3).  ``otherwise`` names other rules
    that the message may stand for; the first that applies in the current state counts.  ``look``: the report was read
    from the platform's record and may be old news; if it does not apply, it is dropped instead of kept as ignored.
    ``states`` are those to whose clock the ``deadline`` can belong; empty if the platform does not say.
    """

    message_id: Name | None = None
    rule: Name | None = None
    otherwise: tuple[Name, ...] = Field(default=(), max_length=MOST_OTHERWISE)
    form: FormData | None = None
    order: Name | None = None
    occurred_at: Instant | None = None
    deadline: Instant | None = None
    states: tuple[Name, ...] = Field(default=(), max_length=MOST_OTHERWISE)
    look: bool = False


class ToldFacts(Strict):
    """What other cases told one before it was opened (G-15), oldest first."""

    facts: tuple[ToldFact, ...] = ()


def told_report(fact: ToldFact) -> Report:
    """Return a fact that another case told as a report."""
    return Report(message_id=fact.key, rule=fact.rule, form=fact.form, occurred_at=fact.occurred_at)


class EffectCall(Strict):
    """An effect to perform, or a decision to submit.

    ``key`` (case id, effect, and what caused it) makes performing it twice have the effect of once.
    """

    key: str
    case_id: str
    process: str
    shop_id: str
    effect: str
    label: str
    rule: str
    at: Instant
    order: str | None = None
    facts: dict[str, Any]
    form: dict[str, Any] | None = None


class ConsoleTask(Strict):
    """A step for which the platform has no interface (G-8): the page to open, and what to do there."""

    page: str
    instruction: str


class EffectOutcome(Strict):
    """The result of performing an effect: done, or handed to the operator as a console task.

    ``already``: the platform had it done before this call, so that nothing was sent.  ``said``: the platform's words.
    """

    console_task: ConsoleTask | None = Field(default=None, exclude_if=operator.not_)
    already: bool = Field(default=False, exclude_if=operator.not_)
    said: Excerpt | None = Field(default=None, exclude_if=operator.not_)


class ExpiryQuery(Strict):
    """The question to the platform what happened, once a clock that it runs has run out (G-2)."""

    key: str
    case_id: str
    process: str
    shop_id: str
    state: str
    rule: str
    due: Instant
    order: str | None = None
    facts: dict[str, Any]


class ExpiryOutcome(Strict):
    """The platform's answer.

    ``rule`` fired (with ``form``, at ``occurred_at``), or the clock runs until ``deadline`` (set at ``occurred_at``).
    If both are None the platform has no record, and the clock's own rule fires.
    """

    rule: str | None = None
    form: FormData | None = None
    occurred_at: Instant | None = None
    deadline: Instant | None = None


class Reminder(Strict):
    """An approaching deadline of the merchant or provider (G-5); ``key`` is its idempotency key."""

    case_id: str
    process: str
    shop_id: str
    state: str
    state_label: str
    rule: str
    rule_label: str
    deadline: Instant
    order: str | None = None
    key: str = ""


class ActionRequired(Strict):
    """A step that waits for a person: it failed (``why``, G-7) or has no interface (``task``, G-8).

    ``serial`` is the step's number, None if it is about the case as a whole.  ``escalates``: the step is urgent, not an
    ordinary task.  ``deadline`` is the nearest of the operators.  ``key`` is the idempotency key.
    """

    case_id: str
    process: str
    shop_id: str
    serial: int | None
    step: str
    escalates: bool = False
    why: str | None = None
    task: ConsoleTask | None = None
    order: str | None = None
    deadline: Instant | None = None
    key: str = ""


class NoticeDelivery(Strict):
    """A notice to be sent through one channel of its shop.

    ``task_queue`` is that of the channel's robot, whose rate Temporal keeps; None: any worker's own.  ``at``: when the
    channel's quiet hours end, None if it may be sent now.
    """

    channel: str
    notice: dict[str, Any]
    task_queue: str | None = Field(default=None, exclude_if=operator.not_)
    at: Instant | None = Field(default=None, exclude_if=operator.not_)

    @property
    def case_id(self) -> str | None:
        """The case that the notice is about."""
        return self.notice.get("case_id")


class NoticeDeliveries(Strict):
    """What is left to be sent of one notice: a delivery for each channel that takes it."""

    deliveries: tuple[NoticeDelivery, ...]


class NoticeSent(Strict):
    """What became of a delivery: sent, or put off until quiet hours that have begun meanwhile end."""

    put_off_until: Instant | None = Field(default=None, exclude_if=operator.not_)


class CatchUpScope(Strict):
    """The shop whose records are to be read; the first run begins at ``since`` if it is given."""

    platform: Id
    shop_id: Id
    since: Instant | None = None


class CatchUpCall(Strict):
    """The request to read what changed in a shop between two instants, both included."""

    platform: Id
    shop_id: Id
    since: Instant
    until: Instant


class CatchUp(Strict):
    """The counts of a run: records that changed, cases opened for them, records that could not be reported."""

    records: int = 0
    opened: int = 0
    failed: int = 0


class CatchUpProgress(CatchUp):
    """The progress of a run so far: its counts, and the cases whose records have been looked at."""

    done: tuple[str, ...] = ()


class EndedCase(Strict):
    """A case whose workflow ended without the case having ended; ``run_id`` is the run that ended."""

    case_id: str
    process: str
    shop_id: str
    order: str | None
    opened_at: Instant
    run_id: str
    ending: Ending
    at: Instant


class EndedLookCall(Strict):
    """The request to look for cases whose workflows ended since an instant; None means ever."""

    since: Instant | None


class EndedLook(Strict):
    """The counts of a look: cases that ended early, those of them that are news, running cases new to the ledger."""

    ended: int = 0
    news: int = 0
    registered: int = 0
