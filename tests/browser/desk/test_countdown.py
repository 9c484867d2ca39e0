"""Countdowns in a real Chromium: they go by the desk's clock, and change their colour on a page that stays open."""

from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from aftersales.desk.sections.rows import TONES, Tone
from tests.browser.desk.conftest import Sit
from tests.support.browser.served_desk import Cases, RunningDesk, show

TO_DECIDE = timedelta(hours=48)
"""How long the shop has for its answer to a reship."""
A_MOMENT = timedelta(minutes=10)
COLOURS: dict[Tone, str] = {"late": "rgb(180, 35, 24)", "soon": "rgb(161, 74, 0)", "today": "rgb(122, 93, 0)"}
INK, GREY = "rgb(29, 33, 41)", "rgb(92, 100, 112)"
LATER: dict[Tone, str] = {"late": COLOURS["soon"], "soon": COLOURS["today"], "today": INK}
"""The colour before each colour."""


@pytest_asyncio.fixture
async def screen(sit: Sit) -> Page:
    """A page whose clock the test moves, and which no news from the desk brings up to date meanwhile."""
    opened = await sit()
    silent = "retry: 60000\n\n"
    await opened.route("**/live?*", lambda route: route.fulfill(content_type="text/event-stream", body=silent))
    return opened


async def pass_time(page: Page, passed: timedelta) -> None:
    await page.clock.fast_forward(int(passed.total_seconds() * 1000))


@pytest.mark.parametrize("slow", [timedelta(minutes=20), timedelta(minutes=-20)], ids=["slow", "fast"])
async def test_a_pc_whose_clock_is_wrong_shows_the_time_that_is_left(
    screen: Page, desk: RunningDesk, cases: Cases, slow: timedelta
) -> None:
    shop = f"wrong-clock-{slow.days}"
    case_id = await cases.reship(shop, 38)
    await screen.clock.install(time=datetime.now(UTC) - slow)
    shown = screen.locator(".clock time").first

    await show(screen, desk, shop, case_id)
    await expect(shown).to_contain_text("剩 9小时5")
    await screen.goto(f"{desk.address}/case/{case_id}")
    await expect(shown).to_contain_text("剩 9小时5")
    await pass_time(screen, timedelta(hours=1))
    await expect(shown).to_contain_text("剩 8小时5")


async def test_a_pc_whose_clock_is_put_right_shows_the_time_that_is_left_at_the_next_update(
    page: Page, sit: Sit, desk: RunningDesk, cases: Cases
) -> None:
    first = await cases.reship("put-right", 38)
    pc = await sit()
    await pc.clock.install(time=datetime.now(UTC) - timedelta(hours=3))
    await show(pc, desk, "put-right", first)
    await pc.clock.set_system_time(datetime.now(UTC))

    second = await cases.reship("put-right", 1)

    await expect(pc.locator(f'[data-case="{second}"]')).to_be_visible()
    await expect(pc.locator(f'[data-case="{first}"] time')).to_contain_text("剩 9小时5")


@pytest.mark.parametrize(("left", "tone"), TONES, ids=[tone for _, tone in TONES])
async def test_a_clock_of_ours_changes_its_colour_on_a_page_that_stays_open(
    screen: Page, desk: RunningDesk, cases: Cases, left: timedelta, tone: Tone
) -> None:
    shop = f"colour-{tone}"
    case_id = await cases.reship(shop, (TO_DECIDE - left - A_MOMENT / 2) / timedelta(hours=1))
    await screen.clock.install(time=datetime.now(UTC))
    row, top, clock = screen.locator(".case"), screen.locator(".top"), screen.locator(".clock time").first

    await show(screen, desk, shop, case_id)
    await expect(clock).to_have_css("color", LATER[tone])
    await pass_time(screen, A_MOMENT)
    await expect(clock).to_have_css("color", COLOURS[tone])
    edge = await row.evaluate("row => getComputedStyle(row).borderLeftColor")

    await screen.goto(f"{desk.address}/case/{case_id}")
    await expect(clock).to_have_css("color", LATER[tone])
    await pass_time(screen, A_MOMENT)
    await expect(clock).to_have_css("color", COLOURS[tone])
    await expect(top).to_have_css("border-left-color", edge)


async def test_a_clock_of_others_stays_grey(screen: Page, desk: RunningDesk, cases: Cases) -> None:
    case_id = await cases.reship("grey", reason="short_shipped")
    await desk.services.client.get_workflow_handle(case_id).execute_update("refuse", {"reason": "已补发"})
    await screen.clock.install(time=datetime.now(UTC))
    await screen.goto(f"{desk.address}/case/{case_id}")
    clock = screen.locator(".clock time").first
    await expect(screen.locator(".clock")).to_contain_text("等买家")
    await expect(clock).to_have_css("color", GREY)

    await pass_time(screen, timedelta(hours=49))

    await expect(clock).to_contain_text("已超时")
    await expect(clock).to_have_css("color", GREY)
