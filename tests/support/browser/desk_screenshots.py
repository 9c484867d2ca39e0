"""Pictures of the desk, taken while a clerk works on the sample cases."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from aftersales.desk.access.login import OneUser
from aftersales.desk.services import DeskServices
from aftersales.desk.site import make_desk
from aftersales.ledger.store import SqlLedger
from aftersales.ledger.teamwork import Claim, Note
from aftersales.runtime.http.http_server import listen, serving
from aftersales.runtime.settings import Settings
from tests.support.browser.chromium import PHONE, open_device
from tests.support.browser.office import CARD, RESHIPS, SAMPLES, Office
from tests.support.records.booking import bill, decided, ended, expected, november, recorded

CLERK, COLLEAGUE = "张三", "李四"
SHOPS = {
    "1001": "城南旗舰店",
    "1002": "城北专营店",
    "S1003": "义乌批发店",
    "S2001": "滨江旗舰店",
    "S3001": "西湖潮玩店",
}
SPLIT, CLAIM = "anxinjian_split/5501000000000000001", "claim_1688/8801000000000000001"
Shoot = Callable[[Locator | Page, str], Awaitable[None]]


@asynccontextmanager
async def open_desk(office: Office, folder: Path) -> AsyncIterator[str]:
    """Serve a desk beside the office's cases until the block ends; yields its address."""
    settings = Settings(task_queue="office", data_dir=folder, ui_address=office.ui)
    with SqlLedger(folder / "desk.sqlite3") as ledger, listen("127.0.0.1", 0, "AFTERSALES_DESK") as listener:
        _work_together(ledger)
        _keep_books(ledger)
        services = DeskServices(office.client, ledger, settings, SHOPS)
        async with serving(make_desk(services, OneUser(CLERK)), listener):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def take_desk(page: Page, desk: str, shoot: Shoot) -> None:
    """Take a picture of each page of the desk, as a clerk comes by them."""
    await page.set_viewport_size({"width": 1100, "height": 860})
    await page.goto(f"{desk}/")
    await expect(page.locator("li.case")).to_have_count(len(SAMPLES))
    await shoot(page, "desk-home.png")
    await page.goto(f"{desk}/case/{SPLIT}")
    await shoot(page, "desk-case.png")
    await page.goto(f"{desk}/case/{CLAIM}?rule=agree")
    await page.locator("#decide").scroll_into_view_if_needed()
    await shoot(page, "desk-confirm.png")
    await page.get_by_role("button", name="确认同意赔付").click()
    await expect(page.locator(".outcome")).to_be_visible()
    await shoot(page, "desk-submitting.png")
    await _preview_batch(page, desk, shoot)
    await page.set_viewport_size({"width": 1100, "height": 860})
    await page.goto(f"{desk}/tasks")
    await page.locator(f'li.case[data-case="{SPLIT}"] summary').click()
    await shoot(page, "desk-tasks.png")
    await page.set_viewport_size({"width": 1100, "height": 1000})
    await page.goto(f"{desk}/month?month=2026-11&shop=S1003")
    await shoot(page, "desk-month.png")
    await _hold_a_phone(page, desk, shoot)


async def _hold_a_phone(page: Page, desk: str, shoot: Shoot) -> None:
    browser = page.context.browser
    assert browser
    async with open_device(browser, **PHONE | {"viewport": {"width": 375, "height": 740}}) as phone:
        await phone.goto(f"{desk}/")
        await phone.locator("li.case").first.evaluate("shown => shown.scrollIntoView()")
        await shoot(phone, "desk-phone.png")


async def _preview_batch(page: Page, desk: str, shoot: Shoot) -> None:
    await page.goto(f"{desk}/")
    for case_id in (*RESHIPS, CARD):
        await page.locator(f'li.case[data-case="{case_id}"] input.pick').check()
    await page.get_by_role("button", name="批量处理所选").click()
    await page.get_by_role("button", name="同意补寄").click()
    await expect(page.get_by_role("button", name="执行")).to_be_visible()
    await shoot(page, "desk-batch.png")


def _work_together(ledger: SqlLedger) -> None:
    now = datetime.now(UTC)
    ledger.claim(Claim(case_id=CARD, clerk=COLLEAGUE, at=now - timedelta(minutes=20)))
    note = "已电话联系商家,今天下午答复怎么选"
    ledger.add_note(Note(case_id=SPLIT, clerk=COLLEAGUE, at=now - timedelta(minutes=10), text=note))


def _keep_books(ledger: SqlLedger) -> None:
    """Keep a month of one shop, beside the month before."""
    shop = {"shop_id": "S1003"}
    missed = {"state": "upheld", "state_label": "系统判定成立", "decided_before_deadline": False, "clocks_run_out": 1}
    agreed = {"state": "agreed", "state_label": "已同意赔付", "decided_by": "merchant"}
    own = {"way": "desk", **shop}
    del own["shop_id"]
    books = [
        ("8801000000000000011", "CL-3", "86.40", missed, None),
        ("8801000000000000012", "CL-3", "19.45", agreed, CLERK),
        ("8801000000000000013", "CL-3", "33.00", agreed, COLLEAGUE),
    ]
    for own_id, clause, amount, outcome, actor in books:
        decisions = [decided("1", "agree", actor=actor, **own)] if actor else []
        entry = expected(own_id, clause, amount=amount, **shop)
        ledger.record(recorded(entry, *decisions, ended(own_id, **{**shop, **outcome}), **shop))
    before = expected("8801000000000000001", amount="52.00", at=november(3).replace(month=10), **shop)
    ledger.record(recorded(before, **shop))
    ledger.bill(bill("B1", order="O8801000000000000011", amount="86.40", **shop))
    ledger.claim(Claim(case_id="claim_1688/8801000000000000011", clerk=COLLEAGUE, at=november(2)))
