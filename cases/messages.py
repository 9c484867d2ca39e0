"""The messages between a case's workflow and the world, as strict models."""

from typing import Any

from cases.models import Id, Instant, Strict, Text


class Opening(Strict):
    """The input that opens a case: the platform's record, and figures (all of them pinned, or some to set)."""

    facts: dict[str, Any]
    policy: dict[str, Any] = {}


class Report(Strict):
    """A platform's message: which rule happened, when, and the deadline that the platform itself gives (G-1).

    ``message_id`` is the platform's own: a message seen before changes nothing (G-3).  ``otherwise`` names the rules
    that the same fact means in other states; the first that applies in the current state counts.  ``look``: it was read
    from the platform's record and may be old, so that it is not kept as ignored where it does not apply.
    """

    message_id: Text | None = None
    rule: Text | None = None
    otherwise: tuple[Text, ...] = ()
    form: dict[str, Any] | None = None
    order: Text | None = None
    occurred_at: Instant | None = None
    deadline: Instant | None = None
    look: bool = False


class EffectCall(Strict):
    """An effect to perform; ``key`` (case id / serial number) makes performing it twice the same as once."""

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
    """A step that the platform offers no interface for (G-8): which page to open, and what to do there."""

    page: str
    instruction: str


class EffectOutcome(Strict):
    """How performing an effect ended: done, or handed to the operator as a console task."""

    console_task: ConsoleTask | None = None


class ExpiryQuery(Strict):
    """The question to the platform, when a clock it runs has run out, what really happened (G-2)."""

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

    ``rule`` happened (with ``form``, at ``occurred_at``), or the clock runs until ``deadline``; neither: the platform
    has no record, and the policy's own event counts.
    """

    rule: str | None = None
    form: dict[str, Any] | None = None
    occurred_at: Instant | None = None
    deadline: Instant | None = None


class Reminder(Strict):
    """A deadline of the merchant or provider that is near (G-5)."""

    case_id: str
    process: str
    shop_id: str
    state: str
    state_label: str
    rule: str
    rule_label: str
    deadline: Instant
    order: str | None = None


class ActionRequired(Strict):
    """A step that waits for a person: it failed (``why``, G-7) or has no interface (``task``, G-8).

    ``serial`` is the step's.  ``escalates``: it is more than a task.  ``deadline``: the nearest of the operators'.
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


class CatchUpScope(Strict):
    """The shop whose records are read."""

    platform: Id
    shop_id: Id


class CatchUpCall(CatchUpScope):
    """The request to read what changed between two instants, both included."""

    since: Instant
    until: Instant


class CatchUp(Strict):
    """The counts of a run: records that changed, cases opened for them, and records that failed."""

    records: int = 0
    opened: int = 0
    failed: int = 0
