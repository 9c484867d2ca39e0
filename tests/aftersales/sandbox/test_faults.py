"""Calls fail as asked, as often as asked, and no longer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from aftersales.sandbox.douyin.faults import Fault, Faults
from cases.errors import BadForm
from cases.models import read
from tests.support.platforms.sandboxes import Caller, sandbox_at_work

AGREE = "afterSale.operate"


@pytest_asyncio.fixture
async def caller() -> AsyncIterator[Caller]:
    async with sandbox_at_work() as caller:
        yield caller


async def agree(caller: Caller, own: str, token: str) -> httpx2.Response:
    return await caller.send(AGREE, {"type": 501, "items": [{"aftersale_id": own}]}, access_token=token)


def status(caller: Caller, own: str) -> int:
    record = caller.sandbox.record(own)
    assert record is not None
    return record.status


async def test_the_next_calls_of_a_method_fail_and_those_after_do_not(caller: Caller) -> None:
    own, token = caller.sandbox.apply("1001", "其他", 100).after_sale_id, await caller.token()
    await caller.control("/faults", {"kind": "http_500", "method": AGREE, "count": 2})
    assert (await caller.call("afterSale.Detail", {"after_sale_id": own}, access_token=token))["code"] == 10000
    assert [(await agree(caller, own, token)).status_code for _ in range(2)] == [500, 500]
    assert status(caller, own) == 6
    assert (await agree(caller, own, token)).json()["code"] == 10000
    assert await caller.control("/faults", method="GET") == {"faults": []}


async def test_a_business_refusal_has_the_given_code_and_text(caller: Caller) -> None:
    fault = {"kind": "refuse", "count": 1, "code": 50002, "sub_code": "isv.business-failed:7", "text": "不可操作"}
    await caller.control("/faults", fault)
    answer = await caller.call("afterSale.Detail", {"after_sale_id": "1"})
    assert (answer["code"], answer["sub_code"], answer["sub_msg"]) == (50002, "isv.business-failed:7", "不可操作")


@pytest.mark.parametrize(("performed", "led_to"), [(True, 8), (False, 6)])
@pytest.mark.parametrize("kind", ["timeout", "http_500"])
async def test_a_call_whose_answer_is_lost_was_carried_out_or_not(
    caller: Caller, kind: str, led_to: int, *, performed: bool
) -> None:
    own, token = caller.sandbox.apply("1001", "其他", 100).after_sale_id, await caller.token()
    caller.sandbox.faults.add(read(Fault, {"kind": kind, "seconds": 60, "count": 1, "performed": performed}, "fault"))
    if kind == "timeout":
        async with asyncio.timeout(10):
            caller.client.timeout = httpx2.Timeout(0.05)
            with pytest.raises(httpx2.TimeoutException):
                await agree(caller, own, token)
    else:
        assert (await agree(caller, own, token)).status_code == 500
    assert status(caller, own) == led_to


async def test_a_slow_call_is_answered_all_the_same(caller: Caller) -> None:
    own, token = caller.sandbox.apply("1001", "其他", 100).after_sale_id, await caller.token()
    caller.sandbox.faults.add(Fault(kind="slow", seconds=0.05, count=1))
    begun = asyncio.get_running_loop().time()
    assert (await agree(caller, own, token)).json()["code"] == 10000
    assert asyncio.get_running_loop().time() - begun >= 0.05


async def test_an_expired_token_stays_so_until_it_is_renewed(caller: Caller) -> None:
    own, token = caller.sandbox.apply("1001", "其他", 100).after_sale_id, await caller.token()
    caller.sandbox.faults.add(Fault(kind="expired_token", count=1))
    for _ in range(2):
        assert (await agree(caller, own, token)).json()["sub_code"] == "isv.access-token-expired"
    assert (await agree(caller, own, await caller.token())).json()["code"] == 10000


def struck(seed: int) -> list[bool]:
    faults = Faults()
    faults.add(Fault(kind="http_500", share=0.3, seed=seed))
    return [faults.draw("any") is not None for _ in range(200)]


def test_a_share_of_calls_fails_alike_for_the_same_seed() -> None:
    assert struck(1) == struck(1) != struck(2)
    assert 30 < sum(struck(1)) < 90


def test_without_a_measure_every_call_fails_until_the_fault_is_taken_back() -> None:
    faults = Faults()
    faults.add(Fault(kind="http_500", method="a"))
    assert [faults.draw("a") is not None for _ in range(3)] == [True] * 3
    assert faults.draw("b") is None
    faults.clear()
    assert faults.draw("a") is None


def test_of_two_faults_the_one_asked_for_first_strikes_first() -> None:
    faults = Faults()
    faults.add(Fault(kind="slow", count=1))
    faults.add(Fault(kind="http_500", count=1))
    drawn = [faults.draw("a") for _ in range(3)]
    assert [fault and fault.kind for fault in drawn] == ["slow", "http_500", None]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "explode"},
        {"kind": "slow", "count": 0},
        {"kind": "slow", "share": 1.5},
        {"kind": "slow", "seconds": -1},
        {"kind": "slow", "share": 0.5, "count": 1},
        {"kind": "slow", "sometimes": True},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadForm):
        read(Fault, fields, "fault")
