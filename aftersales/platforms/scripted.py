"""A platform that follows a script: for development and simulation."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from aftersales.platforms.journal import Journal
from cases.errors import PlatformRefused, PlatformUnreachable
from cases.messages import EffectCall, EffectOutcome, ExpiryOutcome, ExpiryQuery
from cases.models import Strict

Failure = Literal["business", "unreachable"]
SETTLE = "settle"


class Script(Strict):
    """The answers of the platform: what its clocks led to, and which calls fail.

    Without an answer for a clock the platform has no record, so that the policy's own event counts.
    """

    settle: Mapping[str, ExpiryOutcome] = Field(default_factory=dict)
    fail: Mapping[str, Failure] = Field(default_factory=dict)


class ScriptedPlatform:
    """A platform that performs every call once, by its key, and keeps a journal of them."""

    def __init__(self, script: Script | None = None, journal: Journal | None = None) -> None:
        """Follow a script (without one everything succeeds), and remember calls in a journal."""
        self._script = script or Script()
        self._journal = journal or Journal()

    async def perform(self, call: EffectCall) -> EffectOutcome:
        """Perform an effect, or fail as the script says."""
        if call.key in self._journal.rows:
            return EffectOutcome(already=True)
        self._fail(call.effect)
        self._journal.write(call.key, {"effect": call.effect, "shop_id": call.shop_id, "at": call.at.isoformat()})
        return EffectOutcome()

    async def resolve_expiry(self, question: ExpiryQuery) -> ExpiryOutcome:
        """Return the script's answer for the clock; a deadline that it set is over once asked about itself."""
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
