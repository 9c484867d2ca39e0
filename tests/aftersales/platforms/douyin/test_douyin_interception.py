"""The interception's platform: stopping a parcel is a call; the refund and the parcels' ways are told by it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from aftersales.platforms.douyin.client import DouyinClient
from aftersales.platforms.douyin.douyin_interception import DouyinInterceptionAdapter
from aftersales.platforms.inbound import CaseKey
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.http.http_client import Transport
from aftersales.sandbox.douyin import shop_orders
from aftersales.sandbox.douyin.backend import Sandbox
from aftersales.sandbox.douyin.model import Scan
from aftersales.sandbox.douyin.shop_orders import OrderChange, Refund, SandboxOrder
from aftersales.sandbox.server import make_sandbox
from cases.errors import BadForm, PlatformRefused
from cases.messages import EffectCall, EffectOutcome, Report
from tests.support.platforms.sandboxes import APPS
from tests.support.platforms.serving import serving
from tests.support.processes.interceptions import Interception, interception_facts
from tests.support.rules.machines import after
from workflows.engine.case_workflow import take_message


class Stopping:
    """A client that stops every parcel but one that was signed for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def intercept(self, *parcel: str) -> str:
        self.asked.append(parcel)
        if parcel[-1] == "SF9":
            raise PlatformRefused("包裹已签收")
        return "success"


def call(effect: str = "intercept_parcel", form: dict[str, Any] | None = None) -> EffectCall:
    return EffectCall(
        key="c/1",
        case_id="douyin_interception/7",
        process="douyin_interception",
        shop_id="S1",
        effect=effect,
        label="向平台发起拦截",
        rule="confirm",
        at=after("0s"),
        facts=interception_facts("7"),
        form=form,
    )


async def test_ds_8_the_parcel_chosen_is_stopped() -> None:
    client = Stopping()
    adapter = DouyinInterceptionAdapter(client)  # type: ignore[arg-type]

    outcome = await adapter.perform(call(form={"carrier": "shunfeng", "tracking_no": "SF1"}))

    assert outcome == EffectOutcome(said="success")
    assert client.asked == [("S1", "7", "shunfeng", "SF1")]


async def test_g_10_the_platforms_refusal_is_passed_on() -> None:
    adapter = DouyinInterceptionAdapter(Stopping())  # type: ignore[arg-type]

    with pytest.raises(PlatformRefused, match="包裹已签收"):
        await adapter.perform(call(form={"carrier": "shunfeng", "tracking_no": "SF9"}))


async def test_ds_8_without_a_parcel_nothing_is_stopped() -> None:
    client = Stopping()

    with pytest.raises(BadForm, match="carrier"):
        await DouyinInterceptionAdapter(client).perform(call())  # type: ignore[arg-type]
    assert client.asked == []


async def test_g_8_other_steps_have_no_interface() -> None:
    with pytest.raises(PlatformRefused, match="file_complaint"):
        await DouyinInterceptionAdapter(Stopping()).perform(call("file_complaint"))  # type: ignore[arg-type]


SHOP, ORDER, OWN = "1001", "6922", "77"


class Shop:
    """A shop whose buyer wants the money of a sent order back, and our adapter to it."""

    def __init__(self, sandbox: Sandbox, port: DouyinInterceptionAdapter) -> None:
        self.sandbox, self.port, self.sent = sandbox, port, sandbox.now()
        sandbox.place(SandboxOrder(shop_id=SHOP, order_id=ORDER, amount=8000, paid_at=self.sent, updated_at=self.sent))
        asked = Refund(after_sale_id=OWN, kind=1, amount=8000, applied_at=self.sent, updated_at=self.sent)
        self.do(shop_orders.ship, "shunfeng", "SF1")
        self.do(shop_orders.apply_for_refund, asked)

    def do(self, step: Any, *arguments: Any) -> Any:
        told: list[shop_orders.OrderPush] = []

        def kept(order: SandboxOrder, now: int) -> OrderChange:
            change: OrderChange = step(order, now, *arguments)
            told.extend(change.messages)
            return change

        self.sandbox.change_order(SHOP, ORDER, kept)
        return json.loads(told[-1].write(False))

    def scanned(self, *words: str) -> None:
        self.sandbox.routes["SF1"] = tuple(
            Scan(time=self.sent + at, state="1", content="", description=text, site="杭州")
            for at, text in enumerate(words)
        )

    async def story(self) -> list[tuple[str | None, dict[str, Any] | None]]:
        return [(report.rule, report.form) for report in await self.port.story(SHOP, OWN)]


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    app = make_sandbox(APPS, gateway=None, state=None, control_token="t")  # noqa: S106 - of a test
    async with serving(app) as address, Transport("抖店") as transport:
        access = APPS.douyin.model_copy(update={"address": f"{address}/douyin"})  # type: ignore[attr-defined]
        yield Shop(app.state.sandbox, DouyinInterceptionAdapter(DouyinClient(access, transport, TokenStore())))


