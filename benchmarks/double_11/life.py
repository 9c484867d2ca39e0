"""The life of the orders in the day: what carriers, buyers, platforms and operators do, each at its instant."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import Client, WorkflowUpdateFailedError

from benchmarks.double_11.orders import DOUYIN, HOUR, Day, Fate, PlannedOrder, card_of, reship_of

OPERATORS = 20
"""Who decide at the same time."""
MESSAGES = 32
"""Messages that are delivered at the same time."""

Step = Callable[[], Awaitable[None]]
Happening = tuple[datetime, Step]


@dataclass
class Lives:
    """Lets orders live; keeps how long decisions took, which were refused, and when orders were judged."""

    client: Client
    day: Day
    waited: dict[str, list[float]] = field(default_factory=lambda: {"opening": [], "day": []})
    judged_at: dict[str, datetime] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    behind: float = 0.0
    """The longest that a happening came after its instant, in seconds."""

    def __post_init__(self) -> None:
        """Begin with free operators."""
        self._operators, self._messages = asyncio.Semaphore(OPERATORS), asyncio.Semaphore(MESSAGES)

    async def report(
        self, case_id: str, rule: str, form: dict[str, Any] | None = None, at: datetime | None = None
    ) -> None:
        """Tell a case what has happened, as the gateway does: now, unless it was before."""
        at = at or datetime.now(UTC).replace(microsecond=0)
        message: dict[str, Any] = {"message_id": f"{case_id}/{rule}", "rule": rule, "occurred_at": at.isoformat()}
        if form:
            message["form"] = form
        async with self._messages:
            await self.client.get_workflow_handle(case_id).signal("report", message)

    async def decide(self, case_id: str, rule: str, form: dict[str, Any] | None = None, *, when: str = "day") -> None:
        """Take a decision, once an operator is free, and note how long its answer took."""
        async with self._operators:
            began = time.perf_counter()
            handle = self.client.get_workflow_handle(case_id)
            try:
                await handle.execute_update(rule, form, id=f"{case_id.replace('/', '-')}-{rule}")
            except WorkflowUpdateFailedError as refused:
                self.refused.append(f"{case_id}: {refused.cause}")
            self.waited[when].append(time.perf_counter() - began)

    async def live(self, lives: Sequence[Sequence[Happening]], on_progress: Callable[[int], None]) -> None:
        """Let everything happen at its instant; what happens to the same order, one after the other."""
        done = 0

        async def live_one(life: Sequence[Happening]) -> None:
            nonlocal done
            for at, step in life:
                await asyncio.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
                await step()
                self.behind = max(self.behind, (datetime.now(UTC) - at).total_seconds())
                done += 1
                on_progress(done)

        async with asyncio.TaskGroup() as group:
            for life in lives:
                group.create_task(live_one(life))

    def lives_of(self, orders: Sequence[PlannedOrder], shipped: set[str]) -> list[list[Happening]]:
        """Return what happens to each order; the numbers of the ``shipped`` were uploaded before the day."""
        chance = random.Random(1111)  # noqa: S311 - the same lives in every run  # nosec B311
        found = []
        for order in orders:
            shares = sorted(chance.uniform(0, 0.95) for _ in range(3))
            if order.process == DOUYIN:
                found.append(list(self._of_douyin(order, shares)))
            else:
                found.append(list(self._of_jd(order, shares, shipped=order.case_id in shipped)))
        return found

    def _after_clock(self, order: PlannedOrder, share: float) -> datetime:
        """Return an instant by which the clock of an order has fired, unless it is later than the tenth of a day."""
        due = order.clock_due or self.day.begins
        return due + max(timedelta(seconds=20), self.day.length * 0.1) + self.day.length * share

    def _of_douyin(self, order: PlannedOrder, shares: list[float]) -> Iterator[Happening]:
        case_id, due = order.case_id, order.clock_due
        number = {"carrier": "shunfeng", "tracking_no": f"SF{order.number}"}
        scan = {"place": "杭州", "status": "已揽收"}
        upload, pickup, last = (self.day.at(share) for share in shares)
        if due and order.fate is Fate.STALLED:
            # Told early in the day what happened the day before: the last scan, after which the parcel stands still.
            upload, pickup = self.day.at(shares[0] * 0.1), self.day.at(0.1 + shares[1] * 0.1)
            last = self._after_clock(order, 0)
            yield upload, lambda: self.report(case_id, "upload_tracking", number, due - 28 * HOUR)
            yield pickup, lambda: self.report(case_id, "scan", scan, due - 24 * HOUR)
            yield last, lambda: self.report(case_id, "sign")
            return
        if due:  # late: shipped after the clock
            upload, pickup, last = (self._after_clock(order, share) for share in (0, 0.03, 0.06))
        yield upload, lambda: self.report(case_id, "upload_tracking", number)
        yield pickup, lambda: self.report(case_id, "scan", scan)
        if order.fate in (Fate.JUDGED, Fate.CLEARED):
            yield last, lambda: self._judged(order)
            if order.fate is Fate.CLEARED:
                yield last + self.day.length * 0.03, lambda: self.report(case_id, "clear_suspicion")
            last += self.day.length * 0.06
        if order.fate is Fate.RESHIPPED:
            reship = reship_of(order)
            yield pickup + self.day.length * 0.02, lambda: self.decide(reship, "agree")
            yield pickup + self.day.length * 0.04, lambda: self.decide(reship, "ship", number | {"tracking_no": "SF9"})
            yield pickup + self.day.length * 0.06, lambda: self.report(reship, "sign")
        else:
            yield last, lambda: self.report(case_id, "sign")

    async def _judged(self, order: PlannedOrder) -> None:
        """Judge an order, at an instant that is remembered for the books."""
        self.judged_at[order.case_id] = at = datetime.now(UTC).replace(microsecond=0)
        await self.report(order.case_id, "judge_false", {"reason": "物流轨迹异常"}, at)

    def _of_jd(self, order: PlannedOrder, shares: list[float], *, shipped: bool) -> Iterator[Happening]:
        case_id, due = order.case_id, order.clock_due
        number = {"carrier": "JDL", "tracking_no": f"JD{order.number}"}
        upload, pickup, _ = (self.day.at(share) for share in shares)
        if due and order.fate is Fate.NOT_PICKED_UP:
            told, pickup = self.day.at(shares[0] * 0.2), self._after_clock(order, 0)
            yield told, lambda: self.report(case_id, "upload_tracking", number, due - 40 * HOUR)
        elif due and order.fate is Fate.LATE_AND_EXEMPT:
            pickup = self._after_clock(order, 0.08)
            yield self._after_clock(order, 0), lambda: self.report(card_of(order), "accept")
            yield self._after_clock(order, 0.04), lambda: self.decide(card_of(order), "ship", number)
        elif order.fate is Fate.CANCELLED:
            yield upload, lambda: self.report(case_id, "cancel_order")
            return
        elif not shipped:
            if due:
                upload, pickup = (self._after_clock(order, share) for share in (0, 0.04))
            yield upload, lambda: self.decide(case_id, "upload_tracking", number)
        yield pickup, lambda: self.report(case_id, "pick_up")
