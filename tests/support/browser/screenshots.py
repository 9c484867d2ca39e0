"""Pictures of the documents, taken of the sample cases: ``python -m tests.support.browser.screenshots docs/images``."""

import asyncio
import sys
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Locator, Page

from aftersales.cli.output import complain, say
from aftersales.runtime.telemetry.logs import configure_logs
from cases.errors import CaseError
from tests.support.browser.chromium import MISSING, chromium, open_page
from tests.support.browser.desk_screenshots import open_desk, take_desk
from tests.support.browser.office import CARD, RESHIPS, open_office
from tests.support.browser.web_ui import SHIPMENT, CasePage


async def take(folder: Path) -> None:
    """Do what operators do and take a picture of each step; raises CaseError without a browser."""
    program = chromium()
    if program is None:
        raise CaseError(MISSING)
    shoot = partial(_shoot, folder)
    with TemporaryDirectory() as data:
        async with open_office(Path(data)) as office, open_page(program) as page:
            await _take_web_ui(page, CasePage(page, office.ui), folder)
            async with open_desk(office, Path(data)) as desk:
                await take_desk(page, desk, shoot)


async def _take_web_ui(page: Page, case: CasePage, folder: Path) -> None:
    await page.set_viewport_size({"width": 1280, "height": 720})
    await case.open(CARD)
    await case.details()
    await _shoot(folder, case.main, "web-ui-details.png")
    await case.open(RESHIPS[0])
    await case.form.open()
    await case.form.choose("ship", SHIPMENT)
    await _shoot(folder, case.form.dialog, "web-ui-form.png")
    await case.form.cancel()


async def _shoot(folder: Path, shown: Locator | Page, name: str) -> None:
    path = folder / name
    await shown.screenshot(path=path, animations="disabled", caret="hide")
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
