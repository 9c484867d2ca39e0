"""月报 on the desk: the figures of the ledger, for the shops that the user sees."""

import httpx2
import pytest

from aftersales.desk.access.users import Role, User
from aftersales.desk.services import DeskServices
from aftersales.ledger.store import SqlLedger
from aftersales.ledger.teamwork import Claim
from tests.aftersales.desk.conftest import As, OpenOnDesk, browsing
from tests.support.records.booking import bill, decided, ended, expected, november, recorded


@pytest.fixture(autouse=True)
def booked(ledger: SqlLedger) -> None:
    missed = {"state_label": "理赔成立", "decided_before_deadline": False, "clocks_run_out": 2}
    ledger.record(recorded(expected("C1", amount="80.00"), decided("1", actor="wang"), ended("C1", **missed)))
    ledger.record(recorded(expected("C2", amount="7.00", at=november(3).replace(month=10))))
    ledger.record(recorded(expected("C3", "DR-11", process="douyin_reship")))
    ledger.record(recorded(expected("C4", amount="9.00", shop_id="S2"), shop_id="S2"))
    ledger.bill(bill("B1", order="OC1", amount="90.00"))
    ledger.bill(bill("B2", order="O<b>", amount="1.50"))
    ledger.claim(Claim(case_id="claim_1688/C1", clerk="赵六", at=november(2)))


async def month(desk: httpx2.AsyncClient, **parameters: str) -> str:
    shown = await desk.get("/month", params={"month": "2026-11", **parameters})
    assert shown.status_code == 200
    return shown.text


async def test_what_was_lost_is_told_by_name_and_beside_the_month_before(desk: httpx2.AsyncClient) -> None:
    text = await month(desk, shop="S1")

    assert "共损失 <b>91.50 元 + 1 笔金额未知</b>" in text
    assert "上月 7.00 元,多 84.50 元" in text
    assert "赔付违约金,从保证金扣除" in text
    assert "CL-3" not in text
    assert "旗舰店" in text


async def test_the_dearest_cases_and_missed_deadlines_lead_to_the_case_and_name_the_person(
    desk: httpx2.AsyncClient,
) -> None:
    text = await month(desk, shop="S1")

    assert text.count('<a href="/case/claim_1688/C1">1688理赔 C1</a>') == 2
    assert "理赔成立,2 个时限到期" in text
    assert "赵六(认领);wang(决定)" in text


async def test_a_missed_deadline_has_its_name_and_so_has_one_of_a_case_that_is_still_open(
    desk: httpx2.AsyncClient, ledger: SqlLedger
) -> None:
    ledger.record(recorded(expected("OD1", "DS-6", november(7), process="douyin_shipment", counted=True)))

    text = await month(desk, shop="S1")

    assert "<td>发货超时(11-07)</td><td>未结束</td><td>无人认领,无人决定</td>" in text
    assert "<td>账目未写明是哪个</td><td>理赔成立,2 个时限到期,11-05 结束</td>" in text


async def test_what_is_at_stake_in_open_cases_is_told(desk: httpx2.AsyncClient, open_on_desk: OpenOnDesk) -> None:
    case_id = await open_on_desk(shop_id="stake-shop", order_amount="123.45")
    for _ in range(100):
        text = await month(desk, shop="stake-shop")
        if "123.45" in text:
            break

    assert "进行中的案件(目前)" in text
    assert "争议" not in text
    assert "1 件,涉及 <b>123.45 元</b>" in text
    assert "<td>待商家处理</td><td>1</td><td>123.45 元</td>" in text
    assert case_id not in text


async def test_other_shops_are_not_shown(services: DeskServices, worker: None) -> None:
    async with browsing(services, As(User(name="二店", role=Role.VIEW, shops=("S2",)))) as browser:
        mine, foreign = await month(browser), await month(browser, shop="S1")

    assert "共损失 <b>9.00 元</b>" in mine
    assert "旗舰店" not in mine
    assert "91.50" not in foreign


async def test_a_month_that_is_none_is_named_and_the_current_one_shown(desk: httpx2.AsyncClient) -> None:
    assert "月份有误,已显示本月:&lt;13&gt;" in await month(desk, month="<13>")


@pytest.mark.parametrize("first_or_last", ["2000-01", "2099-12"])
async def test_the_first_and_the_last_month_that_can_be_asked_for_are_shown(
    desk: httpx2.AsyncClient, first_or_last: str
) -> None:
    assert f"月报 {first_or_last}" in await month(desk, month=first_or_last)
