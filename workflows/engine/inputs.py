"""The inputs of a case: what people decided, what platforms reported, and what a platform answered about its clocks.

A case keeps them, with the instant at which each happened and the one at which the case was told.  Everything else
follows from them in the order in which they happened (G-11).
"""

import json
import operator
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from cases.messages import ExpiryOutcome, Report
from cases.models import Instant
from workflows.engine.sender import InputSender

INPUTS_KEPT = 200
"""Inputs that a case keeps; of more it makes a checkpoint, beyond which it cannot go back."""
INPUT_BYTES_KEPT = 256 * 1024
"""Bytes of the forms of all kept inputs."""

Status = Literal["waiting", "applied", "held", "ignored", "echo"]


class Input(BaseModel):
    """One input, and what became of it.

    ``key`` identifies it: the id of the update or message.  ``dated``: the instant at which it happened was told with
    it.  ``held``: it waits until the platform has said what a clock led to.  ``echo``: it only repeats a decision of
    ours.  ``size``: the bytes of its form.  ``at_checkpoint``: it was still waiting when the checkpoint was made, as it
    says.  ``asked``: when a decision was given that the platform took only after the time for it was over.
    ``early``: it happened before the case began, so that it comes before all that follows from the beginning.
    ``repeats``: the decision that it was taken to repeat, if it may have been another event, which an earlier fact that
    is still to be told made possible.
    """

    serial: int
    key: str
    kind: Literal["decision", "report"]
    rule: str | None
    otherwise: tuple[str, ...] = ()
    order: str | None = None
    form: dict[str, Any] | None = None
    deadline: Instant | None = None
    states: tuple[str, ...] = ()
    happened: Instant
    told: Instant
    dated: bool = True
    look: bool = False
    message_id: str | None = None
    by: str | None = None
    actor: str | None = None
    way: str | None = None
    status: Status = "waiting"
    why: str | None = None
    size: int = 0
    at_checkpoint: Status | None = None
    asked: Instant | None = Field(default=None, exclude_if=operator.not_)
    early: bool = Field(default=False, exclude_if=operator.not_)
    repeats: int | None = Field(default=None, exclude_if=operator.not_)

    @property
    def judged_at(self) -> datetime:
        """The instant for which windows of time, and what a form must fit, are looked at."""
        return self.asked or self.happened

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that it may stand for, the likeliest first."""
        return () if self.rule is None else (self.rule, *self.otherwise)

    @property
    def place(self) -> tuple[datetime, bool, int]:
        """Its place among the inputs: by the instant at which it happened, then as told."""
        return self.happened, not self.early, self.serial


class ExpiryAnswer(BaseModel):
    """What a platform answered about one of its clocks that had run out (G-2).

    ``recorded``: the platform's record says it, and it is not reopened (G-11).  Without a record the clock's own rule
    is assumed, until a fact says otherwise.
    """

    order: str | None
    state: str
    rule: str
    due: Instant
    told: Instant
    outcome: ExpiryOutcome

    @property
    def recorded(self) -> bool:
        """Whether the platform's record decided."""
        return self.outcome.rule is not None or self.outcome.deadline is not None

    @property
    def clock(self) -> tuple[str | None, str, str, datetime]:
        """The clock that it is about: order, state, rule and instant."""
        return self.order, self.state, self.rule, self.due


def of_report(report: Report, serial: int, now: datetime, began: datetime, sender: InputSender) -> Input:
    """Return a report as an input; nothing happens before the case began, nor later than it is told."""
    happened = max(began, min(report.occurred_at or now, now))
    return Input(
        serial=serial,
        key=report.message_id or f"{report.rule or 'deadline'}@{happened.isoformat()}",
        kind="report",
        rule=report.rule,
        otherwise=report.otherwise,
        order=report.order,
        form=report.form,
        deadline=report.deadline,
        states=report.states,
        happened=happened,
        told=now,
        dated=report.occurred_at is not None,
        look=report.look,
        message_id=report.message_id,
        actor=sender.name,
        way=sender.way,
        size=size_of(report.form),
    )


def size_of(form: dict[str, Any] | None) -> int:
    """Return the bytes of a form as JSON."""
    return len(json.dumps(form, ensure_ascii=False).encode()) if form else 0
