"""The page that ``aftersales month --html`` writes, on a phone."""

from pathlib import Path

from aftersales.desk.sections.month_page import month_file
from aftersales.ledger.month_figures import month_of
from aftersales.ledger.month_report import read_report
from aftersales.ledger.store import SqlLedger
from tests.support.browser.chromium import open_page
from tests.support.records.booking import bill, decided, ended, expected, recorded

LONG = "69220000000000000012345678901234567890"


async def test_a_month_is_as_wide_as_the_phone(program: str, tmp_path: Path) -> None:
    missed = {"state_label": "理赔成立", "decided_before_deadline": False, "clocks_run_out": 2}
    with SqlLedger(tmp_path / "ledger.sqlite3") as ledger:
        long = expected(LONG, amount="123456789.00", shop_id=LONG)
        ledger.record(recorded(long, decided(actor=LONG), ended(LONG, shop_id=LONG, **missed), shop_id=LONG))
        ledger.bill(bill("B1", LONG, order=LONG, amount="1.00", shop_id=LONG))
        written = month_file(read_report(ledger, month_of("2026-11")))
    path = tmp_path / "month.html"
    path.write_text(written, encoding="utf-8")

    async with open_page(program) as page:
        for width in (390, 375):
            await page.set_viewport_size({"width": width, "height": 800})
            await page.goto(path.as_uri())
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert await page.locator("h2").inner_text() == LONG
