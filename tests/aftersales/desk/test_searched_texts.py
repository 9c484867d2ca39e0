"""What is typed into a search is a text, whatever it looks like: it finds what has it, and nothing else."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest_asyncio

from aftersales.desk.access.users import Role, User
from aftersales.desk.services import DeskServices
from aftersales.runtime.client.case_search import quoted
from tests.aftersales.desk.conftest import As, OpenOnDesk, browsing

SQL = [
    {"shop": "\\", "process": "douyin_reship", "state": ' ) OR CaseShop = "stranger-shop" -- '},
    {"shop": "\\", "process": "douyin_reship", "state": ' ) OR CaseShop = "stranger-shop" OR WorkflowId = "'},
    {"search": "') OR CaseShop = 'stranger-shop' -- "},
    {"search": ') OR CaseShop = "stranger-shop" -- \\'},
    {"shop": "stranger-shop"},
    {"search": "stranger-order"},
]
"""Addresses by which somebody might look at the cases of a shop that is not his."""
ODD = ["\\", '"', "\\'", "\0", "';--/*%`\n😀"]


@pytest_asyncio.fixture
async def browser(services: DeskServices, worker: None) -> AsyncIterator[httpx2.AsyncClient]:
    async with browsing(services, As(User(name="王五", role=Role.SUPERVISE, shops=("own-shop",)))) as opened:
        yield opened


async def test_no_text_in_an_address_leads_to_the_cases_of_a_foreign_shop(
    desk: httpx2.AsyncClient, browser: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    own = await open_on_desk(shop_id="own-shop")
    foreign = await open_on_desk(shop_id="stranger-shop", order_id="stranger-order")
    for _ in range(100):
        if foreign in (await desk.get("/", params={"shop": "stranger-shop"})).text:
            break
        await asyncio.sleep(0.1)

    assert own in (await browser.get("/")).text
    for page in ("/", "/tasks", "/month"):
        for parameters in SQL:
            shown = await browser.get(page, params=parameters)
            assert shown.status_code == 200, parameters
            assert foreign not in shown.text, parameters


async def test_odd_texts_find_nothing_and_break_nothing(desk: httpx2.AsyncClient) -> None:
    for text in ODD:
        asked = [("/", "search"), ("/", "shop"), ("/tasks", "shop")]
        for shown in await asyncio.gather(*(desk.get(page, params={name: text}) for page, name in asked)):
            assert shown.status_code == 200, (str(shown.url), text)
            assert "data-case" not in shown.text
        posted = await desk.post("/batch", data={"lines": f"{text} x"})
        assert posted.status_code == 422, text


async def test_a_case_whose_order_has_odd_signs_is_found_by_it(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    order = "o'?#%&d"
    case_id = await open_on_desk(order_id=order)
    for _ in range(100):
        found = (await desk.get("/", params={"search": order})).text
        if case_id in found:
            break
        await asyncio.sleep(0.1)

    assert f'data-case="{case_id}"' in found


def test_a_literal_ends_where_its_text_does() -> None:
    assert quoted("a'b\\") == r"'a''b\\'"
