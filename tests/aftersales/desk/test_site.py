"""The desk's pages over real HTTP."""

import httpx2

from tests.aftersales.desk.conftest import CLERK, OpenOnDesk


async def test_an_open_case_is_listed_and_shown(desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk) -> None:
    case_id = await open_on_desk(shop_id="S1")

    shown = await desk.get(f"/case/{case_id}")

    assert shown.status_code == 200
    assert "待商家处理" in shown.text
    assert CLERK in shown.text


async def test_a_case_that_does_not_exist_is_said_to_be_missing(desk: httpx2.AsyncClient) -> None:
    missing = await desk.get("/case/douyin_reship/nobody")

    assert missing.status_code == 404
    assert "没有此案件" in missing.text


async def test_nothing_comes_from_another_host(desk: httpx2.AsyncClient) -> None:
    home = await desk.get("/")

    assert home.status_code == 200
    assert home.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert "http://" not in home.text.replace(str(desk.base_url), "")
