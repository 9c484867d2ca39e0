"""Pictures of the documents, taken of the sample cases: ``python -m tests.support.browser.screenshots docs/images``."""

import asyncio
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Locator, Page, expect

from aftersales.cli.output import complain, say
from aftersales.runtime.logs import configure_logs
from cases.errors import CaseError
from tests.support.browser.chromium import MISSING, chromium, open_page
from tests.support.browser.office import CARD, RESHIPS, SAMPLES, open_office
from tests.support.browser.web_ui import SHIPMENT, SPARE_COLUMNS, CaseList, CasePage


async def take(folder: Path) -> None:
    """Do what operators do and take a picture of each step; raises CaseError without a browser."""
    program = chromium()
    if program is None:
        raise CaseError(MISSING)
    with TemporaryDirectory() as data:
        async with open_office(Path(data)) as office, open_page(program) as page:
            await _find(page, CaseList(page, office.ui), folder)
            await _decide(page, CasePage(page, office.ui), folder)


async def _find(page: Page, cases: CaseList, folder: Path) -> None:
    await cases.open()
    await cases.choose_columns(spare=SPARE_COLUMNS)
    await expect(cases.cases).to_have_count(len(SAMPLES))
    await page.get_by_role("button", name="Collapse Navigation").click()
    await page.set_viewport_size({"width": 1760, "height": 640})  # as wide as the columns
    await _shoot(cases.main, folder / "list.png")
    await page.set_viewport_size({"width": 1280, "height": 720})


async def _decide(page: Page, case: CasePage, folder: Path) -> None:
    await case.open(CARD)
    await case.details()
    await _shoot(case.main, folder / "details.png")
    await case.open(RESHIPS[0])
    await case.form.open()
    await _shoot(case.form.dialog, folder / "choices.png")
    await case.form.choose("ship", SHIPMENT)
    await _shoot(case.form.dialog, folder / "form.png")
    await case.form.submit()
    await expect(case.form.refusal).to_be_visible()
    await _shoot(case.form.dialog, folder / "refused.png")
    await case.form.cancel()
    await case.form.open()
    await case.form.choose("agree")
    await case.form.submit()
    await expect(case.toast).to_have_text("Update successful")
    await expect(case.toast).to_be_empty()
    await case.details()
    await _shoot(case.main, folder / "outcome.png")


async def _shoot(shown: Locator, path: Path) -> None:
    await shown.screenshot(path=path, animations="disabled")
    say(str(path))


if __name__ == "__main__":
    arguments = ArgumentParser(prog="python -m tests.support.browser.screenshots")
    arguments.add_argument("folder", type=Path)
    configure_logs("ERROR", "console")
    try:
        asyncio.run(take(arguments.parse_args().folder))
    except CaseError as bad:
        complain(str(bad))
        sys.exit(2)
