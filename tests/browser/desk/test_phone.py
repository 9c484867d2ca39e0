"""The list on a phone, in a real Chromium: what sticks to the edge of the screen covers no button."""

import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.browser.desk.conftest import Sit
from tests.support.browser.chromium import PHONE
from tests.support.browser.served_desk import Cases, RunningDesk, show

SCROLL = "text => scrollBy(0, text.getBoundingClientRect().bottom - innerHeight)"
"""Scroll so far that the text of a case ends where the screen ends: its buttons would come below."""
MIDDLE = """button => {
  const box = button.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
  return { x, y, covered: !button.contains(document.elementFromPoint(x, y)) };
}"""


@pytest_asyncio.fixture
async def phone(sit: Sit, desk: RunningDesk, cases: Cases) -> Page:
    """A phone with a list that is longer than its screen."""
    opened = await sit(**PHONE)
    await show(opened, desk, "thumbs", *[await cases.reship("thumbs", 1 + number) for number in range(6)])
    return opened


async def tap_as_it_is(page: Page, button: Locator) -> None:
    """Tap where a button is, without scrolling to it."""
    middle = await button.evaluate(MIDDLE)
    assert not middle["covered"], middle
    await page.touchscreen.tap(middle["x"], middle["y"])


async def test_the_buttons_of_a_case_stick_to_the_edge_and_are_tapped_there(phone: Page) -> None:
    case = phone.locator(".case").nth(2)
    await case.locator(".what").evaluate(SCROLL)

    await tap_as_it_is(phone, case.get_by_role("link", name="同意补寄"))

    await expect(phone.locator("#decide")).to_contain_text("同意补寄")


async def test_once_a_case_is_ticked_its_buttons_stick_above_those_of_the_batch(phone: Page) -> None:
    case, batch = phone.locator(".case").nth(2), phone.get_by_role("button", name="批量处理所选")
    await expect(batch).not_to_be_in_viewport()
    await case.locator("input.pick").check()
    await case.locator(".what").evaluate(SCROLL)

    for button in (*await case.locator(".actions .button").all(), batch):
        assert not (await button.evaluate(MIDDLE))["covered"]
    await tap_as_it_is(phone, batch)

    await expect(phone.get_by_role("heading", name="批量:1 件案件")).to_be_visible()
