"""What people and platforms do during a drill: they give every input until it has certainly arrived, and look."""

import asyncio
import contextlib
import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, ResetReapplyType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from aftersales.runtime.client.decision_client import DecisionUnknown, SentDecision, decide
from aftersales.runtime.client.sender_header import MESSAGES, with_sender
from drills.reships import AMOUNT, BY_OPERATOR, Reship
from drills.stage import Stage
from drills.stories import OPERATOR, PlannedDecision, PlannedMessage, Story

PATIENCE = timedelta(seconds=8)
CALL = timedelta(seconds=5)
ONE_SECOND = timedelta(seconds=1)
"""By so much an instant of the platform may be earlier than ours: it tells whole seconds."""
SHORTEST_PAUSE = 2.0
"""Seconds between two steps of a reship: the platform tells whole ones, so that their order must show in these."""
LONGEST = 240.0
"""Seconds after which what has not been possible counts as never possible."""
STUCK = ("console_task", "needs_operator")
PLATFORM_REFUSED = "PlatformRefused"
COMPLETED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


class NeverPossible(Exception):
    """Something that the calm run could do was not possible in the drill."""


@dataclass(frozen=True)
class Taken:
    """A decision that a case has taken: when it was given and answered."""

    decided: PlannedDecision
    given: datetime
    answered: datetime


def now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


async def until_at(at: datetime) -> None:
    """Wait until an instant."""
    await asyncio.sleep(max(0.0, (at - now()).total_seconds()))


