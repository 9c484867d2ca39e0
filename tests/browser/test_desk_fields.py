"""The fields of a form on the desk, in a browser: what its script adds, and how they look on a phone."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from aftersales.desk.gate import PAGE_HEADERS
from aftersales.desk.handling.form_fields import fields_of
from aftersales.desk.rendering import DESK_FOLDER, ENVIRONMENT
from aftersales.runtime.http.http_server import listen, serving
from cases.douyin_reship import Refusal
from tests.support.browser.chromium import open_page
from workflows.engine.decisions import StepDone

PAGE = ENVIRONMENT.from_string("""{% extends "base.html" %}
{% from "fields.html" import form_fields %}
{% block content %}{{ form_fields(done, "done-") }}{{ form_fields(refusal) }}{% endblock %}""")


async def fields_page(request: Request) -> Response:
    values = {"user": None, "path": request.url.path, "csrf_token": "", "server_time": lambda: "2026-11-11T01:30:15Z"}
    text = PAGE.render(**values, done=fields_of(StepDone), refusal=fields_of(Refusal))
    return HTMLResponse(text, headers=PAGE_HEADERS)


@pytest_asyncio.fixture(scope="module")
async def page(program: str) -> AsyncIterator[Page]:
    """A page without an office: nothing here asks a server."""
    async with open_page(program) as opened:
        yield opened


@pytest_asyncio.fixture
async def fields(page: Page) -> AsyncIterator[Page]:
    static = StaticFiles(directory=DESK_FOLDER / "static")
    site = Starlette(routes=[Route("/", fields_page), Mount("/static", static)])
    with listen("127.0.0.1", 0, "AFTERSALES_DESK") as listener:
        async with serving(site, listener):
            await page.clock.set_fixed_time("2026-11-11T01:10:00Z")
            await page.goto(f"http://127.0.0.1:{listener.getsockname()[1]}/")
            yield page


async def test_now_is_filled_in_as_the_desk_s_time_in_shanghai_by_the_keyboard_alone(fields: Page) -> None:
    done_at = fields.get_by_label("实际办妥时间", exact=True)
    await expect(done_at).to_have_value("")

    await fields.get_by_role("button", name="实际办妥时间:现在").press("Enter")

    await expect(done_at).to_have_value("2026-11-11T09:30:15")


async def test_a_usual_reason_is_filled_in_by_a_click(fields: Page) -> None:
    await fields.get_by_role("button", name="已与买家协商一致").click()

    await expect(fields.get_by_label("拒绝理由")).to_have_value("已与买家协商一致")


async def test_a_form_is_no_wider_than_a_phone(fields: Page) -> None:
    await fields.set_viewport_size({"width": 375, "height": 700})

    assert await fields.evaluate("document.documentElement.scrollWidth") <= 375
