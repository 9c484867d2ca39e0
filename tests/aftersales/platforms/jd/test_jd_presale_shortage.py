"""The presale shortage's platform: an order is shipped as from a delay card, everything else is not a call."""

import pytest

from aftersales.platforms.jd.jd_presale_shortage import JdPresaleShortageAdapter
from aftersales.platforms.marketplace import adapter_class
from aftersales.sandbox.jd import FakeJd, Shipped
from cases.errors import PlatformRefused
from cases.messages import EffectCall
from tests.support.platforms.jd_shops import jd_client
from tests.support.rules.machines import after

ORDER = "281234567891"


def call(effect: str) -> EffectCall:
    return EffectCall(
        key="c/1",
        case_id=f"jd_presale_shortage/{ORDER}",
        process="jd_presale_shortage",
        shop_id="S1",
        effect=effect,
        label="上传真实物流单号",
        rule="ship",
        at=after("0s"),
        facts={"order_id": ORDER},
        form={"carrier": "顺丰速运", "tracking_no": "SF1"},
    )


def test_the_process_has_an_adapter_on_its_marketplace() -> None:
    assert adapter_class("jd", "jd_presale_shortage") is JdPresaleShortageAdapter


async def test_jd_9_the_tracking_number_ships_the_order_and_nothing_else_is_a_call() -> None:
    fake = FakeJd()
    async with jd_client(fake) as client:
        shortage = JdPresaleShortageAdapter(client)

        await shortage.perform(call("push_tracking_number"))
        with pytest.raises(PlatformRefused, match="没有此操作的接口"):
            await shortage.perform(call("request_deletion"))

    assert fake.shipped == [Shipped(ORDER, "467", "SF1")]
