"""Deciding on the desk: what was decided is sent once, and what became of it is told in a clerk's words.

The id of a decision is made when its form is shown and comes back with it, so that a double click, a reload or a second
question about its answer is one decision.
"""

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Literal
from weakref import WeakValueDictionary

from pydantic import ValidationError
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from aftersales.desk.access.users import User
from aftersales.desk.chinese import chinese_of
from aftersales.desk.handling.case_reading import CaseReader
from aftersales.desk.handling.happenings import Happening, unseen
from aftersales.runtime.client.decision_client import (
    DecisionUnknown,
    SentDecision,
    decide,
    earlier_answer,
    earlier_argument,
)
from aftersales.runtime.client.known_cases import is_missing
from cases.errors import CaseError, PlatformRefused
from cases.messages import ConsoleTask
from workflows.engine.limits import refuse_oversized
from workflows.engine.view import CaseSummary, CaseView

SENDING_PATIENCE: Final = timedelta(seconds=12)
"""How long a page waits for the answer to a decision before it says that it is being submitted."""
ASKING_PATIENCE: Final = timedelta(seconds=3)
"""How long a page waits for an answer that it only shows."""
_UPDATE_ID: Final = re.compile(r"([a-z_][a-z0-9_]*)\.[0-9a-f]{32}")

OutcomeKind = Literal[
    "taken",
    "refused",
    "being_submitted",
    "dropped",
    "console_task",
    "forbidden",
    "moved",
    "unknown",
    "handled",
]


@dataclass(frozen=True)
class SendingOutcome:
    """What became of a decision.

    ``said``: the platform's words, or why the rules forbid it.  ``task``: what must be done in the platform's console,
    ``serial`` the number of that step.  ``meanwhile``: what has happened since the clerk looked at the case, for which
    it was not sent.
    """

    kind: OutcomeKind
    said: str | None = None
    task: ConsoleTask | None = None
    serial: int | None = None
    meanwhile: Sequence[Happening] = ()

    @property
    def words(self) -> str:
        """What became of it, in Chinese."""
        if self.kind == "taken":  # without words it may be one that no platform has to take
            return "平台已受理" if self.said else "已生效"
        return _WORDS[self.kind]

    @property
    def told(self) -> str:
        """What became of it with the words that were said about it."""
        if not self.said:
            return self.words
        return f"{self.words}(平台回复:{self.said})" if self.kind == "taken" else f"{self.words}:{self.said}"

    @property
    def sent(self) -> bool:
        """Whether the case has, or may have, got the decision."""
        return self.kind not in ("forbidden", "moved")

    @property
    def open(self) -> bool:
        """Whether the answer is still to come."""
        return self.kind in ("unknown", "being_submitted")


_WORDS: Final[dict[OutcomeKind, str]] = {
    "refused": "平台拒绝",
    "being_submitted": "提交中:平台尚未答复,状态与时限不变",
    "dropped": "已作废:案件已经变化",
    "console_task": "提交中:须到平台后台办理,办妥后在下面点「已手工办妥」才算数",
    "forbidden": "没有提交:现在不能这样做",
    "moved": "没有提交:您打开此页之后,案件有了变化,请看过再决定",
    "unknown": "提交中:还没有收到答复,不会重复提交",
    "handled": "已登记",
}


def new_update_id(rule: str) -> str:
    """Return an id for a decision that is about to be shown as a form."""
    return f"{rule}.{uuid.uuid4().hex}"


def rule_sent(update_id: str) -> str | None:
    """Return the rule for which an id was made; None if it is no such id."""
    found = _UPDATE_ID.fullmatch(update_id)
    return found[1] if found else None


class DecisionSender:
    """Sends decisions of the desk, each once."""

    def __init__(self, cases: CaseReader) -> None:
        """Look with this reader whether a case has changed."""
        self._cases = cases
        self._sending: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def send(
        self, client: Client, user: User, decision: SentDecision, seen: str, order: str | None
    ) -> SendingOutcome:
        """Send a decision unless it was sent before, or its clerk has not seen what happened in the case since.

        Raises BadForm for one that is too large, CaseError if no worker tells how the case stands.
        """
        refuse_oversized(decision.argument, decision.rule)
        lock = self._sending.setdefault(decision.update_id, asyncio.Lock())
        async with lock:
            earlier = await earlier_outcome(client, decision.case_id, decision.update_id, SENDING_PATIENCE)
            if earlier is not None:
                return earlier
            case = await self._cases.read(user, decision.case_id)
            if case is not None and (meanwhile := unseen(case, seen, order)):
                return SendingOutcome("moved", meanwhile=meanwhile)
            outcome = await _outcome(decide(client, decision, SENDING_PATIENCE)) or SendingOutcome("handled")
        self._cases.forget(decision.case_id)
        if outcome.kind == "forbidden" and (changed := await self._cases.read(user, decision.case_id)):
            return replace(outcome, meanwhile=unseen(changed, seen, order))
        return outcome


async def earlier_outcome(
    client: Client, case_id: str, update_id: str, patience: timedelta = ASKING_PATIENCE
) -> SendingOutcome | None:
    """Return what became of a decision that was sent before; None if it has not arrived."""
    asked = SentDecision(case_id, rule_sent(update_id) or "", None, update_id)
    return await _outcome(earlier_answer(client, asked, patience))


async def sent_before(client: Client, case_id: str, update_id: str) -> dict[str, Any] | None:
    """Return what was sent with a decision; None if that cannot be told."""
    try:
        return await earlier_argument(client, case_id, update_id, ASKING_PATIENCE)
    except RPCError:
        return None  # the form is not filled again, but the answer is shown


async def _outcome(answering: Awaitable[Any]) -> SendingOutcome | None:
    """Return what an answer says, or why there is none; None if nothing has been asked."""
    try:
        answer = await answering
    except DecisionUnknown:
        return SendingOutcome("unknown")
    except WorkflowUpdateFailedError as failed:
        cause = failed.cause
        said = str(getattr(cause, "message", cause))
        if isinstance(cause, ApplicationError) and cause.type == PlatformRefused.__name__:
            return SendingOutcome("refused", said)
        return SendingOutcome("forbidden", chinese_of(said))
    except RPCError as failed:
        if not is_missing(failed):
            raise CaseError(f"Temporal 不接受 / Temporal does not take it: {failed.message}") from failed
        return SendingOutcome("forbidden", "案件已结束")
    return None if answer is None else _read(answer)


def _read(answer: Any) -> SendingOutcome:
    try:
        summary = CaseSummary.model_validate_json(json.dumps(answer))
    except ValidationError:  # a worker of another release: the decision has been made
        return SendingOutcome("handled")
    kind: OutcomeKind = "console_task" if summary.task else summary.decision or "handled"
    return SendingOutcome(kind, summary.said, summary.task, summary.serial)


def overtaken(case: CaseView, seen: str, order: str | None) -> SendingOutcome:
    """Return that a decision is not possible any more, and what has happened since its clerk looked at the case."""
    return SendingOutcome("forbidden", meanwhile=unseen(case, seen, order))


def as_it_stands(outcome: SendingOutcome, case: CaseView) -> SendingOutcome:
    """Return the outcome of a decision as it is by now: one that was being submitted may have been answered since."""
    for decision in case.decisions:
        if outcome.serial == decision.serial and decision.status != "being_submitted":
            return SendingOutcome(decision.status, decision.said or decision.why)
    return outcome
