"""Shipment watches on Douyin: fed over HTTP from the sandbox's orders, tracks and messages."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from aftersales.platforms.douyin.client import DouyinClient
from aftersales.platforms.douyin.douyin_shipment import DouyinShipmentAdapter
from aftersales.platforms.inbound import CaseKey
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.http.http_client import Transport
from aftersales.sandbox.douyin import shop_orders
from aftersales.sandbox.douyin.backend import Sandbox
from aftersales.sandbox.douyin.faults import Fault
from aftersales.sandbox.douyin.model import Scan
from aftersales.sandbox.douyin.shop_orders import OrderChange, Refund, SandboxOrder
from aftersales.sandbox.server import make_sandbox
from cases.errors import BadForm, PlatformRefused, PlatformUnreachable
from cases.messages import Report
from tests.support.platforms.sandboxes import APPS
from tests.support.platforms.serving import serving
from tests.support.processes.shipments import Watch
from tests.support.rules.machines import OPENED
from workflows.engine.case_workflow import take_message

SHOP, ORDER, NUMBER = "1001", "6922", "SF1234567890"
HOUR = 3600
PARCEL = {"carrier": "shunfeng", "tracking_no": NUMBER}


class Shop:
    """A shop with one order in the sandbox, paid an hour ago, and our adapter to it."""

    def __init__(self, sandbox: Sandbox, port: DouyinShipmentAdapter) -> None:
        self.sandbox, self.port, self.paid = sandbox, port, sandbox.now() - HOUR
        self.sent: list[shop_orders.OrderPush] = []
        order = SandboxOrder(shop_id=SHOP, order_id=ORDER, amount=12_900)
        sandbox.place(order.changed(self.paid, placed_at=self.paid, paid_at=self.paid, ship_by=self.paid + 48 * HOUR))

    def do(self, step: Any, *arguments: Any) -> dict[str, Any]:
        """Let something happen to the order, a minute after what happened last; return the data of its message."""
        self.sandbox.advance(60)

        def kept(order: SandboxOrder, now: int) -> OrderChange:
            change: OrderChange = step(order, now, *arguments)
            self.sent += change.messages
            return change

        self.sandbox.change_order(SHOP, ORDER, kept)
        data: dict[str, Any] = json.loads(self.sent[-1].write(False))
        return data

    def ship(self) -> dict[str, Any]:
        return self.do(shop_orders.ship, "shunfeng", NUMBER)

    def apply(self, amount: int, own_id: str = "77") -> str:
        now = self.sandbox.now()
        refund = Refund(after_sale_id=own_id, kind=1, amount=amount, applied_at=now, updated_at=now)
        self.do(shop_orders.apply_for_refund, refund)
        return own_id

    def scanned(self, *scans: tuple[int, str, str], number: str = NUMBER) -> None:
        """Set the parcel's track: hours after the payment, the platform's words, and the station."""
        self.sandbox.routes[number] = tuple(
            Scan(time=self.paid + hours * HOUR, state="1", content=f"【{site}】{words}", description=words, site=site)
            for hours, words, site in scans
        )

    async def story(self) -> list[Report]:
        return await self.port.story(SHOP, ORDER)

    async def rules(self) -> list[str | None]:
        return [report.rule for report in await self.story()]

    def watch(self, **facts: Any) -> Watch:
        return Watch(order_id=ORDER, **facts)

    def told(self, watch: Watch, story: list[Report], hours: int) -> Watch:
        """Tell a watch a story, so many hours after the payment, moved to the watch's own time."""
        moved = OPENED - datetime.fromtimestamp(self.paid, UTC)
        now = datetime.fromtimestamp(self.paid + hours * HOUR, UTC) + moved
        watch.machine.advance(now)
        for report in story:
            message = report.model_dump(mode="json", exclude_defaults=True)
            if report.occurred_at:
                message["occurred_at"] = (report.occurred_at + moved).isoformat()
            take_message(watch.machine, message, now)
        return watch


@pytest_asyncio.fixture(scope="module")
async def transport() -> AsyncIterator[Transport]:
    async with Transport("抖店") as made:
        yield made


@pytest_asyncio.fixture
async def shop(transport: Transport) -> AsyncIterator[Shop]:
    app = make_sandbox(APPS, gateway=None, state=None, control_token="t")  # noqa: S106 - of a test
    async with serving(app) as address:
        access = APPS.douyin.model_copy(update={"address": f"{address}/douyin"})  # type: ignore[attr-defined]
        yield Shop(app.state.sandbox, DouyinShipmentAdapter(DouyinClient(access, transport, TokenStore())))


def reported(shop: Shop, tag: str, data: Mapping[str, Any]) -> Report:
    assert shop.port.case_of(tag, data) == CaseKey("douyin_shipment", SHOP, ORDER)
    return shop.port.report_of(tag, "m1", data)


async def test_a_shipment_on_the_platform_is_the_upload_in_the_watch(shop: Shop) -> None:
    report = reported(shop, "102", shop.ship())

    assert (report.rule, report.form, report.message_id) == ("upload_tracking", PARCEL, "m1")
    assert report.occurred_at == datetime.fromtimestamp(shop.sandbox.now(), UTC)
    assert not shop.port.needs_record(report)
    assert await shop.rules() == ["upload_tracking"]
    watch = shop.told(shop.watch(), [report], 2)
    assert (watch.state, watch.effects) == ("awaiting_pickup", ["check_number"])