class People:
    """Everybody outside: platforms that report, operators that decide and look; and an administrator who resets."""

    def __init__(self, stage: Stage, draw: random.Random, pause: float) -> None:
        """``pause``: the longest between two steps of a reship, in seconds."""
        self.stage, self._draw, self._pause = stage, draw, pause
        self.did: Counter[str] = Counter()
        self.taken: dict[str, list[Taken]] = defaultdict(list)
        self.waiting: dict[str, datetime] = {}
        """What is tried again and again, and since when."""
        self._told: dict[tuple[str, str], asyncio.Event] = defaultdict(asyncio.Event)
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """What keeps a reset away from a decision that is being given."""
        self._operator, self._platform = with_sender(stage.client, OPERATOR), with_sender(stage.client, MESSAGES)

    # Stories.

    async def live(self, story: Story) -> None:
        """Give a case all that its story has for it, in the order in which it is told: some of it ends the case."""
        again = [asyncio.create_task(self._tell_again(story, told)) for told in story.again]
        try:
            for told in story.told:
                await self._tell(story, told)
            for decided in story.decided:
                await until_at(decided.at)
                await self.decide(story.case_id, decided)
            await asyncio.gather(*again)
        finally:
            for task in again:
                task.cancel()

    async def _tell_again(self, story: Story, told: PlannedMessage) -> None:
        await self._told[story.case_id, told.message["message_id"]].wait()
        await self._tell(story, told, again=True)

    async def _tell(self, story: Story, told: PlannedMessage, *, again: bool = False) -> None:
        await until_at(told.at)

        async def signal() -> bool:
            handle = self._platform.get_workflow_handle(story.case_id)
            try:
                await handle.signal("report", told.message, rpc_timeout=CALL)
            except RPCError as failed:
                if failed.status is not RPCStatusCode.NOT_FOUND:
                    return False
                return again and await self.exists(story.case_id)  # it may have ended
            self.did["signals again" if again else "signals"] += 1
            return True

        await self._until(f"{story.case_id}: {'again ' if again else ''}{told.message}", signal)
        self._told[story.case_id, told.message["message_id"]].set()

    async def exists(self, case_id: str) -> bool:
        """Return whether a case was ever opened; False if nobody answers."""
        try:
            await self.stage.client.get_workflow_handle(case_id).describe(rpc_timeout=CALL)
        except RPCError:
            return False
        return True

    async def _until(self, what: str, possible: Callable[[], Awaitable[bool]]) -> None:
        begun = self.waiting[what] = now()
        while not await possible():
            if (now() - begun).total_seconds() > LONGEST:
                raise NeverPossible(what)
            await asyncio.sleep(self._draw.uniform(0.5, 1.5))
        del self.waiting[what]

    # Decisions.

    async def decide(self, case_id: str, decided: PlannedDecision) -> None:
        """Give a decision until the case has taken it; what the platform refuses is decided again, under a new key."""
        tries, given = 0, now()

        async def attempt() -> bool:
            nonlocal decided, tries, given
            before = now()
            async with self._locks[case_id]:
                became = await self._attempt(case_id, decided, min(given, before))
            if became == "taken":
                self.taken[case_id].append(Taken(decided, min(given, before), now()))
                self.did["updates"] += 1
                return True
            if became == "refused":
                tries, given = tries + 1, now()
                self.did["refusals of the platform"] += 1
                decided = replace(decided, key=f"{decided.key.partition('~')[0]}~{tries}")
            return False

        await self._until(f"{case_id}: {decided.rule} {decided.argument}", attempt)

    async def _attempt(self, case_id: str, decided: PlannedDecision, given: datetime) -> str:
        """Send a decision once that was first ``given`` at an instant; return "taken", "refused" or "unknown"."""
        sent = SentDecision(case_id, decided.rule, decided.argument, decided.key)
        try:
            answer = await decide(self._operator, sent, PATIENCE)
        except (DecisionUnknown, RPCError):
            self.did["updates without an answer"] += 1
            return "unknown"
        except WorkflowUpdateFailedError as failed:
            if isinstance(failed.cause, ApplicationError) and failed.cause.type == PLATFORM_REFUSED:
                return "refused"
            return await self._found(case_id, decided, given)
        if answer.get("task") is not None:
            return await self._by_hand(case_id, answer["serial"], decided.key)
        return "taken" if answer.get("decision") in (None, "taken") else await self._found(case_id, decided, given)

    async def _found(self, case_id: str, decided: PlannedDecision, given: datetime) -> str:
        """Look at the case for what became of a decision that was not answered with success.

        If the program was struck between the platform and the case, the case knows it from the platform alone.
        """
        seen = await self.view(case_id)
        own, fired = (
            [one for one in (seen or {}).get(kind, ()) if one["rule"] == decided.rule]
            for kind in ("decisions", "timeline")
        )
        if any(datetime.fromisoformat(one["at"]) >= given - ONE_SECOND for one in fired):
            return "taken"
        if not own:
            return "unknown"
        return {"taken": "taken", "refused": "refused", "dropped": "refused"}.get(own[-1]["status"], "unknown")

    async def _by_hand(self, case_id: str, serial: int, step: str) -> str:
        sent = SentDecision(case_id, "done_by_hand", {"serial": serial}, f"{step}/by-hand/{serial}", step)
        try:
            await decide(self._operator, sent, PATIENCE)
        except (DecisionUnknown, RPCError, WorkflowUpdateFailedError):
            return "unknown"
        self.did["steps done by hand"] += 1
        return "taken"

    async def settle(self, case_id: str) -> dict[str, Any] | None:
        """Do by hand what waits for a person; return the view once nothing is left to be done."""
        seen = await self.view(case_id)
        if seen is None:
            return None
        stuck = [effect for effect in seen["effects"] if effect["status"] in STUCK]
        for effect in stuck:
            await self._by_hand(case_id, effect["serial"], effect["key"])
        return None if stuck or seen["busy"] else seen

    # Looks and resets.

    async def view(self, case_id: str) -> dict[str, Any] | None:
        """Return the view of a case, None if nobody answers."""
        try:
            handle = self.stage.client.get_workflow_handle(case_id)
            seen: dict[str, Any] = await handle.query("view", rpc_timeout=CALL)
        except (RPCError, WorkflowQueryFailedError):
            self.did["queries without an answer"] += 1
            return None
        self.did["queries"] += 1
        return seen

    async def reset(self, case_id: str) -> None:
        """Reset a case to the end of its first workflow task, and give it all its inputs again."""
        async with self._locks[case_id]:
            with contextlib.suppress(RPCError):  # it is not open yet, or nobody answers
                await reset(self.stage.client, case_id)
                self.did["resets"] += 1

    # Reships.

    async def apply(self, reship: Reship) -> None:
        """Let a buyer apply, then let happen what the journey of the reship says."""
        await until_at(reship.enters)
        form = {
            "shop_id": reship.shop_id,
            "reason": reship.journey.reason,
            "amount": AMOUNT,
            "after_sale_id": reship.own_id,
            "applied_at": reship.applied_at.isoformat(),
        }

        async def entered() -> bool:
            return bool(await self.record(reship)) or _accepted(await self.stage.control("/after-sales", form))

        await self._until(f"{reship.case_id} is entered", entered)
        for number, (name, step) in enumerate(reship.steps):
            await asyncio.sleep(self._draw.uniform(SHORTEST_PAUSE, max(SHORTEST_PAUSE, self._pause)))
            if name.startswith(BY_OPERATOR):
                await self._decide_when_offered(reship, name.removeprefix(BY_OPERATOR), step, number)
            else:
                await self._happens(reship, name, step)

    async def record(self, reship: Reship) -> Mapping[str, Any] | None:
        """Return what the sandbox has of a reship, None if it has nothing or does not answer."""
        answer = await self.stage.control(f"/after-sales/{reship.own_id}", method="GET")
        return answer.json() if answer is not None and answer.is_success else None

    async def _happens(self, reship: Reship, name: str, form: Mapping[str, Any]) -> None:
        before: Mapping[str, Any] | None = None

        async def done() -> bool:
            nonlocal before
            record = await self.record(reship)
            if record is None:
                return False
            if before is not None and len(record["log"]) > len(before["log"]):
                return True  # only its answer was lost
            before = record
            return _accepted(await self.stage.control(f"/after-sales/{reship.own_id}/{name}", form))

        await self._until(f"{reship.case_id}: {name}", done)
        self.did["events on the platform"] += 1

    async def _decide_when_offered(self, reship: Reship, rule: str, form: dict[str, Any], number: int) -> None:
        async def offered() -> bool:
            seen = await self.view(reship.case_id)
            return seen is not None and not seen["busy"] and rule in [action["rule"] for action in seen["actions"]]

        await self._until(f"{reship.case_id} offers {rule}", offered)
        await self.decide(
            reship.case_id, PlannedDecision(rule, form or None, now(), f"{reship.own_id}-{number}-{rule}")
        )

        async def counted() -> bool:
            seen = await self.view(reship.case_id)
            return seen is not None and not seen["busy"]

        await self._until(f"{reship.case_id}: {rule} counts", counted)


def _accepted(answer: Any) -> bool:
    return answer is not None and answer.is_success


async def reset(client: Client, case_id: str) -> None:
    """Reset a case to the end of its first workflow task."""
    events = client.get_workflow_handle(case_id).fetch_history_events(rpc_timeout=CALL)
    completed = [event.event_id async for event in events if event.event_type == COMPLETED]
    if not completed:
        return
    await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=case_id),
            reason="drill",
            workflow_task_finish_event_id=completed[0],
            request_id=uuid.uuid4().hex,
            reset_reapply_type=ResetReapplyType.RESET_REAPPLY_TYPE_ALL_ELIGIBLE,
        ),
        retry=True,
        timeout=CALL,
    )
