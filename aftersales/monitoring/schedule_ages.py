"""When each schedule last succeeded: the reconciliation of every shop, and the look for cases that ended early."""

import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from aftersales.monitoring.figures import CATCH_UP_SUCCEEDED_AT, LOOK_SUCCEEDED_AT
from aftersales.runtime.client.case_search import quoted
from aftersales.runtime.temporal.schedules import catch_up_schedule, look_schedule

SCHEDULES_EVERY: Final = 60.0
"""Seconds between two rounds."""
MOST_A_ROUND: Final = 50
"""Shops that are looked at in one round; with more of them, each has its turn in a later one."""

Shop = tuple[str, str]
"""A marketplace and a shop's id."""


class ScheduleWatch:
    """Looks at the schedules of an installation's shops."""

    def __init__(
        self, client: Callable[[], Awaitable[Client]], task_queue: str, shops: Callable[[], Sequence[Shop]]
    ) -> None:
        """Look by this client; ``shops`` says which are reconciled at the moment."""
        self._client, self._shops, self._look = client, shops, look_schedule(task_queue)
        self._began, self._round = datetime.now(UTC), 0
        self._succeeded: dict[Shop, datetime] = {}

    async def look(self) -> None:
        """Look once, and show what is known; raises RPCError or CaseError."""
        client, shops = await self._client(), sorted(set(self._shops()))
        LOOK_SUCCEEDED_AT.show_one((await self._last_success(client, self._look)).timestamp())
        for shop in self._whose_turn_it_is(shops):
            self._succeeded[shop] = await self._last_success(client, catch_up_schedule(*shop))
        self._succeeded = {shop: at for shop, at in self._succeeded.items() if shop in shops}
        CATCH_UP_SUCCEEDED_AT.show({shop: at.timestamp() for shop, at in self._succeeded.items()})

    def _whose_turn_it_is(self, shops: Sequence[Shop]) -> Iterator[Shop]:
        first = self._round * MOST_A_ROUND % max(1, len(shops))
        self._round += 1
        return itertools.islice(itertools.cycle(shops), first, first + min(MOST_A_ROUND, len(shops)))

    async def _last_success(self, client: Client, schedule_id: str) -> datetime:
        """Return when the newest run that succeeded ended; without one, when the schedule was made, or we began."""
        query = f"TemporalScheduledById = {quoted(schedule_id)} AND ExecutionStatus = 'Completed'"
        async for run in client.list_workflows(query, limit=1):
            if run.close_time is not None:
                return run.close_time
        try:
            return (await client.get_schedule_handle(schedule_id).describe()).info.created_at
        except RPCError as missing:
            if missing.status is not RPCStatusCode.NOT_FOUND:
                raise
            return self._began
