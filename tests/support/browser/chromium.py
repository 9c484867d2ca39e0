"""The system's Chromium, headless and confined to this machine."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.support.patience import PATIENCE_SECONDS

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
MISSING = "no chromium: apt-get install chromium fonts-noto-cjk"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
STILL = """addEventListener("DOMContentLoaded", () => {
  const style = document.createElement("style");
  style.textContent = "* { animation: none !important; transition: none !important; backdrop-filter: none !important }";
  document.head.append(style);
})"""
"""No animations and no blur: without a graphics card they cost more than all the rest."""
PATIENCE_MILLISECONDS = 1000 * PATIENCE_SECONDS
OPERATOR: Final[dict[str, Any]] = {
    "viewport": {"width": 1280, "height": 800},
    "timezone_id": "Asia/Shanghai",
    "locale": "zh-CN",
    "reduced_motion": "reduce",
}
"""The screen and the settings of an operator in China."""
PHONE: Final[dict[str, Any]] = {"viewport": {"width": 375, "height": 667}, "is_mobile": True, "has_touch": True}
"""What is different where the operator holds a phone."""


def chromium() -> str | None:
    """Return the path of the system's browser, or None."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@asynccontextmanager
async def open_page(program: str) -> AsyncIterator[Page]:
    """Open a page in a fresh browser."""
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=program, args=FLAGS)
        try:
            async with open_device(browser) as page:
                await page.context.add_init_script(STILL)
                yield page
        finally:
            await browser.close()


@asynccontextmanager
async def open_device(browser: Browser, **different: Any) -> AsyncIterator[Page]:
    """Open a page as on a device of its own, with nothing of what the browser's other pages keep."""
    context = await browser.new_context(**{**OPERATOR, **different})
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    try:
        yield await context.new_page()
    finally:
        await context.close()
