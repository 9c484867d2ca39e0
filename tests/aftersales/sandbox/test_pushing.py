"""Messages reach the gateway signed, in order and in the end, and go astray only as asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aftersales.platforms.douyin.signing import verify_event
from aftersales.sandbox.douyin import transitions
from aftersales.sandbox.douyin.pushing import Behaviour
from tests.support.patience import PATIENCE_SECONDS
from tests.support.platforms.sandboxes import SECRETS, Caller, sandbox_at_work
from tests.support.platforms.serving import serving

QUICK = Behaviour(first_retry=0.005, longest_retry=0.01)
DONE = {"code": 0, "msg": "success"}


class Gateway:
    """Takes messages whose signature is right, and answers as the test says."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.answers: list[Response] = []
        self.watch: Callable[[], None] = lambda: None

    @property
    def tags(self) -> list[str]:
        return [message["tag"] for message in self.taken]

    async def take(self, request: Request) -> Response:
        body, app = await request.body(), request.headers["app-id"]
        assert verify_event(app, SECRETS[app], body, request.headers["event-sign"])
        self.watch()
        if self.answers:
            return self.answers.pop(0)
        for message in json.loads(body):
            self.taken.append({**message, "data": json.loads(message["data"]), "app": app})
        return JSONResponse(DONE)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[str]:
        async with serving(Starlette(routes=[Route("/douyin", self.take, methods=["POST"])])) as address:
            yield f"{address}/douyin"


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[Gateway]:
    yield Gateway()


@asynccontextmanager
async def playing(gateway: Gateway, state: Path | None = None) -> AsyncIterator[Caller]:
    async with gateway.at_work() as address, sandbox_at_work(address, state) as caller:
        caller.sandbox.pusher.behave(QUICK)
        yield caller


async def all_pushed(caller: Caller) -> None:
    assert (await caller.control("/idle", {"timeout": 20}))["idle"]


async def test_every_change_is_pushed_in_order_with_the_traps_of_the_real_messages(gateway: Gateway) -> None:
    async with playing(gateway) as caller:
        own = caller.sandbox.apply("1001", "其他", 100).after_sale_id
        caller.sandbox.change(own, lambda record, now: transitions.set_deadline(record, now, now + 99))
        caller.sandbox.change(own, transitions.agree)
        caller.sandbox.change(own, lambda record, now: transitions.ship(record, now, "sf", "SF1"))
        caller.sandbox.change(own, transitions.sign)
        other = caller.sandbox.apply("S3", "一直未收到货", 100).after_sale_id
        caller.sandbox.change(other, lambda record, now: transitions.refuse(record, now, "已签收"))
        caller.sandbox.change(other, transitions.withdraw)
        await all_pushed(caller)
        order = caller.sandbox.record(own)
    first = [message for message in gateway.taken if message["data"]["aftersale_id"] == int(own)]
    second = [message for message in gateway.taken if message["data"]["aftersale_id"] == int(other)]
    assert [message["tag"] for message in first] == ["200", "209", "227", "226"]
    assert [message["tag"] for message in second] == ["200", "212", "215", "207"]
    assert len({message["msg_id"] for message in gateway.taken}) == 8
    created, moved, agreed, sent = (message["data"] for message in first)
    assert order is not None
    assert (created["shop_id"], created["p_id"], created["aftersale_type"]) == (1001, int(order.order_id), 7)
    assert created["aftersale_status"] == 6
    assert "status_deadline" not in created
    assert moved["status_deadline"] > 0
    assert (agreed["after_sale_status"], "aftersale_status" in agreed) == (8, False)
    assert (sent["aftersale_status"], "after_sale_status" in sent) == (13, False)
    dated = [message for message in gateway.taken if "update_time" in message["data"]]
    assert [message["tag"] for message in gateway.taken if message not in dated] == ["209", "212", "215"]
    assert {type(message["data"]["update_time"]) for message in dated} == {int, str}
    text = next(
        str(message["data"]["update_time"]) for message in dated if isinstance(message["data"]["update_time"], str)
    )
    assert text.endswith("+08:00")
    assert [message["app"] for message in second] == ["K2"] * 4
    assert second[1]["data"]["arbitrate_status"] == 1
    assert second[0]["data"]["shop_id"] == "S3"


