"""Logging in and out in a real browser: what it says of a form's origin is what the gate goes by."""

import os
from pathlib import Path

import pytest
from playwright.async_api import expect

from aftersales.desk.access.access_file import AccessFile
from aftersales.desk.access.local_login import PasswordLogin
from aftersales.desk.services import DeskServices
from tests.aftersales.desk.conftest import browsing
from tests.aftersales.desk.test_login import PASSWORD, user, write_users
from tests.support.browser.chromium import MISSING, chromium, open_page


async def test_a_clerk_logs_in_and_out_with_the_keyboard_alone_on_a_phone(
    worker: None, services: DeskServices, tmp_path: Path
) -> None:
    program = chromium()
    if program is None:
        pytest.fail(MISSING) if os.environ.get("CI") == "true" else pytest.skip(MISSING)
    login = PasswordLogin(AccessFile(write_users(tmp_path / "access.yaml", user("张三"))))
    async with browsing(services, login) as desk, open_page(program) as page:
        await page.set_viewport_size({"width": 375, "height": 667})
        await page.goto(f"{desk.base_url}/case/none/none")
        await expect(page.get_by_label("用户名")).to_be_focused()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 375

        for typed in ("张三", PASSWORD):
            await page.keyboard.insert_text(typed)
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")

        await expect(page.get_by_role("alert")).to_contain_text("没有此案件")
        assert page.url.endswith("/case/none/none")
        await page.get_by_role("button", name="退出").press("Enter")
        await expect(page.get_by_role("main").get_by_role("status")).to_have_text("已退出登录。")
        await page.goto(f"{desk.base_url}/case/none/none")
        await expect(page.get_by_label("用户名")).to_be_visible()
