"""The system's Chromium, headless and confined to this machine."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, async_playwright, expect

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
PATIENCE_MILLISECONDS = 30_000


def chromium() -> str | None:
    """Return the path of the system's browser, or None."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@asynccontextmanager
async def open_page(program: str) -> AsyncIterator[Page]:
    """Open a page in a fresh browser with the settings of an operator in China."""
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=program, args=FLAGS)
        try:
            context = await browser.new_context(
                viewport={"width": 1280, "height": 800},
                timezone_id="Asia/Shanghai",
                locale="zh-CN",
                reduced_motion="reduce",
            )
            await context.add_init_script(STILL)
            yield await context.new_page()
        finally:
            await browser.close()
