"""The desk's pages over real HTTP."""

from typing import Any

import httpx2
import pytest
from temporalio.service import RPCError, RPCStatusCode

from aftersales.ledger.open_stakes import KeptStakes
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


async def test_odd_numbers_of_steps_and_cases_are_refused_in_words(
    desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk
) -> None:
    case_id = await open_on_desk()
    done = {"desk-do": "decide", "desk-rule": "done_by_hand"}
    for serial in ("9" * 5000, "\u00b2", "-1", "", "1.5"):
        refused = await desk.post(f"/case/{case_id}", data={**done, "desk-serial": serial})
        assert refused.status_code == 422, serial
        assert "没有指明是哪一步" in refused.text
    for process in ("none", "notices", "a b", "..%2f"):
        for posted in ({"desk-do": "decide", "desk-rule": "agree"}, {"desk-do": "claim"}, {"desk-do": "note"}):
            missing = await desk.post(f"/case/{process}/1", data=posted)
            assert missing.status_code == 404
            assert "没有此案件" in missing.text


async def test_an_address_that_leads_nowhere_is_answered_by_a_page_in_chinese(desk: httpx2.AsyncClient) -> None:
    answers = [await desk.get("/nowhere"), await desk.post("/month"), await desk.get("/static/nothing.css")]

    assert [answer.status_code for answer in answers] == [404, 405, 404]
    assert all("没有这个页面" in answer.text and "回到待办" in answer.text for answer in answers[:2])


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (RPCError("connection refused", RPCStatusCode.UNAVAILABLE, b""), 503, "后台服务现在连不上"),
        (RuntimeError("a fault of ours"), 500, "工作台出了故障"),
    ],
)
async def test_a_fault_is_told_in_a_page_in_chinese_without_its_own_words(
    desk: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int, words: str
) -> None:
    async def fail(*_: Any) -> None:
        raise fault

    monkeypatch.setattr(KeptStakes, "of", fail)

    shown = await desk.get("/month")

    assert shown.status_code == status
    assert words in shown.text
    assert str(fault) not in shown.text
    assert shown.headers["content-security-policy"].startswith("default-src 'none'")


async def test_the_icon_is_the_desk_s_own_and_a_picture_that_loads_nothing(desk: httpx2.AsyncClient) -> None:
    for page in ("/", "/nowhere"):
        assert '<link rel="icon" href="/static/favicon.svg" type="image/svg+xml">' in (await desk.get(page)).text
    icon = await desk.get("/static/favicon.svg")

    assert icon.status_code == 200
    assert icon.headers["content-type"].startswith("image/svg+xml")
    assert icon.headers["content-security-policy"].startswith("default-src 'none'")
    assert [word for word in ("style", "script", "href", "url(") if word in icon.text] == []
