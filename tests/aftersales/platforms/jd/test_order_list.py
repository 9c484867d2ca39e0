"""Looks at the orders that changed, over real HTTP: complete, and with few calls."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from aftersales.gateway.case_client import Fed, FeedResult
from aftersales.gateway.reconciler import Reconciler
from aftersales.platforms.inbound import CaseKey
from aftersales.platforms.jd import order_list
from aftersales.platforms.jd.client import JdClient
from aftersales.platforms.jd.jd_abnormal_order import JdAbnormalOrderAdapter
from aftersales.platforms.jd.jd_delay_card import JdDelayCardAdapter
from aftersales.platforms.jd.jd_presale_shortage import JdPresaleShortageAdapter
from aftersales.platforms.jd.jd_shipment import JdShipmentAdapter
from aftersales.platforms.jd.order_list import LONGEST_SPAN, LOOKS_KEPT, OrderList
from aftersales.runtime.http.http_client import Transport
from aftersales.sandbox.jd import FakeJd, Shipped
from cases.errors import PlatformRefused, PlatformUnreachable
from cases.messages import CatchUp, CatchUpCall, Report
from cases.shanghai import SHANGHAI
from tests.support.platforms.jd_shops import SHOP, jd_access, jd_at
from tests.support.rules.looks import Looked

NOON = datetime(2026, 1, 5, 12, tzinfo=SHANGHAI)
MINUTE = timedelta(minutes=1)
SEARCH = "jingdong.pop.order.search"
DESK = FakeJd()


@pytest.fixture
def fake() -> FakeJd:
    vars(DESK).update(vars(FakeJd()))  # as new
    return DESK


@pytest_asyncio.fixture(scope="module")
async def served() -> AsyncIterator[tuple[str, Transport]]:
    async with jd_at(DESK) as address, Transport("jd") as transport:
        yield address, transport


@pytest.fixture
def jd(served: tuple[str, Transport], fake: FakeJd) -> JdClient:
    address, transport = served
    return JdClient(jd_access(address), transport)


def ship(fake: FakeJd, number: int, at: datetime) -> str:
    order_id = str(281_000_000_000 + number)
    fake.shipped.append(Shipped(order_id, "467", f"SF{number}", at))
    return order_id


def pages(fake: FakeJd) -> list[int]:
    return [int(params["page"]) for method, params in fake.calls if method == SEARCH]


async def test_only_orders_that_changed_in_the_span_and_say_something_are_listed(jd: JdClient, fake: FakeJd) -> None:
    before, first, last, later = (ship(fake, minute, NOON + minute * MINUTE) for minute in (-1, 0, 20, 21))
    fake.finished[before] = NOON + 3 * MINUTE
    fake.cancelled["281000000999"] = NOON + 5 * MINUTE

    orders = await jd.changed(SHOP, NOON, NOON + 20 * MINUTE)

    assert sorted(orders) == sorted([before, first, last, "281000000999"])
    assert later not in orders
    assert orders[first].shipped_at == NOON
    ((method, params),) = fake.calls
    assert (method, params) == (
        SEARCH,
        {
            "start_date": "2026-01-05 12:00:00",
            "end_date": "2026-01-05 12:20:00",
            "order_state": "WAIT_GOODS_RECEIVE_CONFIRM,FINISHED_L,TRADE_CANCELED",
            "optional_fields": "orderId,orderState,waybill,logisticsId,orderEndTime,modified,outBoundDate",
            "page": "1",
            "page_size": "100",
            "dateType": 0,
        },
    )


async def test_a_quiet_shop_costs_one_call(jd: JdClient, fake: FakeJd) -> None:
    assert await jd.changed(SHOP, NOON, NOON + 20 * MINUTE) == {}
    assert pages(fake) == [1]


async def test_all_processes_of_a_look_share_one_list_and_no_order_is_read_by_itself(
    jd: JdClient, fake: FakeJd
) -> None:
    shipped, gone = ship(fake, 1, NOON), "281000000999"
    fake.cancelled[gone] = NOON + MINUTE
    adapters = {
        "jd_shipment": JdShipmentAdapter(jd),
        "jd_delay_card": JdDelayCardAdapter(jd),
        "jd_presale_shortage": JdPresaleShortageAdapter(jd),
        "jd_abnormal_order": JdAbnormalOrderAdapter(jd),
    }
    fed: list[tuple[str, str | None]] = []

    async def feed(case: CaseKey, report: Report | None) -> Fed:
        assert report is not None
        fed.append((case.case_id, report.rule))
        return Fed(FeedResult.NO_CASE)

    progress = Looked()
    call = CatchUpCall(platform="jd", shop_id=SHOP, since=NOON, until=NOON + 20 * MINUTE)
    await Reconciler(adapters, feed).reconcile(call, progress)

    assert sorted(fed) == sorted(
        [
            (f"jd_shipment/{shipped}", "upload_tracking"),
            (f"jd_shipment/{gone}", "cancel_order"),
            (f"jd_delay_card/{shipped}", "ship"),
            (f"jd_delay_card/{gone}", "cancel_order"),
            (f"jd_presale_shortage/{shipped}", "ship"),
            (f"jd_abnormal_order/{shipped}", "ship"),
            (f"jd_abnormal_order/{gone}", "cancel_order"),
        ]
    )
    assert progress.counts == CatchUp(records=len(fed))
    assert [method for method, _ in fake.calls] == [SEARCH]


async def test_every_look_at_another_span_asks_again(jd: JdClient, fake: FakeJd) -> None:
    await jd.changed(SHOP, NOON, NOON + 20 * MINUTE)
    order_id = ship(fake, 1, NOON + 25 * MINUTE)
    assert list(await jd.changed(SHOP, NOON + 10 * MINUTE, NOON + 30 * MINUTE)) == [order_id]


async def test_an_order_that_was_not_listed_is_read(jd: JdClient, fake: FakeJd) -> None:
    order_id = ship(fake, 1, NOON)
    (report,) = await JdDelayCardAdapter(jd).story(SHOP, order_id)
    assert (report.rule, report.occurred_at) == ("ship", NOON)
    assert [method for method, _ in fake.calls] == ["jingdong.pop.order.get"]


async def test_of_a_shop_only_the_last_looks_are_kept(jd: JdClient, fake: FakeJd) -> None:
    order_id = ship(fake, 1, NOON)
    for look in range(LOOKS_KEPT + 1):
        await jd.changed(SHOP, NOON + look * MINUTE, NOON + (look + 1) * MINUTE)
    fake.calls.clear()
    await jd.listed(SHOP, order_id)
    assert [method for method, _ in fake.calls] == ["jingdong.pop.order.get"]


async def test_all_pages_are_read_from_the_last_to_the_first(jd: JdClient, fake: FakeJd) -> None:
    expected = [ship(fake, number, NOON + number * timedelta(seconds=1)) for number in range(250)]
    assert sorted(await jd.changed(SHOP, NOON, NOON + 20 * MINUTE)) == expected
    assert pages(fake) == [1, 3, 2, 1]


async def test_an_order_that_changes_while_pages_are_read_hides_no_other(
    jd: JdClient, fake: FakeJd, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [ship(fake, number, NOON + number * timedelta(seconds=1)) for number in range(250)]

    def search(params: Any) -> Any:
        # Before each page, the oldest order changes: it leaves the span, and all others move up.
        if len(fake.calls) > 1:
            fake.touched[expected[len(fake.touched)]] = NOON + timedelta(hours=1)
        return FakeJd._search(fake, params)

    monkeypatch.setattr(fake, "_search", search, raising=False)
    listed = await jd.changed(SHOP, NOON, NOON + 20 * MINUTE)
    assert set(expected[3:]) <= set(listed)
    assert len(fake.touched) == 3  # they are listed by the next look


async def test_a_busy_span_is_halved_until_its_pages_are_few(
    jd: JdClient, fake: FakeJd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_list, "MOST_PAGES", 1)
    expected = [ship(fake, number, NOON + number * timedelta(seconds=3)) for number in range(250)]
    assert sorted(await jd.changed(SHOP, NOON, NOON + 15 * MINUTE)) == expected
    assert set(pages(fake)) == {1}
    spans = [(params["start_date"], params["end_date"]) for _, params in fake.calls]
    assert ("2026-01-05 12:00:00", "2026-01-05 12:07:30") in spans
    assert ("2026-01-05 12:07:31", "2026-01-05 12:15:00") in spans


@pytest.mark.parametrize("seconds", [0, 1])
async def test_a_span_that_cannot_be_halved_is_paged_through(
    jd: JdClient, fake: FakeJd, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    monkeypatch.setattr(order_list, "MOST_PAGES", 1)
    expected = [ship(fake, number, NOON) for number in range(201)]
    assert sorted(await jd.changed(SHOP, NOON, NOON + timedelta(seconds=seconds))) == expected


async def test_no_call_asks_for_more_than_a_month(jd: JdClient, fake: FakeJd) -> None:
    first, last = ship(fake, 1, NOON), ship(fake, 2, NOON + timedelta(days=80))
    assert set(await jd.changed(SHOP, NOON, NOON + timedelta(days=80))) == {first, last}
    spans = [[datetime.fromisoformat(params[name]) for name in ("start_date", "end_date")] for _, params in fake.calls]
    assert len(spans) == 4
    assert all(end - begin <= LONGEST_SPAN for begin, end in spans)


async def test_a_look_that_fails_half_way_is_not_taken_for_the_whole(
    jd: JdClient, fake: FakeJd, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [ship(fake, number, NOON) for number in range(150)]

    def search(params: Any) -> Any:
        fake.busy = len(fake.calls) == 1  # the page after the first
        return FakeJd._search(fake, params)

    monkeypatch.setattr(fake, "_search", search, raising=False)
    with pytest.raises(PlatformUnreachable, match="京东繁忙"):
        await jd.changed(SHOP, NOON, NOON + MINUTE)
    assert sorted(await jd.changed(SHOP, NOON, NOON + MINUTE)) == expected


def listing(**result: Any) -> OrderList:
    async def call(shop_id: str, method: str, params: Any) -> dict[str, Any]:
        del shop_id, params
        assert method == SEARCH
        return {"code": "0", "searchorderinfo_result": result}

    return OrderList(call)


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"apiResult": {"success": True}},
        {"orderTotal": None, "orderInfoList": []},
        {"orderTotal": -1, "orderInfoList": []},
        {"orderTotal": 1, "orderInfoList": "?"},
        {"orderTotal": 1, "orderInfoList": [{}]},
        {"orderTotal": 1, "orderInfoList": [{"orderId": "1"}, None]},
    ],
)
async def test_an_answer_that_is_no_list_is_not_taken_for_an_empty_one(result: dict[str, Any]) -> None:
    with pytest.raises(PlatformUnreachable, match=r"order\.search.*cannot be understood"):
        await listing(**result).changed(SHOP, NOON, NOON + MINUTE)


@pytest.mark.parametrize("rows", [{}, {"orderInfoList": None}, {"orderInfoList": []}])
async def test_an_empty_list_is_empty_however_jd_writes_it(rows: dict[str, Any]) -> None:
    empty = listing(apiResult={"success": "true"}, orderTotal="0", **rows)
    assert await empty.changed(SHOP, NOON, NOON + MINUTE) == {}


async def test_what_jd_refuses_to_list_is_refused_with_its_words() -> None:
    refusal = {"success": False, "numberCode": 10100021, "chineseErrCode": "订单状态有误"}
    with pytest.raises(PlatformRefused, match=r"order\.search.*订单状态有误.*10100021"):
        await listing(apiResult=refusal).changed(SHOP, NOON, NOON + MINUTE)


async def test_the_sandbox_refuses_what_the_documents_do_not_allow(jd: JdClient) -> None:
    params = {"start_date": "2026-01-05 12:00:00", "end_date": "2026-01-05 13:00:00", "page": "1", "page_size": "100"}
    params |= {"optional_fields": "orderId", "order_state": "FINISHED_L"}
    assert (await jd.call(SHOP, SEARCH, params))["searchorderinfo_result"]["orderTotal"] == 0
    for wrong in ({"page_size": "101"}, {"page": "0"}, {"optional_fields": ""}, {"end_date": "2026-03-05 13:00:00"}):
        with pytest.raises(PlatformRefused, match=r"\[62\]"):
            await jd.call(SHOP, SEARCH, params | wrong)
    refused = await jd.call(SHOP, SEARCH, params | {"order_state": "10"})
    assert not refused["searchorderinfo_result"]["apiResult"]["success"]
