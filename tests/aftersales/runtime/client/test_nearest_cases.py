"""The nearest deadlines, found by windows."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from temporalio.client import Client

from aftersales.runtime.client import nearest_cases as searching
from aftersales.runtime.client.case_search import OPEN
from aftersales.runtime.client.nearest_cases import nearest_cases
from tests.support.temporal.listed import are_listed, list_case
from workflows.engine import search_attributes as sa

NOW = datetime(2026, 11, 11, 4, tzinfo=UTC)
HOURS = (-900, -1, 1, 1, 1, 1, 3, 11, 13, 23, 25, 100, 900, 9000)
"""When deadlines fall, from now: several in one second, and some beyond every window."""


@pytest_asyncio.fixture
async def cases(client: Client) -> tuple[str, list[str]]:
    """The query for a shop's cases, and their ids in the order of their deadlines; the last has none."""
    shop = uuid.uuid4().hex
    dues = [NOW + timedelta(hours=hours) for hours in HOURS]
    started = [(due, await list_case(client, shop, due)) for due in reversed(dues)]
    without = await list_case(client, shop)
    await are_listed(client, shop, len(HOURS) + 1)
    return f"{sa.SHOP.name} = '{shop}' AND {OPEN}", [case for _, case in sorted(started)] + [without]


@pytest.mark.parametrize("read_whole", [1, 2, 200])
async def test_the_nearest_come_first_however_many_there_are(
    client: Client, cases: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, read_whole: int
) -> None:
    monkeypatch.setattr(searching, "READ_WHOLE", read_whole)
    query, ordered = cases
    dues = [NOW + timedelta(hours=hours) for hours in HOURS] + [None]

    for wanted in (0, 1, 2, 5, 8, len(ordered), 100):
        found = await nearest_cases(client, query, wanted, NOW)
        assert [searching.deadline_of(case) for case in found] == dues[:wanted]
        assert len({case.id for case in found}) == len(found)
        assert {case.id for case in found} <= {*ordered}


@pytest.mark.parametrize("read_whole", [1, 200])
async def test_deadlines_between_two_instants_are_all_that_is_found_if_they_are_given(
    client: Client, cases: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, read_whole: int
) -> None:
    monkeypatch.setattr(searching, "READ_WHOLE", read_whole)
    query, _ = cases

    async def hours(begin: int | None, end: int | None) -> list[int]:
        bounds = (None if hours is None else NOW + timedelta(hours=hours) for hours in (begin, end))
        found = await nearest_cases(client, query, 100, NOW, *bounds)
        return [int((due - NOW).total_seconds()) // 3600 for case in found if (due := searching.deadline_of(case))]

    assert await hours(None, 0) == [-900, -1]
    assert await hours(0, 12) == [1, 1, 1, 1, 3, 11]
    assert await hours(12, None) == [13, 23, 25, 100, 900, 9000]
    assert await hours(26, 99) == []
