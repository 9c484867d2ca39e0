"""Nobody is kept out of the desk: every page fits a phone, and axe finds no fault in it."""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from aftersales.desk.handling.deciding import DecisionSender, SendingOutcome
from tests.support.browser.chromium import PHONE
from tests.support.browser.served_desk import Cases, RunningDesk, show
from tests.support.records.booking import bill, decided, ended, expected, recorded

LONG = "<script>document.title='stolen'</script><b>粗</b>" + "字" * 300
LISTS = ("/?shop=all-pages", "/?shop=all-pages&group=overdue", "/batch", "/tasks?shop=all-pages", "/month")
CASE_PAGES = ("/case/{card}", "/case/{case}", "/case/{case}?rule=agree", "/case/{case}?rule=refuse", "/case/none/none")


async def test_every_page_fits_a_phone_and_is_open_to_everybody(page: Page, desk: RunningDesk, cases: Cases) -> None:
    case_id, card = await cases.reship("all-pages"), await cases.card("all-pages", LONG)
    await show(page, desk, "all-pages", case_id, card)
    await page.set_viewport_size(PHONE["viewport"])
    faults = []
    for path in LISTS + CASE_PAGES:
        await page.goto(desk.address + path.format(case=case_id, card=card))
        faults += await faults_of(page)

    assert faults == []


async def test_every_step_of_a_batch_fits_a_phone_and_is_open_to_everybody(
    page: Page, desk: RunningDesk, cases: Cases
) -> None:
    ids = [await cases.reship("batch-pages"), await cases.reship("batch-pages"), await cases.card("batch-pages", LONG)]
    await show(page, desk, "batch-pages", *ids)
    await page.set_viewport_size(PHONE["viewport"])
    for case_id in ids:
        await page.locator(f'[data-case="{case_id}"] input.pick').check()
    faults = await faults_of(page)
    await page.get_by_role("button", name="批量处理所选").click()
    for heading, button in (
        ("批量:3 件案件", "拒绝补寄(2)"),
        ("批量拒绝补寄:3 件案件", "预览"),
        ("预览:拒绝补寄", "执行 2 项"),
    ):
        await expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        faults += await faults_of(page)
        if button == "预览":
            await page.get_by_label("拒绝理由").fill(LONG)
        await page.get_by_role("button", name=button).click()
    await expect(page.locator("#run")).to_contain_text("办完了:2 项成功")
    faults += await faults_of(page)

    assert faults == []


async def test_the_page_that_waits_for_an_answer_fits_a_phone_and_is_open_to_everybody(
    page: Page, desk: RunningDesk, cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unanswered(self: DecisionSender, *decision: Any) -> SendingOutcome:
        del self, decision
        return SendingOutcome("unknown")

    monkeypatch.setattr(DecisionSender, "send", unanswered)
    case_id = await cases.reship("unanswered")
    await page.set_viewport_size(PHONE["viewport"])
    await page.goto(f"{desk.address}/case/{case_id}?rule=agree")
    await page.get_by_role("button", name="确认同意补寄").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("提交中")
    await page.route("**/case/**", lambda route: route.fulfill(status=204))  # it asks again while it is looked at

    assert await faults_of(page) == []
    await page.unroute_all()


async def test_a_month_with_figures_fits_a_phone_and_is_open_to_everybody(page: Page, desk: RunningDesk) -> None:
    shop, case = "69220000000000000012345678901234567890", "month-pages"
    missed = {"state_label": "理赔成立", "decided_before_deadline": False, "clocks_run_out": 2}
    entry = expected(case, amount="123456789.00", shop_id=shop)
    desk.services.ledger.record(
        recorded(entry, decided(actor="张三" * 20), ended(case, shop_id=shop, **missed), shop_id=shop)
    )
    desk.services.ledger.bill(bill(case, shop, order=case, amount="1.00", shop_id=shop))
    await page.set_viewport_size(PHONE["viewport"])
    await page.goto(f"{desk.address}/month?month=2026-11&shop={shop}")
    await expect(page.get_by_role("heading", name="错过的时限")).to_be_visible()

    assert await faults_of(page) == []


async def faults_of(page: Page) -> list[tuple[str, ...]]:
    """Return what is wrong with a page on a phone: that it is wider, and whatever axe finds."""
    width = await page.evaluate("document.documentElement.scrollWidth")
    wide = [(page.url, "too wide", str(width))] if width > PHONE["viewport"]["width"] else []
    found = (await Axe().run(page)).response["violations"]
    return wide + [(page.url, fault["id"], node["html"]) for fault in found for node in fault["nodes"]]
