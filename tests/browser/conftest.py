"""One office and one page per module; without a browser the tests are skipped, or fail in CI."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.support.browser.chromium import MISSING, chromium, open_page
from tests.support.browser.office import Office, open_office
from tests.support.browser.web_ui import CaseList, CasePage


@pytest.fixture(scope="session")
def program() -> str:
    browser = chromium()
    if browser is None and os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    return browser or pytest.skip(MISSING)


@pytest_asyncio.fixture(scope="module")
async def office(program: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with open_office(tmp_path_factory.mktemp("office")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module")
async def page(program: str, office: Office) -> AsyncIterator[Page]:
    async with open_page(program) as opened:
        yield opened


@pytest.fixture
def case_list(page: Page, office: Office) -> CaseList:
    return CaseList(page, office.ui)


@pytest.fixture
def case_page(page: Page, office: Office) -> CasePage:
    return CasePage(page, office.ui)
