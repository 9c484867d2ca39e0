"""The reference case written by hand, three ways, as a measure for what a chart and its engine cost.

A reship is opened, agreed, shipped and signed for.  ``Naive`` is what a first attempt looks like, ``Best`` the cheapest
form without any duty of ours, and ``BestWithDuties`` the cheapest form with the same duties: search attributes from the
opening on and whenever the case comes to rest, decisions checked and told to the platform before they count, the other
cases of the order told of the parcel, details and a view for operators, the outcome recorded and told.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel
from temporalio import activity, workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ApplicationError

STATE = SearchAttributeKey.for_keyword("CaseState")
DEADLINE = SearchAttributeKey.for_datetime("CaseDeadline")
WAITS_FOR = SearchAttributeKey.for_keyword("CaseWaitsFor")
PROCESS = SearchAttributeKey.for_keyword("CaseProcess")
SHOP = SearchAttributeKey.for_keyword("CaseShop")
ORDER = SearchAttributeKey.for_keyword("CaseOrder")
LIMITS = {
    "awaiting_merchant": timedelta(hours=48),
    "awaiting_shipment": timedelta(hours=48),
    "in_transit": timedelta(days=10),
}
ALLOWED = {"agree": ("awaiting_merchant", "awaiting_shipment"), "ship": ("awaiting_shipment", "in_transit")}
CALL: dict[str, Any] = {"start_to_close_timeout": timedelta(seconds=5)}


class ShippedByHand(BaseModel):
    """The form of ``ship``."""

    carrier: str
    tracking_no: str


@activity.defn
async def tell_platform(call: dict[str, Any]) -> dict[str, Any]:
    """Carry out a decision."""
    return {"said": None, "key": call["key"]}


@activity.defn
async def tell_cases(fact: dict[str, Any]) -> None:
    """Keep a fact for the other cases of an order, and tell those that there are."""
    del fact


@activity.defn
async def close(outcome: dict[str, Any]) -> None:
    """Record the outcome, and tell it."""
    del outcome


@activity.defn
async def remind(case_id: str) -> None:
    """Remind operators of a deadline."""
    del case_id


ACTIVITIES = (tell_platform, tell_cases, close, remind)


def opening_attributes(facts: dict[str, Any]) -> TypedSearchAttributes:
    """Return the attributes with which a case with our duties is started."""
    due = datetime.fromisoformat(facts["applied_at"]) + LIMITS["awaiting_merchant"]
    return TypedSearchAttributes(
        [
            SearchAttributePair(PROCESS, "reship"),
            SearchAttributePair(SHOP, facts["shop_id"]),
            SearchAttributePair(ORDER, facts["order_id"]),
            SearchAttributePair(STATE, "awaiting_merchant"),
            SearchAttributePair(DEADLINE, due),
            SearchAttributePair(WAITS_FOR, "商家"),
        ]
    )


@workflow.defn
class Naive:
    """A timer for each wait and reminder, an activity for each effect, attributes in every state."""

    def __init__(self) -> None:
        """Begin."""
        self.state = "awaiting_merchant"

    @workflow.run
    async def run(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Wait for one step after another."""
        for state, after in (("awaiting_merchant", "agree"), ("awaiting_shipment", "ship"), ("in_transit", None)):
            self._show()
            limit = LIMITS[state]
            reminders = [asyncio.create_task(self._remind(limit - timedelta(hours=hours))) for hours in (12, 2)]
            try:
                await workflow.wait_condition(self._has_left(state), timeout=limit)
            except TimeoutError:
                self.state = "late"
                break
            finally:
                for reminder in reminders:
                    reminder.cancel()
            if after:
                await workflow.execute_activity(tell_platform, {"key": after, "facts": facts}, **CALL)
        self._show()
        await workflow.execute_activity(close, {"state": self.state}, **CALL)
        return {"state": self.state}

    def _has_left(self, state: str) -> Callable[[], bool]:
        return lambda: self.state != state

    async def _remind(self, after: timedelta) -> None:
        await asyncio.sleep(after.total_seconds())
        await workflow.execute_activity(remind, workflow.info().workflow_id, **CALL)

    def _show(self) -> None:
        workflow.upsert_search_attributes([STATE.value_set(self.state)])

    @workflow.update
    async def agree(self, form: Any = None) -> dict[str, Any]:
        """Agree."""
        del form
        self.state = "awaiting_shipment"
        return {"state": self.state}

    @workflow.update
    async def ship(self, form: ShippedByHand) -> dict[str, Any]:
        """Ship."""
        del form
        self.state = "in_transit"
        return {"state": self.state}

    @workflow.signal
    def report(self, message: dict[str, Any]) -> None:
        """Take a message of the platform."""
        if message["rule"] == "sign":
            self.state = "completed"


