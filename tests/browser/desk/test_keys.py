"""The keys of the desk in a real Chromium: a clerk without a mouse finds a case, opens it and decides it."""

from playwright.async_api import Locator, Page, expect

from tests.support.browser.served_desk import Cases, RunningDesk, show


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
    await tab_to(page, page.locator("#decide button", has_text="确认同意补寄"))
    await page.keyboard.press("Enter")

    await expect(page.locator(".state").first).to_contain_text("待补寄发货")


async def tab_to(page: Page, wanted: Locator) -> None:
    """Press the key that goes from control to control until it comes to the one that is wanted."""
    while not await wanted.evaluate("wanted => wanted === document.activeElement"):
        await page.keyboard.press("Tab")
        assert await page.locator("#decide :focus").count(), "it cannot be reached"


async def test_enter_opens_the_marked_case(page: Page, desk: RunningDesk, cases: Cases) -> None:
    nearest, marked = await cases.reship("enter", 40), await cases.reship("enter", 1)
    await show(page, desk, "enter", nearest, marked)
    await page.keyboard.press("j")
    await page.keyboard.press("j")

    await page.keyboard.press("Enter")

    await expect(page).to_have_url(f"{desk.address}/case/{marked}")


async def test_s_opens_the_form_of_the_marked_case_in_which_a_parcel_is_shipped(
    page: Page, desk: RunningDesk, cases: Cases
) -> None:
    nearest, marked = await cases.reship("ships", 40), await cases.reship("ships", 1)
    await desk.services.client.get_workflow_handle(marked).execute_update("agree")
    await show(page, desk, "ships", nearest, marked)
    await expect(page.locator(f'[data-case="{marked}"]')).to_contain_text("待补寄发货")
    await page.keyboard.press("j")
    await page.keyboard.press("j")

    await page.keyboard.press("s")

    await expect(page.locator("#decide :focus")).to_have_text("补寄发货")
    assert page.url.startswith(f"{desk.address}/case/{marked}?rule=ship")
    await tab_to(page, page.get_by_label("快递公司"))
    await page.keyboard.type("顺丰")
    await tab_to(page, page.get_by_label("快递单号"))
    await page.keyboard.type("SF1234567890123")
    await page.keyboard.press("Enter")
    await expect(page.locator(".state").first).to_contain_text("补寄运输中")


async def test_keys_open_forms_and_never_send_them(page: Page, desk: RunningDesk, cases: Cases) -> None:
    case_id = await cases.reship("no-sending")
    await page.goto(f"{desk.address}/case/{case_id}")

    await page.keyboard.press("r")

    await expect(page.locator("#decide :focus")).to_have_text("拒绝补寄")
    seen = await desk.services.client.get_workflow_handle(case_id).query("view")
    assert seen["state_labels"] == ["待商家处理"]