async def test_ds_4_a_corrected_number_is_a_correction_or_the_upload_that_was_lost(shop: Shop) -> None:
    first = reported(shop, "102", shop.ship())
    report = reported(shop, "104", shop.do(shop_orders.correct, "shunfeng", "SF9876543210"))

    assert (report.rule, report.otherwise) == ("correct_tracking", ("upload_tracking",))
    assert report.form == {"carrier": "shunfeng", "tracking_no": "SF9876543210"}
    corrected = shop.told(shop.watch(), [first, report.model_copy(update={"message_id": "m2"})], 2)
    assert [entry.rule for entry in corrected.machine.state.timeline] == ["upload_tracking", "correct_tracking"]
    lost = shop.told(shop.watch(), [report], 2)
    assert [entry.rule for entry in lost.machine.state.timeline] == ["upload_tracking"]


async def test_g_1_another_ship_by_instant_moves_the_watchs_clock(shop: Shop) -> None:
    later = shop.paid + 60 * HOUR
    report = reported(shop, "126", shop.do(shop_orders.put_off, later))

    assert (report.rule, report.form) == ("change_promise", {"promised_ship_at": f"{instant_of(later)}"})
    assert await shop.rules() == ["change_promise"]
    (told,) = await shop.story()
    assert told.form == report.form