@workflow.defn
class Best:
    """One timer, which is not cancelled, and local activities within the updates."""

    def __init__(self) -> None:
        """Begin."""
        self.state, self.entered = "awaiting_merchant", workflow.now()
        self.timeline: list[dict[str, Any]] = []

    @workflow.run
    async def run(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Sleep until the nearest deadline, or until the case is completed."""
        self.facts = facts
        while self.state != "completed":
            left = self.due - workflow.now()
            if left <= timedelta(0):
                self._move("late")
                break
            try:
                await workflow.wait_condition(lambda: self.state == "completed", timeout=left)
            except TimeoutError:
                continue
        await workflow.wait_condition(workflow.all_handlers_finished)
        return {"state": self.state}

    @property
    def due(self) -> datetime:
        """The deadline of the state."""
        return self.entered + LIMITS[self.state]

    def _move(self, state: str) -> None:
        self.timeline.append({"from": self.state, "to": state, "at": workflow.now().isoformat()})
        self.state, self.entered = state, workflow.now()

    async def _decide(self, rule: str, form: Any) -> dict[str, Any]:
        call = {"key": f"{workflow.info().workflow_id}/{rule}", "facts": self.facts, "form": form}
        await workflow.execute_local_activity(tell_platform, call, **CALL)
        self._move(ALLOWED[rule][1])
        return {"state": self.state}

    @workflow.update
    async def agree(self, form: Any = None) -> dict[str, Any]:
        """Agree."""
        return await self._decide("agree", form)

    @workflow.update
    async def ship(self, form: Any) -> dict[str, Any]:
        """Ship."""
        return await self._decide("ship", form)

    @workflow.signal
    def report(self, message: dict[str, Any]) -> None:
        """Take a message of the platform."""
        if message["rule"] == "sign":
            self._move("completed")


@workflow.defn
class BestWithDuties(Best):
    """``Best`` with the duties of our cases."""

    def __init__(self) -> None:
        """Begin; the attributes of the opening were given when the workflow was started."""
        super().__init__()
        self.seen: list[str] = []
        self.told: asyncio.Task[None] | None = None
        self.shown: dict[SearchAttributeKey[Any], Any] = self._attributes()
        self.changed, self.alarm = True, asyncio.create_task(asyncio.sleep(0))

    @workflow.run
    async def run(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Show the case whenever it comes to rest, and close it."""
        self.facts = facts
        while self.state not in ("completed", "late"):
            if self.due <= workflow.now():
                self._move("late")
                continue
            if self.alarm.done():
                self.alarm = asyncio.create_task(asyncio.sleep((self.due - workflow.now()).total_seconds()))
            self.changed = False
            await workflow.wait_condition(lambda: self.changed or self.alarm.done())
            self._show()
        outcome = {
            "case_id": workflow.info().workflow_id,
            "order": facts["order_id"],
            "state": self.state,
            "timeline": self.timeline,
        }
        await workflow.execute_local_activity(close, outcome, **CALL)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return {"state": self.state}

    async def _decide(self, rule: str, form: Any) -> dict[str, Any]:
        answer = await super()._decide(rule, form)
        self.told = self.told or asyncio.create_task(self._tell()) if rule == "ship" else self.told
        return {**answer, "due": self.due.isoformat()}

    async def _tell(self) -> None:
        fact = {"key": f"{workflow.info().workflow_id}/sent", "order": self.facts["order_id"], "rule": "reshipped"}
        await workflow.execute_local_activity(tell_cases, fact, **CALL)

    def _move(self, state: str) -> None:
        super()._move(state)
        self.changed = True

    def _attributes(self) -> dict[SearchAttributeKey[Any], Any]:
        closed = self.state in ("completed", "late")
        waits_for = {"awaiting_merchant": "商家", "awaiting_shipment": "商家", "in_transit": "买家"}
        return {
            STATE: self.state,
            DEADLINE: None if closed else self.due,
            WAITS_FOR: waits_for.get(self.state),
        }

    def _show(self) -> None:
        current = self._attributes()
        changed = [
            key.value_unset() if value is None else key.value_set(value)
            for key, value in current.items()
            if self.shown[key] != value
        ]
        if changed:
            workflow.upsert_search_attributes(changed)
        self.shown = current
        deadline = current[DEADLINE]
        lines = [f"**{self.state}**", *([f"- 截止 {deadline:%m-%d %H:%M}"] if deadline else [])]
        lines += [f"- {name}: {value}" for name, value in self.facts.items() if name != "description"]
        workflow.set_current_details("\n".join(lines))

    def _check(self, rule: str) -> None:
        if self.state != ALLOWED[rule][0]:
            raise ApplicationError(f"{rule} is not allowed in state {self.state}", type="Refused")

    @workflow.update
    async def agree(self, form: Any = None) -> dict[str, Any]:
        """Agree."""
        return await self._decide("agree", form)

    @agree.validator
    def _may_agree(self, form: Any = None) -> None:
        del form
        self._check("agree")

    @workflow.update
    async def ship(self, form: Any) -> dict[str, Any]:
        """Ship."""
        return await self._decide("ship", form)

    @ship.validator
    def _may_ship(self, form: Any) -> None:
        self._check("ship")
        ShippedByHand.model_validate(form)

    @workflow.signal
    def report(self, message: dict[str, Any]) -> None:
        """Take a message of the platform, once."""
        if message["message_id"] not in self.seen and message["rule"] == "sign":
            self.seen.append(message["message_id"])
            self._move("completed")

    @workflow.query
    def view(self) -> dict[str, Any]:
        """Return everything about the case."""
        return {"state": self.state, "due": self.due.isoformat(), "facts": self.facts, "timeline": self.timeline}


WORKFLOWS = (Naive, Best, BestWithDuties)
