"""Who may say what: a forged push moves nothing, whoever of our own applications signed it, and however old it is."""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from aftersales.gateway.app import make_gateway
from aftersales.gateway.case_client import CaseClient
from aftersales.gateway.inbox import KEPT_SECONDS, Inbox
from aftersales.gateway.senders import NotItsShop, Senders
from aftersales.platforms.alibaba_1688.signing import event_sign as sign_1688
from aftersales.platforms.credentials import Secrets
from aftersales.platforms.inbound import CaseKey
from aftersales.platforms.marketplaces import Marketplaces
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.telemetry.logs import configure_logs
from cases.errors import NoCredentials
from cases.messages import Opening
from tests.conftest import TASK_QUEUE
from tests.support.platforms.pushing import body, content, pushed, signed
from tests.support.platforms.serving import calling
from tests.support.records.register import Register
from tests.support.temporal.life import PROCESS, eventually, facts, fired
from workflows.opening import start_case
from workflows.registry import PROCESSES

OURS, SISTER, OTHERS, UNLISTED = "1001", "1002", "2001", "3001"
"""Two shops of application A, one of application B, and one that the secrets file does not know."""
APPS = {"A": "secret of A", "B": "secret of B"}
SERVED = {OURS: "A", SISTER: "A", OTHERS: "B"}
APP_1688 = ("K", "secret of K")


def credentials(served: dict[str, str]) -> Secrets:
    blocks = {
        "douyin": {
            "apps": [{"app_key": app, "app_secret": secret} for app, secret in APPS.items()],
            "shops": [{"shop_id": shop, "app_key": app} for shop, app in served.items()],
        },
        "alibaba_1688": {"apps": [{"app_key": APP_1688[0], "app_secret": APP_1688[1]}]},
    }
    return Secrets.model_validate_json(json.dumps(blocks))


class Clock:
    now = 1_767_600_000.0

    def __call__(self) -> float:
        return self.now


class Door:
    """A running gateway before a real Temporal server, and a case of shop OURS that was opened by hand."""

    def __init__(self, inbox: Inbox, clock: Clock, address: httpx2.AsyncClient, temporal: Client) -> None:
        self.inbox, self.clock, self.http, self._temporal = inbox, clock, address, temporal
        self.own_id = str(uuid.uuid4().int)[:15]

    async def open(self, shop: str) -> None:
        opening = Opening(facts=facts(self.own_id, shop_id=shop))
        await start_case(self._temporal, TASK_QUEUE, PROCESSES[PROCESS], opening)

    async def push(self, tag: str, app: str, shop: str, message_id: str = "m1") -> int:
        said = content(self.own_id, shop_id=int(shop), company_code="SF", tracking_no="SF1")
        sent = body(pushed(tag, message_id, said))
        answer = await self.http.post("/douyin", content=sent, headers=signed(sent, app, APPS.get(app, APP_1688[1])))
        return answer.status_code

    async def settled(self, **expected: int) -> None:
        async def look() -> bool:
            states = (await self.inbox.counts())["states"]
            return {name: count for name, count in states.items() if count} == expected

        await eventually(f"{expected}", look)

    async def case(self) -> tuple[list[Any], int]:
        """Return the rules that fired in the case, and how many messages it was given in vain."""
        view = await self._temporal.get_workflow_handle(f"{PROCESS}/{self.own_id}").query("view")
        return fired(view), len(view["ignored"])


@asynccontextmanager
async def opened(temporal: Client, path: Path, served: dict[str, str]) -> AsyncIterator[Door]:
    async def connect() -> Client:
        return temporal

    clock = Clock()
    async with Marketplaces(credentials(served), TokenStore()) as markets, Inbox(path, clock) as inbox:
        cases = CaseClient(connect, markets.message_adapters(), TASK_QUEUE, Register())
        gateway = make_gateway(markets.endpoints, inbox, cases.feed)
        async with calling(gateway) as http:
            yield Door(inbox, clock, http, temporal)


@pytest_asyncio.fixture
async def door(worker: None, environment: WorkflowEnvironment, tmp_path: Path) -> AsyncIterator[Door]:
    with environment.with_time_skipping_disabled():
        async with opened(environment.client, tmp_path / "inbox.db", SERVED) as door:
            yield door


