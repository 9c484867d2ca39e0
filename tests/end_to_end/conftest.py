"""One market for each test process; every test begins in real time and without faults."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from tests.support.platforms.market import Market, market_at_work


@pytest_asyncio.fixture(scope="session")
async def whole_market(
    environment: WorkflowEnvironment, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Market]:
    async with market_at_work(environment, tmp_path_factory.mktemp("market")) as started:
        yield started


@pytest.fixture
def market(whole_market: Market) -> Iterator[Market]:
    yield whole_market
    whole_market.calm()
