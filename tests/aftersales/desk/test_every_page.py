"""Every page of the desk at once: what others wrote is text, links lead to cases, everybody can use it."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import pytest_asyncio
from markupsafe import escape

from aftersales.desk.access.users import Role, User
from aftersales.desk.services import DeskServices
from aftersales.ledger.store import SqlLedger
from cases.errors import PlatformRefused
from tests.aftersales.desk.conftest import As, OpenOnDesk, browsing, token_in
from tests.aftersales.desk.test_batch import carried_out, chosen, forms_to
from tests.aftersales.desk.test_tasks import card
from tests.support.pages.page_check import faults_of
from tests.support.pages.posted_forms import form_with
from tests.support.records.booking import decided, ended, expected, recorded
from tests.support.rules.stage import Stage

EVIL = "<evil-x onload=\"go('1')\">"
"""What somebody might write in the hope that a browser takes it for HTML."""
SIGNS = "<evil-x'?#%&>"
"""The same as an id, in which there is no space and no slash."""
SHOP = f"S{SIGNS}"
CLERK = f"张{SIGNS}"
Pages = dict[str, httpx2.Response]
SHOWS_TEXT = ("case", "refused", "moved", "faulty form", "faulty task", "choice", "faulty batch", "no month")
SHOWS_IDS = ("list", "search", "tasks", "choice", "plan", "run", "month", "faulty file")


@pytest_asyncio.fixture
async def browser(services: DeskServices, worker: None) -> AsyncIterator[httpx2.AsyncClient]:
    async with browsing(services, As(User(name=CLERK, role=Role.SUPERVISE))) as opened:
        opened.headers["x-csrf-token"] = token_in(await opened.get("/case/none/none"))
        yield opened


async def until_listed(browser: httpx2.AsyncClient, path: str, many: int) -> None:
    """Wait until the server's list has caught up."""
    for _ in range(100):
        if (await browser.get(path, params={"shop": SHOP})).text.count("data-case=") >= many:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"not listed: {path}")


@pytest_asyncio.fixture
async def pages(browser: httpx2.AsyncClient, open_on_desk: OpenOnDesk, stage: Stage, ledger: SqlLedger) -> Pages:
    """One answer of every kind that the desk gives, about cases in which everything is written with ill intent."""
    evil: dict[str, Any] = {"shop_id": SHOP, "description": EVIL}
    first = await open_on_desk(own_id=f"A1{SIGNS}", order_id=f"O1{SIGNS}", **evil)
    second = await open_on_desk(own_id=f"A2{SIGNS}", order_id=f"O1{SIGNS}", **evil)
    task = await card(open_on_desk, SHOP, order_id=f"O3{SIGNS}", reason=EVIL)
    stage.scenes[first].fails["agree_on_platform"] = PlatformRefused(EVIL)
    stage.scenes[first].fails["contact_buyer"] = PlatformRefused(EVIL)
    ledger.record(
        recorded(expected("C1", f"O1{SIGNS}", shop_id=SHOP), decided("1", actor=CLERK), ended("C1"), shop_id=SHOP)
    )
    shown: Pages = {}
    address = f"/case/{quote(first)}"

    async def at(name: str, path: Any, **parameters: str) -> httpx2.Response:
        shown[name] = await browser.get(path, params=parameters)
        return shown[name]

    await browser.post(address, data={"desk-do": "claim"})
    await browser.post(address, data={"desk-do": "note", "desk-note": EVIL})
    await until_listed(browser, "/", 3)
    await until_listed(browser, "/tasks", 1)
    panel = await at("panel", address, rule="refuse")
    shown["faulty form"] = await form_with(panel, "确认拒绝补寄").post(browser, reason="", occurred_at=EVIL)
    shown["refused"] = await form_with(await at("agree", address, rule="agree"), "确认同意补寄").post(browser)
    shown["moved"] = await form_with(panel, "确认拒绝补寄").post(browser, reason=EVIL)
    await form_with(await browser.get(address, params={"rule": "mark_out_of_stock"}), "标记缺货").post(browser)
    await at("case", address)
    shown["faulty note"] = await browser.post(address, data={"desk-do": "note", "desk-note": ""})
    await at("no rule", address, rule=EVIL)
    shown["unknown"] = await browser.post(address, data={"desk-do": EVIL})
    await at("list", "/", shop=SHOP)
    await at("search", "/", search=f"O1{SIGNS}", clerk=EVIL, least=EVIL, page=EVIL)
    await at("tasks", "/tasks", shop=SHOP)
    shown["faulty task"] = await browser.post(
        "/tasks", data={"desk-case": task, "desk-serial": "1", "occurred_at": EVIL, "note": EVIL}
    )
    await at("batch", "/batch")
    shown["choice"] = await browser.post("/batch", data={"case": [second, EVIL]})
    shown["faulty batch"] = await browser.post("/batch", data={"lines": EVIL})
    shown["faulty file"] = await browser.post("/batch", files={"file": (f"{SIGNS}.xlsx", b"none")})
    shown["batch form"] = await chosen(browser, [second, task], "指派")
    (form,) = forms_to(shown["batch form"], "/batch")
    shown["faulty clerk"] = await form.post(browser, clerk="", preview="1")
    shown["plan"] = await form.post(browser, clerk=CLERK, preview="1")
    shown["run"] = await carried_out(browser, shown["plan"])
    (carry,) = forms_to(shown["plan"], "/batch/run")
    shown["no plan"] = await carry.post(browser, plan=EVIL)
    await at("month", "/month", month="2026-11")
    await at("no month", "/month", month=EVIL, shop=EVIL)
    await at("no case", f"/case/{quote(EVIL)}/{quote(EVIL)}")
    await at("no page", f"/{quote(EVIL)}")
    return shown


async def test_every_page(pages: Pages, browser: httpx2.AsyncClient) -> None:
    for name, shown in pages.items():
        assert shown.status_code < 500, name
        assert "<evil-x" not in shown.text, name
        assert faults_of(shown.text) == [], name
    for name in SHOWS_TEXT:
        assert str(escape(EVIL)) in pages[name].text, name
    for name in SHOWS_IDS:
        assert str(escape(SIGNS)) in pages[name].text.partition("<main")[2], name
    addresses = {found for shown in pages.values() for found in re.findall(r'href="(/case/[^"]*)"', shown.text)}
    assert len(addresses) > 5
    for address in addresses:
        if "claim_1688" not in address:
            assert (await browser.get(html.unescape(address))).status_code == 200, address


def test_the_check_of_pages_finds_what_is_wrong() -> None:
    broken = (
        '<html><h1>a</h1><h3 id="x">b</h3><input id="x" name="n"><input aria-label="ok" aria-invalid="true">'
        '<button></button><fieldset></fieldset><p aria-describedby="y"></p><th>c</th></html>'
    )
    assert len(faults_of(broken)) == 10