def reported(shop: Shop, tag: str, data: Any) -> Report:
    assert shop.port.case_of(tag, data) == CaseKey("douyin_interception", SHOP, OWN)
    return shop.port.report_of(tag, "m1", data)


def tell(case: Interception, report: Report) -> None:
    take_message(case.machine, report.model_dump(mode="json", exclude={"occurred_at"}, exclude_none=True), after("1h"))


async def test_g_15_a_refund_that_succeeds_is_told_to_the_interception(shop: Shop) -> None:
    assert await shop.story() == []
    report = reported(shop, "206", shop.do(shop_orders.refund, OWN))
    assert (report.rule, shop.port.needs_record(report)) == ("refund_succeeds", False)
    assert await shop.story() == [("refund_succeeds", None)]
    case = Interception()
    tell(case, report)
    assert case.rules[-1] == "refund_succeeds"


async def test_ds_8_a_refund_that_is_off_gives_the_interception_up(shop: Shop) -> None:
    report = reported(shop, "207", shop.do(shop_orders.close_refund, OWN))
    assert report.rule == "withdraw_refund"
    assert await shop.story() == [("withdraw_refund", None)]
    case = Interception()
    tell(case, report)
    assert case.state == "given_up"


async def test_ds_8_a_parcel_that_is_out_for_delivery_or_signed_for_is_told(shop: Shop) -> None:
    shop.scanned("已揽收", "运输中")
    assert await shop.story() == []
    shop.scanned("已揽收", "运输中", "派送中", "已签收")
    assert await shop.story() == [("out_for_delivery", {"tracking_no": "SF1"}), ("sign", {"tracking_no": "SF1"})]
    case = Interception()
    for report in await shop.port.story(SHOP, OWN):
        tell(case, report)
    assert case.machine.case.signed == ("SF1",)  # type: ignore[attr-defined]


async def test_ds_8_a_parcel_that_comes_back_is_not_taken_for_delivered(shop: Shop) -> None:
    shop.scanned("已揽收", "运输中", "拦截成功,退回中", "派送中", "已签收")
    assert await shop.story() == []


async def test_a_record_without_its_order_still_tells_the_refund(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.do(shop_orders.refund, OWN)
    shop.scanned("已揽收", "派送中")
    whole = shop_orders.refund_detail
    monkeypatch.setattr(shop_orders, "refund_detail", lambda *of: whole(*of) | {"order_info": None})
    assert await shop.story() == [("refund_succeeds", None)]


async def test_ds_8_the_sandbox_stops_the_parcel_of_a_refund(shop: Shop) -> None:
    own = call(form={"carrier": "shunfeng", "tracking_no": "SF1"})
    own = own.model_copy(update={"shop_id": SHOP, "facts": {"after_sale_id": OWN}})
    assert (await shop.port.perform(own)).said is not None


@pytest.mark.parametrize(
    ("tag", "data"),
    [("206", {"aftersale_type": 7}), ("205", {"aftersale_type": 1}), ("206", "x"), ("206", {"aftersale_type": None})],
)
def test_other_messages_are_about_no_interception(tag: str, data: Any) -> None:
    assert DouyinInterceptionAdapter(Stopping()).case_of(tag, data) is None  # type: ignore[arg-type]


def test_an_interception_is_opened_by_nobody_but_us() -> None:
    assert not DouyinInterceptionAdapter.opens
