"""The inputs and results of a case's workflow and of its activities, as strict models."""

from typing import Any

from cases.models import Id, Instant, Strict, Text


class Opening(Strict):
    """The input that opens a case: the platform's record, and the figures: all pinned, or only the shop's."""

    facts: dict[str, Any]
    policy: dict[str, Any] = {}


class Report(Strict):
    """A platform's message: which rule fired, when, and the deadline that the platform itself sets (G-1).

    ``message_id`` is the platform's own: a message seen before changes nothing (G-3).  ``otherwise`` names other rules
    that the message may stand for; the first that applies in the current state counts.  ``look``: the report was read
    from the platform's record and may be old news; if it does not apply, it is dropped instead of kept as ignored.
    ``states`` are those to whose clock the ``deadline`` can belong; empty if the platform does not say.
    """

    message_id: Text | None = None
    rule: Text | None = None
    otherwise: tuple[Text, ...] = ()
    form: dict[str, Any] | None = None
    order: Text | None = None
    occurred_at: Instant | None = None
    deadline: Instant | None = None
    states: tuple[Text, ...] = ()
    look: bool = False


class EffectCall(Strict):
    """An effect to perform; ``key`` (case id / serial number) makes performing it twice have the effect of once."""

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

    ``already``: the platform had it done before this call, so that nothing was sent.  ``said``: the platform's own words.
    """

    console_task: ConsoleTask | None = None
    already: bool = False
    said: Text | None = None


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
    form: dict[str, Any] | None = None
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

    ``serial`` is the step's number.  ``escalates``: the step is urgent, not an ordinary task.  ``deadline`` is the
    nearest of the operators.  ``key`` is the idempotency key.
    """

    case_id: str
    process: str
    shop_id: str
    serial: int
    step: str
    escalates: bool = False
    why: str | None = None
    task: ConsoleTask | None = None
    order: str | None = None
    deadline: Instant | None = None
    key: str = ""


class CatchUpScope(Strict):
    """The shop whose records are to be read."""

    platform: Id
    shop_id: Id


class CatchUpCall(CatchUpScope):
    """The request to read what changed between two instants, both included."""

    since: Instant
    until: Instant


class CatchUp(Strict):
    """The counts of a run: records that changed, cases opened for them, records that could not be reported."""

    records: int = 0
    opened: int = 0
    failed: int = 0
