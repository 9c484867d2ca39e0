"""Clerks at the desk in a real Chromium: what its pages show, and how they follow what happens."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from aftersales.desk.handling.case_reading import CaseReader
from tests.support.browser.served_desk import Cases, RunningDesk, go_to_list, show
from tests.support.temporal.life import eventually
from workflows.engine import search_attributes as sa
from workflows.engine.view import CaseView

EVIL = "<script>document.title='stolen'</script><img src=x onerror=\"document.title='stolen'\"><b>粗</b>"


async def test_of_300_cases_the_nearest_come_first(page: Page, desk: RunningDesk, cases: Cases) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    crowd = now + timedelta(hours=3)
    dues = [crowd if number % 3 else now + timedelta(minutes=7 * number) for number in range(300)]
    await cases.stand_ins("300", dues)

    async def listed() -> bool:
        return (await desk.services.client.count_workflows(f"{sa.SHOP.name} = '300'")).count == len(dues)

    await eventually("the cases are listed", listed)
    in_order, seen = sorted(dues), set()
    for number in (1, 2, 3, 12):
        await page.goto(f"{desk.address}/?shop=300&page={number}")
        rows = await page.locator("[data-case]").evaluate_all(
            "rows => rows.map(row => [row.dataset.case, row.querySelector('time').dataset.until])"
        )
        shown = [datetime.fromisoformat(until) for _, until in rows]
        assert shown == in_order[25 * (number - 1) : 25 * number]
        seen |= {case_id for case_id, _ in rows}

    assert len(seen) == 100


async def test_a_case_is_agreed_to_in_two_clicks(page: Page, desk: RunningDesk, cases: Cases) -> None:
    case_id = await cases.reship("two-clicks")
    await show(page, desk, "two-clicks", case_id)

    await page.get_by_role("link", name="同意补寄").click()
    await page.locator("#decide button", has_text="同意补寄").click()

    await expect(page.locator(".state").first).to_contain_text("待补寄发货")


async def test_what_could_not_be_read_in_time_appears_by_itself(
    page: Page, desk: RunningDesk, cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cases.reship("read-late")
    answered, read = asyncio.Event(), CaseReader._read

    async def read_late(self: CaseReader, *asked: Any) -> CaseView | None:
        await answered.wait()
        return await read(self, *asked)

    monkeypatch.setattr(CaseReader, "_read", read_late)
    silent = "retry: 60000\n\n"
    await page.route("**/live?*", lambda route: route.fulfill(content_type="text/event-stream", body=silent))
    await go_to_list(page, desk, "read-late", 1)
    await expect(page.locator("#unread")).to_contain_text("稍后自动再读")
    await expect(page.get_by_role("link", name="同意补寄")).to_have_count(0)

    answered.set()

    await expect(page.get_by_role("link", name="同意补寄")).to_be_visible(timeout=20_000)
    await expect(page.locator("#unread")).to_have_count(0)
    await page.unroute_all()


async def test_what_others_wrote_is_shown_as_text(page: Page, desk: RunningDesk, cases: Cases) -> None:
    case_id = await cases.card("evil", EVIL)
    await page.goto(f"{desk.address}/case/{case_id}")

    await expect(page.get_by_text("<b>粗</b>").first).to_be_visible()
    assert "stolen" not in await page.title()
    assert await page.locator("main img, main script").count() == 0


async def test_a_list_is_updated_without_losing_what_somebody_types(
    page: Page, desk: RunningDesk, cases: Cases
) -> None:
    first = await cases.reship("live", 1)
    await show(page, desk, "live", first)
    search = page.get_by_label("查找")
    await search.focus()
    await page.keyboard.type("70")
    await page.keyboard.press("Home")
    await page.evaluate("window.same = document.querySelector('[data-case]')")

    nearer = await cases.reship("live", 40)

    await expect(page.locator(f'[data-case="{nearer}"]')).to_be_visible()
    order = [await row.get_attribute("data-case") for row in await page.locator("[data-case]").all()]
    assert order == [nearer, first]
    await expect(search).to_be_focused()
    await page.keyboard.type("5")
    await expect(search).to_have_value("570")
    assert await page.evaluate("window.same.isConnected")


async def test_a_form_in_use_is_left_alone_when_the_case_moves(page: Page, desk: RunningDesk, cases: Cases) -> None:
    case_id = await cases.reship("in-use")
    await page.goto(f"{desk.address}/case/{case_id}")
    note = page.get_by_label("写备注")
    await note.fill("正在写")
    await expect(page.locator("main")).to_have_attribute("data-live", "")

    await desk.services.client.get_workflow_handle(case_id).execute_update("agree")

    await expect(page.locator(".state").first).to_contain_text("待补寄发货")
    await expect(note).to_have_value("正在写")


async def test_a_page_outlives_a_restart_of_the_desk(page: Page, desk: RunningDesk, cases: Cases) -> None:
    first = await cases.reship("restart")
    await show(page, desk, "restart", first)

    await desk.stop()
    await expect(page.locator("#live")).to_contain_text("连接中断")
    second = await cases.reship("restart", 40)
    await desk.start()

    await expect(page.locator(f'[data-case="{second}"]')).to_be_visible()
    await expect(page.locator("#live")).to_be_empty()
