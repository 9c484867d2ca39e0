"""Every process's platform behind one port, also for a process without an interface."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from starlette.applications import Starlette

from aftersales.platforms import marketplaces as marketplaces_module
from aftersales.platforms.adapter import Adapter
from aftersales.platforms.credentials import Secrets
from aftersales.platforms.marketplace import adapter_class
from aftersales.platforms.marketplaces import Marketplaces
from aftersales.platforms.tokens import TokenStore
from aftersales.sandbox.jd import Shipped
from aftersales.sandbox.server import make_sandbox
from cases.errors import PlatformRefused
from cases.messages import EffectCall, ExpiryOutcome, ExpiryQuery
from cases.models import read
from tests.support.platforms.serving import serving
from tests.support.rules.machines import after

APP = {"app_key": "K1", "app_secret": "s3cret"}
OWN_ID, ORDER = "77", "281234567890"
SHIPMENT = {"carrier": "SF", "tracking_no": "SF1"}
TOKEN = "control"  # noqa: S105 - it opens nothing but this sandbox
WITHOUT_INTERFACE = ("claim_1688", "anxinjian_split", "jd_advance_report")


def secrets(address: str) -> Secrets:
    douyin = {"shop_id": "1001", "app_key": "K1"}
    blocks = {
        "douyin": {"address": f"{address}/douyin", "apps": [APP], "shops": [douyin]},
        "jd": {"address": f"{address}/jd", "apps": [APP], "shops": [{**douyin, "access_token": "T1"}]},
    }
    return read(Secrets, blocks, "secrets")


@pytest.fixture(scope="module")
def app() -> Starlette:
    made = make_sandbox(secrets("http://127.0.0.1:9"), gateway=None, state=None, control_token=TOKEN)
    made.state.sandbox.apply("1001", "其他", 9990, after_sale_id=OWN_ID)
    return made


@pytest_asyncio.fixture(scope="module")
async def marketplaces(app: Starlette) -> AsyncIterator[Marketplaces]:
    async with serving(app) as address, Marketplaces(secrets(address), TokenStore()) as opened:
        yield opened


def call(process: str, effect: str, form: dict[str, Any] | None = None) -> EffectCall:
    return EffectCall(
        key="c/1",
        case_id=f"{process}/1",
        process=process,
        shop_id="1001",
        effect=effect,
        label="动作",
        rule="r",
        at=after("0s"),
        facts={"after_sale_id": OWN_ID, "order_id": ORDER},
        form=form,
    )


def question(process: str) -> ExpiryQuery:
    return ExpiryQuery(
        key="c/1",
        case_id=f"{process}/1",
        process=process,
        shop_id="1001",
        state="awaiting_merchant",
        rule="auto_agree",
        due=after("48h"),
        facts={"after_sale_id": OWN_ID, "order_id": ORDER},
    )


async def test_each_process_reaches_its_own_platform(marketplaces: Marketplaces, app: Starlette) -> None:
    await marketplaces.perform(call("douyin_reship", "agree_on_platform"))
    assert app.state.sandbox.record(OWN_ID).status == 8
    assert (await marketplaces.resolve_expiry(question("douyin_reship"))).rule == "auto_agree"
    await marketplaces.perform(call("jd_delay_card", "push_tracking_number", SHIPMENT))
    assert app.state.jd.shipped == [Shipped(ORDER, "467", "SF1")]
    assert await marketplaces.resolve_expiry(question("jd_delay_card")) == ExpiryOutcome()


async def test_g_2_g_8_without_an_interface_the_policy_counts_and_calls_are_refused_in_words(
    marketplaces: Marketplaces,
) -> None:
    for process in WITHOUT_INTERFACE:
        assert await marketplaces.resolve_expiry(question(process)) == ExpiryOutcome()
        with pytest.raises(PlatformRefused, match="no interface for: pay_compensation"):
            await marketplaces.perform(call(process, "pay_compensation"))


async def test_connections_are_closed_at_the_end(app: Starlette) -> None:
    async with serving(app) as address, Marketplaces(secrets(address), TokenStore()) as used:
        await used.resolve_expiry(question("douyin_reship"))
    for transport in used._transports.values():
        assert transport._client.is_closed


def test_a_process_at_fault_takes_no_other_adapter_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    usable = {name: process for name, process in marketplaces_module.PROCESSES.items() if name != "jd_delay_card"}
    monkeypatch.setattr(marketplaces_module, "PROCESSES", usable)

    def find(marketplace: str, process: str) -> type[Adapter] | None:
        assert process != "jd_delay_card"
        return adapter_class(marketplace, process)

    monkeypatch.setattr(marketplaces_module, "adapter_class", find)
    made = Marketplaces(secrets("http://127.0.0.1:9"), TokenStore())
    others = {"jd_shipment", "jd_presale_shortage", "jd_abnormal_order"}
    followed = {"douyin_shipment", "douyin_interception"}
    fed = {"douyin_reship", "claim_1688", "anomaly_1688", "anxinjian_split"}
    assert made.message_adapters().keys() >= fed | followed | others
    assert made.reconcilable_adapters("douyin").keys() == {"douyin_reship"} | followed
    assert made.reconcilable_adapters("jd").keys() == others
    assert marketplaces_module.reconcilable_marketplaces() == ["douyin", "jd"]


def test_a_queue_is_consumed_for_every_application_that_has_credentials() -> None:
    assert Marketplaces(secrets("http://127.0.0.1:9"), TokenStore()).queues == ()

    apps = [APP, {**APP, "app_key": "K2"}]
    made = Marketplaces(read(Secrets, {"taobao": {"apps": apps}}, "secrets"), TokenStore())

    assert [(queue.platform, set(queue.adapters)) for queue in made.queues] == [("taobao", {"anxinjian_split"})] * 2
