"""A case without Temporal, whose instants tests write as offsets from its beginning."""

from datetime import datetime, timedelta
from typing import Any, Self

from cases.messages import ExpiryOutcome, Opening
from tests.support.rules.machines import OPENED, PromptMachine, after, submitted
from workflows.engine.process import Process


class UntimedCase:
    """A case of a process that was opened just now; its platform takes every decision at once."""

    def __init__(
        self,
        process: Process,
        own_id: str,
        record: dict[str, Any],
        policy: dict[str, Any] | None = None,
        edition: str | None = None,
    ) -> None:
        case = process.open_case(Opening(facts=record, policy=policy or {}), edition)
        self.machine = PromptMachine(process, f"{process.name}/{own_id}", case, now=OPENED)
        self.machine.advance(OPENED)

    @property
    def state(self) -> str:
        (state,) = self.machine.state.snapshot.entered
        return state

    @property
    def rules(self) -> list[str]:
        """The rules that fired."""
        return [entry.rule for entry in self.machine.state.timeline]

    @property
    def fired(self) -> list[tuple[str, datetime]]:
        return [(entry.rule, entry.at) for entry in self.machine.state.timeline]

    @property
    def clauses(self) -> dict[str, str]:
        """The clause of every rule that fired."""
        return {entry.rule: entry.clause for entry in self.machine.state.timeline}

    @property
    def pending(self) -> list[str]:
        return [effect.effect for effect in self.machine.state.pending]

    @property
    def submitted(self) -> list[str]:
        return submitted(self.machine)

    @property
    def clocks(self) -> dict[str, datetime]:
        return {deadline.rule: deadline.due for deadline in self.machine.deadlines()}

    def until(self, offset: str, *, by: timedelta = timedelta(0)) -> Self:
        """Let time pass; a clock of the platform is settled as the policy says."""
        now = after(offset) + by
        self.machine.advance(now)
        while self.machine.state.expiries:
            self.machine.resolve_expiry(self.machine.state.expiries[0].serial, ExpiryOutcome(), now)
            self.machine.advance(now)
        return self

    def act(self, offset: str, rule: str, form: dict[str, Any] | None = None, *, by: timedelta = timedelta(0)) -> Self:
        self.until(offset, by=by)
        self.machine.decide(rule, form, after(offset) + by)
        return self
