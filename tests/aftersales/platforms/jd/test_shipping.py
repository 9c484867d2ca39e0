"""Shipping on JD is a call, everything else is not."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from aftersales.platforms.jd.shipping import ShippingAdapter, company_id
from aftersales.sandbox.jd import FakeJd, Shipped
from cases.errors import BadForm, PlatformRefused, PlatformUnreachable
from cases.messages import EffectCall, EffectOutcome, ExpiryOutcome, ExpiryQuery
from cases.ports import Platform
from tests.support.platforms.jd_shops import jd_client
from tests.support.rules.machines import after

ORDER = "281234567890"


DESK = FakeJd()


@pytest.fixture
def fake() -> FakeJd:
    vars(DESK).update(vars(FakeJd()))  # as new
    return DESK


@pytest_asyncio.fixture(scope="module")
async def served() -> AsyncIterator[Platform]:
    async with jd_client(DESK) as client:
        yield ShippingAdapter(client)


@pytest.fixture
def card(served: Platform, fake: FakeJd) -> Platform:
    return served


def call(effect: str = "push_tracking_number", form: dict[str, Any] | None = None, shop_id: str = "S1") -> EffectCall:
    return EffectCall(
        key="c/1",
        case_id=f"jd_delay_card/{ORDER}",
        process="jd_delay_card",
        shop_id=shop_id,
        effect=effect,
        label="上传真实物流单号",
        rule="ship",
        at=after("0s"),
        facts={"order_id": ORDER},
        form=form,
    )


async def test_jd_5_the_tracking_number_ships_the_order(card: Platform, fake: FakeJd) -> None:
    await card.perform(call(form={"carrier": "顺丰速运", "tracking_no": "SF1"}))

    assert fake.shipped == [Shipped(ORDER, "467", "SF1")]


async def test_performing_twice_ships_once(card: Platform, fake: FakeJd) -> None:
    for _ in range(2):
        await card.perform(call(form={"carrier": "467", "tracking_no": "SF1"}))

    assert len(fake.shipped) == 1


async def test_g_10_the_first_time_jds_words_are_told_and_the_second_nothing_is_sent(
    card: Platform, fake: FakeJd
) -> None:
    form = {"carrier": "467", "tracking_no": "SF1"}

    first, second = [await card.perform(call(form=form)) for _ in range(2)]

    assert (first, second) == (EffectOutcome(said="SOP订单 订单出库成功 / success"), EffectOutcome(already=True))
    assert [method.rpartition(".")[2] for method, _ in fake.calls] == ["get", "shipment", "get"]


async def test_g_10_an_order_that_may_not_be_read_is_shipped_all_the_same(
    card: Platform, fake: FakeJd, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = {"success": False, "numberCode": 9, "chineseErrCode": "无权限"}
    monkeypatch.setattr(fake, "_order", lambda _: {"orderDetailInfo": {"apiResult": result}}, raising=False)

    await card.perform(call(form={"carrier": "467", "tracking_no": "SF1"}))

    assert len(fake.shipped) == 1


async def test_g_10_a_shipment_that_takes_effect_while_it_is_repeated_is_known_as_done(
    card: Platform, fake: FakeJd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shipped_first(params: Any) -> Any:
        fake.shipped.append(Shipped(ORDER, "467", "sf1"))
        return FakeJd._ship(fake, params)

    monkeypatch.setattr(fake, "_ship", shipped_first, raising=False)

    outcome = await card.perform(call(form={"carrier": "467", "tracking_no": "SF1"}))

    assert (outcome, len(fake.shipped)) == (EffectOutcome(already=True), 1)


async def test_an_order_shipped_otherwise_needs_an_operator(card: Platform) -> None:
    await card.perform(call(form={"carrier": "467", "tracking_no": "SF1"}))

    with pytest.raises(PlatformRefused, match="已出库"):
        await card.perform(call(form={"carrier": "467", "tracking_no": "SF2"}))


async def test_jds_own_trouble_may_be_tried_again(card: Platform, fake: FakeJd) -> None:
    fake.busy = 1

    with pytest.raises(PlatformUnreachable):
        await card.perform(call(form={"carrier": "467", "tracking_no": "SF1"}))
    await card.perform(call(form={"carrier": "467", "tracking_no": "SF1"}))
    assert len(fake.shipped) == 1


@pytest.mark.parametrize("form", [None, {}, {"carrier": "467"}, {"carrier": "467", "tracking_no": " "}])
async def test_an_incomplete_form_is_refused(card: Platform, form: dict[str, Any] | None) -> None:
    with pytest.raises(BadForm, match="tracking_no"):
        await card.perform(call(form=form))


@pytest.mark.parametrize("effect", ["send_card", "file_report", "escalate_review"])
async def test_g_8_what_has_no_interface_is_refused(card: Platform, fake: FakeJd, effect: str) -> None:
    with pytest.raises(PlatformRefused, match=effect):
        await card.perform(call(effect, form={"carrier": "467", "tracking_no": "SF1"}))
    assert fake.calls == []


async def test_g_2_jd_has_no_record_of_the_buyers_click(card: Platform, fake: FakeJd) -> None:
    question = ExpiryQuery(
        key="c/1",
        case_id="c",
        process="jd_delay_card",
        shop_id="S1",
        state="awaiting_buyer",
        rule="expire",
        due=after("48h"),
        facts={"order_id": ORDER},
    )

    assert await card.resolve_expiry(question) == ExpiryOutcome()
    assert fake.calls == []


async def test_jd_pushes_nothing(fake: FakeJd) -> None:
    async with jd_client(fake) as client:
        adapter = ShippingAdapter(client)
    assert adapter.case_of("order", {"orderId": ORDER}) is None
    assert adapter.report_of("order", "m1", {"orderId": ORDER}) is None


@pytest.mark.parametrize(
    ("carrier", "company"),
    [("SF", "467"), ("sf", "467"), ("顺丰速运", "467"), ("2087", "2087"), ("467|1499", "467|1499")],
)
def test_a_carrier_is_named_by_jds_id_or_by_a_known_name(carrier: str, company: str) -> None:
    assert company_id(carrier) == company


@pytest.mark.parametrize("carrier", ["某某快递", "467|", "", "467 "])
def test_an_unknown_carrier_is_refused_with_what_was_expected(carrier: str) -> None:
    with pytest.raises(BadForm, match=r"carrier: .*物流公司编号.*顺丰速运") as caught:
        company_id(carrier)
    assert caught.value.place == ("carrier",)