def instant_of(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


async def test_the_record_says_what_was_promised_until_the_order_is_sent(shop: Shop) -> None:
    assert [report.form for report in await shop.story()] == [{"promised_ship_at": instant_of(shop.paid + 48 * HOUR)}]


@pytest.mark.parametrize("value", [None, 0, "soon", [1]])
def test_a_message_without_the_instant_that_changed_is_not_readable(value: Any) -> None:
    port = DouyinShipmentAdapter(None)  # type: ignore[arg-type]
    data = {"p_id": ORDER, "shop_id": int(SHOP), "exp_delivery_time": value}
    with pytest.raises(BadForm, match="exp_delivery_time"):
        port.report_of("126", "m1", data)


@pytest.mark.parametrize("named", [{"p_id": "x1"}, {"p_id": None}, {"shop_id": "1/2"}, {"p_id": True}])
def test_a_message_that_does_not_say_which_order_is_not_readable(named: dict[str, Any]) -> None:
    with pytest.raises(BadForm, match="data: "):
        DouyinShipmentAdapter(None).case_of("102", {"p_id": 1, "shop_id": 2, **named})  # type: ignore[arg-type]


@pytest.mark.parametrize(("tag", "data"), [("100", {"p_id": 1}), ("102", [1]), ("102", "x"), ("206", {"p_id": 1})])
def test_other_messages_are_about_no_watch(tag: str, data: Any) -> None:
    assert DouyinShipmentAdapter(None).case_of(tag, data) is None  # type: ignore[arg-type]


async def test_ds_1_ds_2_a_track_is_told_line_by_line_as_it_happened(shop: Shop) -> None:
    shop.ship()
    shop.scanned((2, "已下单", ""), (3, "已揽收", "浙江杭州"), (9, "运输中", "湖北武汉"), (30, "派送中", "广东广州"))
    story = await shop.story()

    assert [report.rule for report in story] == ["upload_tracking", "scan", "scan", "scan"]
    assert [report.form for report in story[1:]] == [
        {"place": "浙江杭州", "status": "已揽收"},
        {"place": "湖北武汉", "status": "运输中"},
        {"place": "广东广州", "status": "派送中", "region": "广东"},
    ]
    assert [report.message_id for report in story] == [report.message_id for report in await shop.story()]
    watch = shop.told(shop.watch(), story, 31)
    assert (watch.state, watch.suspicion) == ("moving", None)
    assert [entry.rule for entry in watch.machine.state.timeline].count("scan") == 3
    assert [entry.rule for entry in shop.told(watch, story, 32).machine.state.timeline].count("scan") == 3


async def test_ds_3_a_route_to_another_region_is_suspected(shop: Shop) -> None:
    shop.ship()
    shop.scanned((3, "已揽收", "浙江杭州"), (20, "派送中", "辽宁沈阳铁西公司"))
    watch = shop.told(shop.watch(), await shop.story(), 21)
    assert (watch.state, watch.suspicion) == ("suspected", "leads_elsewhere")


async def test_ds_3_a_pickup_before_the_payment_is_suspected(shop: Shop) -> None:
    shop.ship()
    shop.scanned((-2, "已揽收", "浙江杭州"))
    watch = shop.told(shop.watch(ordered_at="-5h"), await shop.story(), 3)
    assert (watch.state, watch.suspicion) == ("suspected", "picked_up_before_payment")


async def test_ds_2_ds_3_silence_after_the_pickup_is_suspected_and_a_new_line_ends_it(shop: Shop) -> None:
    shop.ship()
    shop.scanned((3, "已揽收", "浙江杭州"))
    watch = shop.told(shop.watch(), await shop.story(), 4).until("27h")
    assert (watch.state, watch.suspicion) == ("suspected", "stalled")
    shop.scanned((3, "已揽收", "浙江杭州"), (28, "运输中", "湖北武汉"))
    assert shop.told(watch, await shop.story(), 29).state == "moving"


async def test_ds_3_a_parcel_that_does_not_leave_its_place_is_suspected(shop: Shop) -> None:
    shop.ship()
    shop.scanned((3, "已揽收", "杭州"), (20, "运输中", "杭州"), (40, "运输中", "杭州"))
    watch = Watch({"standing_still": "48h"}, order_id=ORDER)
    assert shop.told(watch, await shop.story(), 41).until("51h").suspicion == "standing_still"


async def test_a_receipt_ends_the_watch_by_the_track_or_by_the_completion(shop: Shop) -> None:
    shop.ship()
    shop.scanned((3, "已揽收", "杭州"), (30, "已签收", "广东广州"))
    story = await shop.story()
    assert [report.rule for report in story] == ["upload_tracking", "scan", "scan", "sign"]
    assert shop.told(shop.watch(), story, 31).state == "delivered"
    completed = reported(shop, "103", shop.do(shop_orders.complete))
    assert (completed.rule, completed.occurred_at) == ("sign", datetime.fromtimestamp(shop.sandbox.now(), UTC))
    assert (await shop.rules())[-1] == "sign"


async def test_of_several_parcels_one_receipt_is_not_the_orders(shop: Shop) -> None:
    shop.ship()
    order = shop.sandbox.orders[SHOP, ORDER]
    more = order.parcels[0].model_copy(update={"tracking_no": "SF2"})
    shop.sandbox.orders[SHOP, ORDER] = order.model_copy(update={"parcels": (*order.parcels, more)})
    shop.scanned((3, "已揽收", "杭州"), (30, "已签收", "广州"))
    assert await shop.rules() == ["upload_tracking", "scan", "scan"]


async def test_ds_7_only_the_refund_of_the_whole_order_ends_its_watch(shop: Shop) -> None:
    shop.ship()
    part, rest = shop.apply(900), shop.apply(12_000, "78")
    report = reported(shop, "206", shop.do(shop_orders.refund, part))
    assert (report.rule, shop.port.needs_record(report)) == ("refund", True)
    assert await shop.rules() == ["upload_tracking"]
    shop.do(shop_orders.refund, rest)
    assert await shop.rules() == ["upload_tracking", "refund"]
    assert shop.told(shop.watch(), await shop.story(), 2).state == "refunded"


async def test_ds_7_an_order_that_was_closed_gives_the_money_back(shop: Shop) -> None:
    report = reported(shop, "106", shop.do(shop_orders.cancel))
    assert shop.port.needs_record(report)
    (_, closed) = await shop.story()
    assert (closed.rule, closed.otherwise) == ("refund", ("close_unshipped",))
    assert shop.told(shop.watch(), [closed], 2).state == "refunded"


async def test_a_shipment_without_its_number_is_read_in_the_record(shop: Shop) -> None:
    data = shop.ship() | {"logistics_msg": None}
    assert shop.port.needs_record(reported(shop, "102", data))


@pytest.mark.parametrize("sub_code", ["isv.business-failed:10015", "isv.business-failed:-10004"])
async def test_a_number_of_which_the_platform_has_no_track_hides_nothing_else(shop: Shop, sub_code: str) -> None:
    shop.ship()
    method = "logistics.trackNoRouteDetail"
    shop.sandbox.faults.add(
        Fault(kind="refuse", method=method, code=50002, sub_code=sub_code, text="非抖音电商电子面单不支持查询轨迹")
    )
    assert await shop.rules() == ["upload_tracking"]


async def test_what_the_platform_refuses_or_does_not_answer_is_not_taken_for_an_empty_track(shop: Shop) -> None:
    shop.ship()
    method = "logistics.trackNoRouteDetail"
    shop.sandbox.faults.add(
        Fault(kind="refuse", method=method, count=1, code=30001, sub_code="isv.x", text="操作权限不足")
    )
    with pytest.raises(PlatformRefused, match="操作权限不足"):
        await shop.story()
    shop.sandbox.faults.add(Fault(kind="http_500", method=method))
    with pytest.raises(PlatformUnreachable):
        await shop.story()


async def test_an_order_that_the_shop_does_not_have_is_refused(shop: Shop) -> None:
    with pytest.raises(PlatformRefused, match="订单不存在"):
        await shop.port.story(SHOP, "404")


async def test_nothing_of_the_buyer_is_taken_into_the_case(shop: Shop) -> None:
    data = shop.ship()
    assert "#enc-name#" in json.dumps(data)
    shop.scanned((3, "已揽收", "杭州"))
    told = [reported(shop, "102", data), *await shop.story()]
    assert not any("#enc" in report.model_dump_json() or "【" in report.model_dump_json() for report in told)


def test_a_watch_is_opened_by_nobody_but_us() -> None:
    assert not DouyinShipmentAdapter.opens
