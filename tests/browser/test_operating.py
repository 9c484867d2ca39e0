"""Operators find, understand and decide cases in the Web UI, with a browser and nothing else."""

import asyncio
import os
import re

from playwright.async_api import Page, expect
from typer.testing import CliRunner

from aftersales.cli.main import app
from cases.shanghai import SHANGHAI, shanghai
from tests.support.browser.office import CARD, RESHIPS, SAMPLES, Office
from tests.support.browser.web_ui import COLUMNS, SHIPMENT, CaseList, CasePage
from workflows.engine.search_attributes import DEADLINE
from workflows.registry import PROCESSES

UNDECIDED = RESHIPS[0]


async def link_of(view: str, office: Office) -> str:
    """Return the link that ``aftersales setup`` prints for a view."""
    settings = {"TEMPORAL_ADDRESS": office.address, "TEMPORAL_CONFIG_FILE": os.devnull}
    printed = await asyncio.to_thread(CliRunner(env=settings).invoke, app, ["setup", "--ui", office.ui])
    (link,) = re.findall(rf"^{view}: (\S+)$", printed.stdout, flags=re.MULTILINE)
    return str(link)


async def test_a_link_that_setup_prints_shows_its_cases_alone_and_is_saved_under_its_name(
    page: Page, case_list: CaseList, office: Office
) -> None:
    view = PROCESSES["douyin_reship"].label

    await page.goto(await link_of(view, office))
    await expect(case_list.cases).to_have_count(len(RESHIPS))
    assert sorted(case_id.strip() for case_id in await case_list.cases.all_inner_texts()) == sorted(RESHIPS)
    await expect(case_list.views.get_by_role("button", name=view, exact=True)).to_be_visible()

    await case_list.open()
    await expect(case_list.cases).to_have_count(len(SAMPLES))
    await case_list.choose_view(view)
    await expect(case_list.cases).to_have_count(len(RESHIPS))


async def test_the_list_shows_the_columns_that_an_operator_adds(case_list: CaseList, office: Office) -> None:
    described = await office.client.get_workflow_handle(UNDECIDED).describe()
    due = described.typed_search_attributes[DEADLINE].astimezone(SHANGHAI)

    await case_list.open()
    await case_list.choose_columns()
    row = await case_list.row(UNDECIDED)

    assert {name: row[name] for name in COLUMNS if name != "CaseDeadline"} == {
        "CaseState": "待商家处理",
        "CaseWaitsFor": "商家",
        "CaseShop": "1001",
        "CaseOrder": "6922000000000000001",
        "CaseProcess": "douyin_reship",
    }
    assert row["CaseDeadline"].startswith(f"{due.year}年{due.month}月{due.day}日 GMT+8 {due:%-H:%M:%S}")


async def test_the_details_show_state_deadline_choices_and_the_task_at_the_console(
    case_page: CasePage, office: Office
) -> None:
    seen = await office.client.get_workflow_handle(CARD).describe()

    await case_page.open(CARD)
    details = await case_page.details()

    await expect(details.get_by_role("heading", level=3)).to_have_text("待发送卡片 sending")
    lines = details.get_by_role("listitem")
    due = shanghai(seen.typed_search_attributes[DEADLINE])
    await expect(lines.first).to_have_text(f"⏱ {due}(上海时间)届时:未确认,视同已发送 presume_sent")
    await expect(lines.filter(has_text="可做")).to_contain_text("发货 ship")
    task = lines.filter(has=details.locator("strong", has_text="在咚咚发送延迟发货卡片"))
    await expect(task).to_contain_text("点击「延迟发货」")
    await expect(task).to_contain_text("办妥后 done_by_hand, serial 1")


async def test_a_refused_update_says_why_in_the_form_and_an_allowed_one_moves_the_case(case_page: CasePage) -> None:
    await case_page.open(UNDECIDED)
    form = case_page.form
    await form.open()
    await form.choose("ship", SHIPMENT)
    await form.submit()
    await expect(form.refusal).to_contain_text("不能补寄发货 (ship): 当前状态不允许")
    await expect(form.refusal).to_contain_text("允许的动作 / allowed: 同意补寄 (agree)")
    await form.cancel()

    await form.open()
    await expect(form.choices.filter(has_text="同意补寄 (DR-4, DR-21)")).to_contain_text("agree")
    await form.choose("agree")
    await form.submit()
    await expect(case_page.toast).to_have_text("Update successful")
    await expect(await case_page.outcome("agree")).to_contain_text("待补寄发货")

    details = await case_page.details()
    await expect(details.get_by_role("heading", level=3)).to_have_text("待补寄发货 awaiting_shipment")
    timeline = details.get_by_role("list").last.get_by_role("listitem")
    await expect(timeline).to_have_text(re.compile(r"同意补寄 \(DR-4\)$"))
