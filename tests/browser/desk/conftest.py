"""One desk and one browser for all tests of the desk that one process runs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from playwright.async_api import Page
from temporalio.testing import WorkflowEnvironment

from aftersales.desk.sections.live import LiveWatch
from aftersales.desk.services import DeskServices
from aftersales.ledger.store import SqlLedger
from aftersales.runtime.settings import Settings
from tests.support.browser.chromium import open_device, open_page
from tests.support.browser.served_desk import CLERK_HEADER, Cases, RunningDesk
from tests.support.programs.programs import free_port

SCREEN = {"width": 1280, "height": 800}
Sit = Callable[..., Awaitable[Page]]


@pytest.fixture(scope="package", autouse=True)
def _polls_follow_soon() -> Iterator[None]:
    usual = LiveWatch.__init__.__defaults__
    LiveWatch.__init__.__defaults__ = (0.2,)
    yield
    LiveWatch.__init__.__defaults__ = usual


@pytest_asyncio.fixture(scope="package")
async def desk(
    environment: WorkflowEnvironment, worker: None, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningDesk]:
    folder = tmp_path_factory.mktemp("desk")
    with SqlLedger(folder / "ledger.sqlite3") as ledger:
        own = settings.model_copy(update={"data_dir": folder})
        running = RunningDesk(DeskServices(environment.client, ledger, own), free_port())
        await running.start()
        yield running
        await running.stop()


@pytest_asyncio.fixture(scope="package")
async def browser_page(program: str) -> AsyncIterator[Page]:
    async with open_page(program) as opened:
        yield opened


@pytest_asyncio.fixture
async def page(browser_page: Page) -> AsyncIterator[Page]:
    await browser_page.set_viewport_size(SCREEN)  # type: ignore[arg-type]
    yield browser_page
    await browser_page.goto("about:blank")


@pytest_asyncio.fixture
async def sit(page: Page) -> AsyncIterator[Sit]:
    """Open a page of the same browser before which another clerk sits, or which is another device."""
    browser = page.context.browser
    assert browser
    async with AsyncExitStack() as stack:

        async def open_beside(clerk: str = "", **different: object) -> Page:
            headers = {CLERK_HEADER: clerk} if clerk else {}
            return await stack.enter_async_context(open_device(browser, extra_http_headers=headers, **different))

        yield open_beside


@pytest_asyncio.fixture
async def cases(environment: WorkflowEnvironment) -> AsyncIterator[Cases]:
    opened = Cases(environment)
    yield opened
    await opened.delete()