async def test_a_message_is_sent_again_until_it_is_acknowledged_and_the_next_waits(gateway: Gateway) -> None:
    gateway.answers = [
        Response(status_code=500),
        Response("nonsense"),
        JSONResponse({"code": 1, "msg": "later"}),
        JSONResponse([]),
        JSONResponse({"code": "0"}),
    ]
    async with playing(gateway) as caller:
        own = caller.sandbox.apply("1001", "其他", 100).after_sale_id
        caller.sandbox.change(own, transitions.agree)
        await all_pushed(caller)
        assert caller.sandbox.pusher.failures == 5
    assert gateway.tags == ["200", "227"]


async def test_a_gateway_that_is_down_stops_nothing_and_misses_nothing(tmp_path: Path) -> None:
    gateway, state = Gateway(), tmp_path / "state.json"
    async with gateway.at_work() as address:
        pass
    async with sandbox_at_work(address, state) as caller:
        caller.sandbox.pusher.behave(QUICK)
        own = caller.sandbox.apply("1001", "其他", 100).after_sale_id
        await caller.data("afterSale.operate", {"type": 501, "items": [{"aftersale_id": own}]})
        assert not (await caller.control("/idle", {"timeout": 0.05}))["idle"]
        assert caller.sandbox.pusher.failures > 0
        assert len(caller.sandbox.pusher.pending) == 2
    async with gateway.at_work() as address, sandbox_at_work(address, state) as caller:
        await caller.control("/clock", {"advance": "48h"})
        await all_pushed(caller)
    assert gateway.tags == ["200", "227", "209"]
    async with gateway.at_work() as address, sandbox_at_work(address, state) as caller:
        await all_pushed(caller)
    assert len(gateway.taken) == 3, "what was acknowledged is not sent again after a restart"


async def test_a_gateway_that_comes_up_later_gets_everything_in_order() -> None:
    gateway = Gateway()
    refused = [Response(status_code=503) for _ in range(3)]
    gateway.answers = list(refused)
    async with playing(gateway) as caller:
        own = caller.sandbox.apply("1001", "其他", 100).after_sale_id
        for _ in range(3):
            caller.sandbox.advance(48 * 3600)
        await all_pushed(caller)
        record = caller.sandbox.record(own)
    assert record is not None
    assert (record.status, gateway.tags) == (28, ["200", "227", "209", "207"])


async def test_pausing_holds_messages_back(gateway: Gateway) -> None:
    async with playing(gateway) as caller:
        assert (await caller.control("/pushing/pause"))["paused"]
        caller.sandbox.apply("1001", "其他", 100)
        assert await caller.control("/idle", {"timeout": 0.02}) == {"idle": False, "pending": 1}
        assert gateway.tags == []
        await caller.control("/pushing/resume")
        await all_pushed(caller)
        assert gateway.tags == ["200"]


async def astray(behaviour: Behaviour) -> tuple[list[list[str]], int]:
    """Push ten records of four messages each; return what arrived of each, in order of arrival, and what was lost."""
    gateway = Gateway()
    async with playing(gateway) as caller:
        caller.sandbox.pusher.behave(behaviour)
        caller.sandbox.pusher.pause()
        owns = [caller.sandbox.apply("1001", "其他", 100).after_sale_id for _ in range(10)]
        for _ in range(3):
            caller.sandbox.advance(48 * 3600)
        caller.sandbox.pusher.resume()
        await all_pushed(caller)
        lost = len(caller.sandbox.pusher.lost)
    came = [[m["tag"] for m in gateway.taken if m["data"]["aftersale_id"] == int(own)] for own in owns]
    return came, lost


