"""Several clerks at one desk in a real Chromium: what each may do, is told, and leaves behind."""

import re

import pytest
from playwright.async_api import Page, Request, expect

from cases.errors import PlatformRefused
from tests.browser.desk.conftest import Sit
from tests.support.browser.chromium import PHONE
from tests.support.browser.served_desk import CLERKS, SUPERVISOR, Cases, RunningDesk, show
from tests.support.rules.stage import Stage

REFUSED = PlatformRefused("该售后单已关闭 / the application is closed")
SEEN_BY_A_BUYER = "买家电话13800138000"
"""What stands in a buyer's application, and what clerks write about it."""


async def test_a_refusal_of_the_platform_and_one_of_the_rules_are_told_in_chinese(
    page: Page, desk: RunningDesk, cases: Cases, stage: Stage
) -> None:
    case_id = await cases.reship("refusals")
    stage.scenes[case_id].fails["refuse_on_platform"] = REFUSED
    await page.goto(f"{desk.address}/case/{case_id}?rule=refuse")
    await page.get_by_label("拒绝理由").fill("已补发")
    await page.get_by_role("button", name="确认拒绝补寄").click()
    told = page.locator(".outcome")
    await expect(told).to_contain_text("平台拒绝:该售后单已关闭")
    await expect(page.locator(".state").first).to_have_text("待商家处理")

    await expect(page.get_by_label("拒绝理由")).to_have_value("已补发")
    await page.locator("#decide").get_by_text("已经在平台后台办过了").click()
    await page.locator("#decide input[name=occurred_at]").fill("2090-01-01T09:30:00")
    await page.get_by_role("button", name="重试:拒绝补寄").click()

    await expect(told).to_contain_text("发生时间:不能晚于现在")
    assert not re.search("[a-z]{3}", await told.inner_text())


async def test_of_twenty_cases_that_are_ticked_the_one_is_named_that_the_platform_refuses(
    page: Page, desk: RunningDesk, cases: Cases, stage: Stage
) -> None:
    ids = [await cases.reship("twenty", 1 + number / 10) for number in range(20)]
    stage.scenes[ids[7]].fails["agree_on_platform"] = REFUSED
    await show(page, desk, "twenty", *ids)

    for case_id in ids:
        await page.locator(f'[data-case="{case_id}"] input.pick').check()
    await page.get_by_role("button", name="批量处理所选").click()
    await page.get_by_role("button", name="同意补寄(20)").click()
    await page.get_by_role("button", name="执行 20 项").click()

    await expect(page.locator("#run")).to_contain_text("办完了:19 项成功,1 项没有办成")
    failed = page.locator(".results .failed")
    await expect(failed).to_have_count(1)
    await expect(failed).to_have_attribute("data-case", ids[7])
    await expect(failed).to_contain_text("平台拒绝:该售后单已关闭")


async def test_the_second_of_two_clerks_is_told_what_the_first_did(
    page: Page, sit: Sit, desk: RunningDesk, cases: Cases
) -> None:
    case_id = await cases.reship("two-clerks")
    colleague = await sit("colleague")
    await page.goto(f"{desk.address}/case/{case_id}?rule=agree")
    mine = page.get_by_role("button", name="确认同意补寄")
    await mine.focus()
    await colleague.goto(f"{desk.address}/case/{case_id}?rule=refuse")
    await colleague.get_by_label("拒绝理由").fill("已补发")
    await colleague.get_by_role("button", name="确认拒绝补寄").click()
    await expect(colleague.locator(".outcome")).to_contain_text("已生效")

    await mine.press("Enter")

    told = page.locator(".outcome")
    await expect(told).to_contain_text("没有提交:现在不能这样做")
    await expect(told).to_contain_text(f"拒绝补寄 — {CLERKS['colleague'].name}(工作台)")
    await expect(page.get_by_role("button", name="确认同意补寄")).to_have_count(0)


async def test_who_only_looks_finds_no_button_and_a_stranger_no_case(sit: Sit, desk: RunningDesk, cases: Cases) -> None:
    case_id = await cases.reship("roles")
    looker, foreign, colleague = [await sit(clerk) for clerk in ("looker", "foreign", "colleague")]
    for path in (f"/case/{case_id}?rule=agree", f"/case/{case_id}"):
        await looker.goto(desk.address + path)
        await expect(looker.locator(".state").first).to_have_text("待商家处理")
        await expect(looker.get_by_text("需要「处理」权限").first).to_be_visible()
        await expect(looker.get_by_role("button", name="同意补寄")).to_have_count(0)
        await foreign.goto(desk.address + path)
        await expect(foreign.get_by_text("没有此案件")).to_be_visible()
        await expect(foreign.get_by_text("待商家处理")).to_have_count(0)
    await foreign.goto(f"{desk.address}/?shop=roles")
    await expect(foreign.locator("[data-case]")).to_have_count(0)

    await colleague.goto(f"{desk.address}/case/{case_id}?rule=agree")
    await colleague.get_by_role("button", name="确认同意补寄").click()
    await expect(colleague.locator(".outcome")).to_contain_text("已生效")


