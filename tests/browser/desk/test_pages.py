"""Clerks at the desk in a real Chromium: what script and layout promise, and that nobody is kept out."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from aftersales.desk.case_reading import CaseReader
from tests.support.browser.served_desk import Cases, RunningDesk, go_to_list, show
from tests.support.life import eventually
from workflows.engine import search_attributes as sa
from workflows.engine.view import CaseView

PHONE = {"width": 375, "height": 667}
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


async def test_a_case_is_decided_with_the_keyboard_alone(page: Page, desk: RunningDesk, cases: Cases) -> None:
    nearest, later = await cases.reship("keys", 40), await cases.reship("keys", 1)
    await show(page, desk, "keys", nearest, later)
    focused = page.locator("[data-case]:focus-within")

    await page.keyboard.press("j")
    await expect(focused).to_have_attribute("data-case", nearest)
    await page.keyboard.press("j")
    await expect(focused).to_have_attribute("data-case", later)
    await page.keyboard.press("k")
    await expect(focused).to_have_attribute("data-case", nearest)
    await page.keyboard.press("/")
    search = page.get_by_label("查找")
    await expect(search).to_be_focused()
    await page.keyboard.type("jka?")
    await expect(search).to_have_value("jka?")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await search.blur()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("快捷键")
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    await page.keyboard.press("a")
    await expect(page.locator("#decide :focus")).to_have_text("同意补寄")
    button = page.locator("#decide button", has_text="确认同意补寄")
    while not await button.evaluate("button => button === document.activeElement"):
        await page.keyboard.press("Tab")
        assert await page.locator("#decide :focus").count(), "the button cannot be reached"
    await page.keyboard.press("Enter")

    await expect(page.locator(".state").first).to_contain_text("待补寄发货")


async def test_keys_open_forms_and_never_send_them(page: Page, desk: RunningDesk, cases: Cases) -> None:
    case_id = await cases.reship("no-sending")
    await page.goto(f"{desk.address}/case/{case_id}")

    await page.keyboard.press("r")

    await expect(page.locator("#decide :focus")).to_have_text("拒绝补寄")
    seen = await desk.services.client.get_workflow_handle(case_id).query("view")
    assert seen["state_labels"] == ["待商家处理"]


LISTS = ("/?shop=all-pages", "/?shop=all-pages&group=overdue", "/batch", "/tasks?shop=all-pages", "/month")
CASE_PAGES = ("/case/{card}", "/case/{case}", "/case/{case}?rule=agree", "/case/{case}?rule=refuse", "/case/none/none")


async def test_every_page_fits_a_phone_and_is_open_to_everybody(page: Page, desk: RunningDesk, cases: Cases) -> None:
    case_id, card = await cases.reship("all-pages"), await cases.card("all-pages", EVIL + "字" * 300)
    await show(page, desk, "all-pages", case_id, card)
    wide, barred = [], []
    for path in LISTS + CASE_PAGES:
        await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        await page.goto(desk.address + path.format(case=case_id, card=card))
        width = await page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE["width"]:
            wide.append((path, width))
        found = await Axe().run(page)
        faults = [(fault["id"], node["html"]) for fault in found.response["violations"] for node in fault["nodes"]]
        barred += [(path, *fault) for fault in faults]

    assert wide == []
    assert barred == [], barred


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
