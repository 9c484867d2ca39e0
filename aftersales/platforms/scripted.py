"""A platform that does as it is told: for development and simulation."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from aftersales.platforms.journal import Journal
from cases.errors import PlatformRefused, PlatformUnreachable
from cases.messages import EffectCall, ExpiryOutcome, ExpiryQuery
from cases.models import Strict

Failure = Literal["business", "unreachable"]
SETTLE = "settle"


class Script(Strict):
    """How the platform answers: what each of its clocks really led to, and which calls fail.

    Without an answer for a clock the platform has no record, so that the policy's own event counts.
    """

    settle: Mapping[str, ExpiryOutcome] = Field(default_factory=dict)
    fail: Mapping[str, Failure] = Field(default_factory=dict)


class ScriptedPlatform:
    """Performs every call once, by its key, and keeps it in a journal."""

    def __init__(self, script: Script | None = None, journal: Journal | None = None) -> None:
        """Follow a script (without one everything succeeds), and remember calls in a journal."""
        self._script = script or Script()
        self._journal = journal or Journal()

    async def perform(self, call: EffectCall) -> None:
        """Do what the effect says, or fail as the script says."""
        if call.key in self._journal.rows:
            return
        self._fail(call.effect)
        self._journal.write(call.key, {"effect": call.effect, "shop_id": call.shop_id, "at": call.at.isoformat()})

    async def settle(self, question: ExpiryQuery) -> ExpiryOutcome:
        """Say what the script says of the clock; a deadline it gave is over once it is asked about that one."""
        self._fail(SETTLE)
        answer = self._script.settle.get(question.rule, ExpiryOutcome())
        over = answer.rule is None and answer.deadline is not None and answer.deadline <= question.due
        return ExpiryOutcome() if over else answer

    def _fail(self, what: str) -> None:
        how = self._script.fail.get(what)
        if how == "business":
            raise PlatformRefused(f"平台拒绝 / the platform refused: {what}")
        if how == "unreachable":
            raise PlatformUnreachable(f"平台无响应 / the platform did not answer: {what}")