@pytest.mark.parametrize("what", ["duplicates", "lost", "reordered", "all", "delay"])
async def test_messages_go_astray_alike_for_the_same_seed(what: str) -> None:
    shares = {"duplicates": 0.3, "lost": 0.3, "reordered": 0.3}
    asked: dict[str, Any] = shares if what == "all" else {what: shares.get(what, 0.01)}
    behaviour = QUICK.model_copy(update={"seed": 7, "hold": 0.01, **asked})
    came, lost = await astray(behaviour)
    assert (came, lost) == await astray(behaviour)
    straight = ["200", "227", "209", "207"]
    flat = [tag for tags in came for tag in tags]
    assert (lost > 0) is (what in ("lost", "all"))
    if what == "delay":
        assert came == [straight] * 10
        return
    assert came != [straight] * 10
    assert (came, lost) != await astray(behaviour.model_copy(update={"seed": 8}))
    if what == "reordered":
        assert [sorted(tags) for tags in came] == [sorted(straight)] * 10
    if what == "duplicates":
        assert len(flat) > 40
        assert [list(dict.fromkeys(tags)) for tags in came] == [straight] * 10


async def test_a_late_message_comes_in_the_end_even_if_none_overtakes_it(gateway: Gateway) -> None:
    async with playing(gateway) as caller:
        await caller.control("/pushing", {"reordered": 1.0, "hold": 0.01})
        caller.sandbox.apply("1001", "其他", 100)
        await all_pushed(caller)
    assert gateway.tags == ["200"]


async def test_what_became_of_messages_can_be_asked(gateway: Gateway) -> None:
    async with playing(gateway) as caller:
        own = caller.sandbox.apply("1001", "其他", 100).after_sale_id
        await all_pushed(caller)
        await caller.control("/pushing", {"lost": 1.0})
        caller.sandbox.change(own, transitions.agree)
        messages = await caller.control("/messages", method="GET")
        assert [[m["tag"] for m in messages[kind]] for kind in ("delivered", "lost", "pending")] == [
            ["200"],
            ["227"],
            [],
        ]
        fares = await caller.control("/pushing", method="GET")
        assert (fares["delivered"], fares["lost"], fares["pending"]) == (1, 1, 0)


async def test_without_a_gateway_nothing_waits() -> None:
    async with sandbox_at_work() as caller:
        caller.sandbox.apply("1001", "其他", 100)
        await all_pushed(caller)
        assert caller.sandbox.pusher.pending == ()


async def test_a_late_message_goes_as_soon_as_another_has_overtaken_it(gateway: Gateway) -> None:
    async with playing(gateway) as caller:
        await caller.control("/pushing", {"reordered": 1.0, "hold": 600})
        own = caller.sandbox.apply("1001", "其他", 100).after_sale_id
        assert not (await caller.control("/idle", {"timeout": 0.05}))["idle"]
        await caller.control("/pushing", {})
        caller.sandbox.change(own, transitions.agree)
        await all_pushed(caller)
    assert gateway.tags == ["227", "200"]


async def test_resuming_sends_at_once_what_was_waiting_to_be_sent_again(gateway: Gateway) -> None:
    gateway.answers = [Response(status_code=503)]
    async with playing(gateway) as caller:
        await caller.control("/pushing", {"first_retry": 600, "longest_retry": 600})
        caller.sandbox.apply("1001", "其他", 100)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (await caller.control("/pushing", method="GET"))["failures"]:
                pass
        await caller.control("/pushing/resume")
        await all_pushed(caller)
    assert gateway.tags == ["200"]


async def test_what_was_acknowledged_is_forgotten_by_the_file_while_the_sandbox_runs(tmp_path: Path) -> None:
    gateway, state = Gateway(), tmp_path / "state.json"
    async with playing(gateway, state) as caller:
        caller.sandbox.apply("1001", "其他", 100)
        assert len(json.loads(state.read_bytes())["pending"]) == 1
        await all_pushed(caller)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while json.loads(state.read_bytes())["pending"]:
                await caller.client.get("/health")
