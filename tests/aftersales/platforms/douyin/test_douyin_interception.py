"""The interception's platform: stopping a parcel is a call, everything else is not."""

from typing import Any

import pytest

from aftersales.platforms.douyin.douyin_interception import DouyinInterceptionAdapter
from cases.errors import BadForm, PlatformRefused
from cases.messages import EffectCall, EffectOutcome
from tests.support.machines import after
from tests.support.processes.interceptions import interception_facts


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