async def test_what_another_page_posts_with_a_clerk_s_cookies_changes_nothing(
    page: Page, desk: RunningDesk, cases: Cases
) -> None:
    case_id = await cases.reship("forged")
    await page.goto(f"{desk.address}/case/{case_id}?rule=agree")
    form = await page.locator("#decide form").evaluate("form => form.outerHTML")
    forged = form.replace('action="', f'action="{desk.address}')
    elsewhere = "http://127.0.0.1:9/elsewhere"
    await page.route(elsewhere, lambda route: route.fulfill(content_type="text/html; charset=utf-8", body=forged))
    await page.goto(elsewhere)

    await page.get_by_role("button", name="确认同意补寄").click()

    await expect(page.get_by_text("不是从工作台的页面发出的")).to_be_visible()
    await page.goto(f"{desk.address}/case/{case_id}")
    await expect(page.locator(".state").first).to_have_text("待商家处理")


async def test_an_order_s_number_is_copied(page: Page, desk: RunningDesk, cases: Cases) -> None:
    case_id = await cases.reship("copied", order_id="4711000")
    await show(page, desk, "copied", case_id)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=desk.address)

    await page.get_by_role("button", name="复制").click()

    await expect(page.get_by_role("button", name="已复制")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == "4711000"


async def test_nothing_that_a_buyer_or_a_clerk_wrote_comes_into_an_address_or_a_log(
    page: Page, desk: RunningDesk, cases: Cases, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("INFO")
    addresses: list[str] = []

    def note(request: Request) -> None:
        addresses.append(request.url)

    page.on("request", note)
    case_id = await cases.reship("private", description=SEEN_BY_A_BUYER)
    await show(page, desk, "private", case_id)
    await page.goto(f"{desk.address}/case/{case_id}?rule=refuse")
    await expect(page.get_by_text(SEEN_BY_A_BUYER).first).to_be_visible()
    await page.get_by_label("拒绝理由").fill(SEEN_BY_A_BUYER)
    await page.get_by_role("button", name="确认拒绝补寄").click()
    await expect(page.locator(".outcome")).to_contain_text("已生效")
    await page.get_by_label("写备注").fill(SEEN_BY_A_BUYER)
    await page.get_by_role("button", name="保存备注").click()
    await expect(page.locator(".notes")).to_contain_text(SEEN_BY_A_BUYER)
    await page.goto(f"{desk.address}/batch")
    await page.get_by_label("订单号、售后单号或案件号").fill(SEEN_BY_A_BUYER)
    await page.get_by_role("button", name="下一步").click()
    await expect(page.locator("main")).to_contain_text(SEEN_BY_A_BUYER)
    page.remove_listener("request", note)

    assert len(addresses) > 10
    assert [address for address in addresses if "13800138000" in address] == []
    assert "13800138000" not in caplog.text
    assert "13800138000" not in "".join(capfd.readouterr())


async def test_a_form_that_was_open_while_the_desk_was_restarted_is_sent_once_it_is_back(
    page: Page, desk: RunningDesk, cases: Cases
) -> None:
    case_id = await cases.reship("restarted")
    await page.goto(f"{desk.address}/case/{case_id}?rule=refuse")
    await page.get_by_label("拒绝理由").fill("已补发")

    await desk.stop()
    await expect(page.locator("#live")).to_contain_text("连接中断")
    await desk.start()
    await expect(page.locator("#live")).to_be_empty()
    await expect(page.get_by_label("拒绝理由")).to_have_value("已补发")
    await page.get_by_role("button", name="确认拒绝补寄").click()

    await expect(page.locator(".outcome")).to_contain_text("已生效")
    await expect(page.locator(".timeline").first).to_contain_text(f"{SUPERVISOR.name}(工作台)")


async def test_on_a_phone_the_filters_are_folded_and_buttons_bear_no_letters(
    page: Page, sit: Sit, desk: RunningDesk, cases: Cases
) -> None:
    case_id = await cases.reship("phone")
    await show(page, desk, "phone", case_id)
    await expect(page.locator(".actions kbd").first).to_be_visible()
    await expect(page.get_by_label("店铺")).to_be_visible()
    await expect(page.locator(".more-filters summary")).to_be_hidden()
    phone = await sit(**PHONE)
    faults: list[str] = []
    phone.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    async with phone.expect_response(f"{desk.address}/static/favicon.svg") as icon:
        await phone.goto(f"{desk.address}/?shop=phone&least=1")
    assert (await icon.value).ok

    summary = phone.locator(".more-filters summary")
    await expect(summary).to_have_text("更多条件(已设 2 项)")
    await expect(phone.get_by_label("店铺")).to_be_hidden()
    await expect(phone.locator("[data-case] .button").first).to_be_in_viewport()
    await expect(phone.locator("[data-case] kbd").first).to_be_hidden()
    await summary.tap()
    await expect(phone.get_by_label("店铺")).to_have_value("phone")
    assert await phone.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]
    assert faults == []
