"""The counts of cases, from what a real server lists."""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from aftersales.monitoring import case_counts
from aftersales.monitoring.case_counts import MOST_QUESTIONS, CaseCounter, Pair
from aftersales.monitoring.figures import (
    CASES_COUNTED_AT,
    CASES_ENDED_EARLY,
    CASES_FOR_OPERATORS,
    CASES_OPEN,
    CASES_OVERDUE,
)
from cases.errors import LedgerUnreachable
from tests.support.programs.scraping import shown
from tests.support.temporal.life import eventually
from workflows.engine import search_attributes as sa

A, B = "douyin_reship", "claim_1688"
PAST, FUTURE = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(days=1)


class CountingClient:
    """A client that counts what it is asked."""

    def __init__(self, client: Client) -> None:
        self._client, self.asked = client, 0

    async def count_workflows(self, query: str) -> Any:
        self.asked += 1
        return await self._client.count_workflows(query)

    def list_workflows(self, query: str, **options: Any) -> Any:
        self.asked += 1
        return self._client.list_workflows(query, **options)


class Shelf:
    """Cases on a queue of their own, which no worker runs."""

    def __init__(self, client: Client) -> None:
        self.client, self.queue = client, uuid.uuid4().hex
        self.ids: list[str] = []

    async def put(
        self, process: str, shop: str, *, due: datetime = FUTURE, stuck: bool = False, own_id: str | None = None
    ) -> str:
        case_id = f"{process}/{own_id or uuid.uuid4().hex}"
        attributes: list[SearchAttributePair[Any]] = [
            SearchAttributePair(sa.PROCESS, process),
            SearchAttributePair(sa.SHOP, shop),
            SearchAttributePair(sa.DEADLINE, due),
            SearchAttributePair(sa.WAITS_FOR, "商家"),
            SearchAttributePair(sa.NEEDS_OPERATOR, stuck),
        ]
        await self.client.start_workflow(
            process, id=case_id, task_queue=self.queue, search_attributes=TypedSearchAttributes(attributes)
        )
        self.ids.append(case_id)
        return case_id

    async def end(self, case_id: str) -> None:
        await self.client.get_workflow_handle(case_id).terminate("for the test")

    async def listed(self, query: str, number: int) -> None:
        async def all_listed() -> bool:
            found = await self.client.count_workflows(f"TaskQueue = '{self.queue}' AND {query}")
            return found.count == number

        await eventually("that they are listed", all_listed)


@pytest_asyncio.fixture
async def shelf(environment: WorkflowEnvironment) -> AsyncIterator[Shelf]:
    with environment.with_time_skipping_disabled():
        shelf = Shelf(environment.client)
        yield shelf
        for case_id in shelf.ids:
            with suppress(RPCError):  # the test has ended it
                await shelf.end(case_id)


@pytest.fixture
def counter(shelf: Shelf) -> Callable[..., tuple[CaseCounter, CountingClient]]:
    def made(pairs: Mapping[Pair, int] | None) -> tuple[CaseCounter, CountingClient]:
        counting = CountingClient(shelf.client)

        async def client() -> Any:
            return counting

        async def known() -> Mapping[Pair, int]:
            if pairs is None:
                raise LedgerUnreachable("away")
            return pairs

        return CaseCounter(client, shelf.queue, known), counting

    return made


async def test_cases_are_counted_by_process_and_shop(
    shelf: Shelf, counter: Callable[..., tuple[CaseCounter, CountingClient]]
) -> None:
    for due, stuck in ((FUTURE, False), (PAST, False), (PAST, True)):
        await shelf.put(A, "S1", due=due, stuck=stuck)
    await shelf.put(A, "S2")
    await shelf.put(B, "S1", stuck=True)
    dead, revived = await shelf.put(B, "S1"), await shelf.put(A, "S1")
    await shelf.end(dead)
    await shelf.end(revived)
    await shelf.put(A, "S1", own_id=revived.partition("/")[2])
    await shelf.listed("ExecutionStatus = 'Running'", 6)
    await shelf.listed("ExecutionStatus = 'Terminated'", 2)

    counting, asked = counter({(A, "S1"): 4, (A, "S2"): 1, (B, "S1"): 1})
    began = datetime.now(UTC).timestamp()
    await counting.count()
    assert shown(CASES_OPEN) == {(A, "S1"): 4, (A, "S2"): 1, (B, "S1"): 1}
    assert shown(CASES_OVERDUE) == {(A, "S1"): 2, (A, "S2"): 0, (B, "S1"): 0}
    assert shown(CASES_FOR_OPERATORS) == {(A, "S1"): 1, (A, "S2"): 0, (B, "S1"): 1}
    assert shown(CASES_ENDED_EARLY) == {(A, "S1"): 0, (A, "S2"): 0, (B, "S1"): 1}
    assert shown(CASES_COUNTED_AT)[()] >= began
    assert asked.asked <= MOST_QUESTIONS


async def test_shops_beyond_the_largest_are_summed(
    shelf: Shelf, counter: Callable[..., tuple[CaseCounter, CountingClient]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for shop in ("S1", "S1", "S2", "S3"):
        await shelf.put(A, shop)
    await shelf.listed("ExecutionStatus = 'Running'", 4)
    monkeypatch.setattr(case_counts, "MOST_NAMED", 1)
    counting, _ = counter({(A, "S2"): 1, (A, "S1"): 2, (A, "S3"): 1, ("gone", "S1"): 9})
    await counting.count()
    assert shown(CASES_OPEN) == {(A, "S1"): 2, (A, "other"): 2}


async def test_without_a_case_a_round_asks_four_questions(
    counter: Callable[..., tuple[CaseCounter, CountingClient]],
) -> None:
    counting, asked = counter({(A, "S1"): 1})
    await counting.count()
    assert shown(CASES_OPEN) == shown(CASES_OVERDUE) == shown(CASES_ENDED_EARLY) == {(A, "S1"): 0}
    assert asked.asked == 4


async def test_without_the_ledger_the_shops_are_not_told_apart(
    shelf: Shelf, counter: Callable[..., tuple[CaseCounter, CountingClient]]
) -> None:
    await shelf.put(A, "S1")
    await shelf.listed("ExecutionStatus = 'Running'", 1)
    counting, _ = counter(None)
    await counting.count()
    assert shown(CASES_OPEN) == {(A, "other"): 1}


async def test_without_temporal_the_last_counts_stay_with_their_age(
    counter: Callable[..., tuple[CaseCounter, CountingClient]],
) -> None:
    counting, asked = counter({(A, "S1"): 1})
    await counting.count()
    before = shown(CASES_OPEN), shown(CASES_COUNTED_AT)

    async def away(query: str) -> Any:
        raise RPCError("away", RPCStatusCode.UNAVAILABLE, b"")

    asked.count_workflows = away  # type: ignore[method-assign]
    with pytest.raises(RPCError):
        await counting.count()
    assert (shown(CASES_OPEN), shown(CASES_COUNTED_AT)) == before