FORGED = {
    "another application's shop, named as it is": ("A", OTHERS, OTHERS),
    "another application's shop, named as one of its own": ("A", OURS, OTHERS),
    "another shop of the same application": ("A", OURS, SISTER),
    "the case's own shop, by an application that does not serve it": ("B", OURS, OURS),
}
"""Who signs, of which shop the message speaks, and of which shop the case is."""


@pytest.mark.parametrize("forged", FORGED)
async def test_what_is_said_for_another_shop_moves_nothing_and_is_counted_and_logged(
    door: Door, forged: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("DEBUG", "json")
    app, said, shop = FORGED[forged]
    await door.open(shop)
    assert await door.push("227", app, said, "m1") == 200
    assert await door.push("226", app, said, "m2") == 200
    await door.settled(refused=2)
    assert await door.case() == ([], 0)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = [(line["app"], line["shop"]) for line in lines if line["event"] == "a message is refused"]
    assert told == [(app, said)] * 2
    assert await door.inbox.retry_failed() == 0

    assert await door.push("227", SERVED[shop], shop, "m1 of the platform") == 200
    await door.settled(refused=2, done=1)
    assert await door.case() == (["agree"], 0)


async def test_an_id_that_another_application_used_first_does_not_take_a_message_away(door: Door) -> None:
    await door.open(OURS)
    await door.push("227", "B", OTHERS, "m1")
    await door.settled(refused=1)
    await door.push("227", "A", OURS, "m1")
    await door.settled(refused=1, done=1)
    assert await door.case() == (["agree"], 0)


async def test_a_shop_that_the_secrets_file_does_not_know_waits_until_it_is_added(
    door: Door, environment: WorkflowEnvironment, tmp_path: Path
) -> None:
    await door.open(UNLISTED)
    await door.push("227", "A", UNLISTED)
    await door.settled(failed=1)
    assert await door.case() == ([], 0)
    await door.inbox.retry_failed()
    await door.settled(failed=1)

    for app, expected in (("B", {"refused": 1}), ("A", {"done": 1})):
        path = tmp_path / app / "inbox.db"
        async with opened(environment.client, path, SERVED | {UNLISTED: app}) as later:
            later.own_id = door.own_id
            await later.push("227", "A", UNLISTED)
            await later.settled(**expected)
    assert await door.case() == (["agree"], 0)


async def test_another_marketplace_s_application_says_nothing_here(door: Door) -> None:
    await door.open(OURS)
    assert await door.push("227", APP_1688[0], OURS) == 401

    said = {"msgId": "m1", "type": "227", "data": content(door.own_id, shop_id=int(OURS))}
    for secret, status in ((APP_1688[1], 200), (APPS["A"], 401)):
        form = {"message": json.dumps(said), "_aop_signature": sign_1688(secret, json.dumps(said))}
        assert (await door.http.post("/1688", data=form)).status_code == status
    await door.settled(unknown=1)
    assert await door.case() == ([], 0)

    await door.push("227", "A", OURS, "m1")  # its id is its own
    await door.settled(unknown=1, done=1)
    assert await door.case() == (["agree"], 0)


async def test_g_3_an_old_push_that_is_sent_again_moves_nothing_even_when_the_inbox_has_forgotten_it(
    door: Door,
) -> None:
    await door.open(OURS)
    for _ in range(2):
        await door.push("227", "A", OURS)
    await door.settled(done=1)
    assert (await door.inbox.counts())["duplicates"] == 1

    door.clock.now += KEPT_SECONDS + 1
    assert await door.inbox.prune() == 1
    await door.push("227", "A", OURS)
    await door.settled(done=1)
    assert (await door.inbox.counts())["duplicates"] == 0
    assert await door.case() == (["agree"], 0)


def test_an_application_speaks_for_the_shops_that_it_serves() -> None:
    senders = Senders({"douyin": credentials(SERVED).of("douyin")})
    senders.check("douyin", "A", CaseKey(PROCESS, OURS, "1"))
    senders.check("douyin", "", CaseKey(PROCESS, OTHERS, "1"))  # not pushed
    with pytest.raises(NotItsShop, match=r"2001.*A"):
        senders.check("douyin", "A", CaseKey(PROCESS, OTHERS, "1"))
    with pytest.raises(NoCredentials, match="3001"):
        senders.check("douyin", "A", CaseKey(PROCESS, UNLISTED, "1"))
