"""The gateway over real HTTP: which requests it accepts, stores and refuses, and how it answers."""

import asyncio
import base64
import hashlib
import hmac
import json
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr

from aftersales.gateway import app as application
from aftersales.gateway.app import BODY_LIMIT, make_gateway
from aftersales.gateway.dispatcher import Dispatcher
from aftersales.gateway.inbox import Inbox
from aftersales.platforms.alibaba_1688.signing import event_sign as sign_1688
from aftersales.runtime.http import http_request
from aftersales.runtime.telemetry.logs import configure_logs
from aftersales.runtime.temporal.connection import TemporalUnreachable
from cases.errors import PlatformRefused
from tests.support.platforms.pushing import (
    APP,
    SECRET,
    SECRET_1688,
    SENDERS,
    RecordingFeed,
    body,
    content,
    endpoints,
    pushed,
    signed,
)
from tests.support.platforms.serving import calling
from tests.support.temporal.life import eventually

TOKEN = "status-token"  # noqa: S105 - of this test
LIMIT = 4000
QUICKLY = 2.0
"""Seconds of a processor: it takes 0.2, and took 11 when each message was kept by itself."""
GUESSED = "guessed"
SUCCESS = {"code": 0, "msg": "success"}


@dataclass
class Door:
    """A running gateway."""

    inbox: Inbox
    recorder: RecordingFeed
    client: httpx2.AsyncClient

    async def push(self, *messages: Any) -> httpx2.Response:
        return await self.send(body(*messages))

    async def send(self, content: Any, headers: dict[str, str] | None = None) -> httpx2.Response:
        return await self.client.post("/douyin", content=content, headers=headers or signed(content))

    async def push_1688(self, message: str, secret: str = SECRET_1688) -> httpx2.Response:
        form = {"message": message, "_aop_signature": sign_1688(secret, message)}
        return await self.client.post("/1688", data=form)

    async def states(self) -> dict[str, int]:
        return {name: count for name, count in (await self.inbox.counts())["states"].items() if count}

    async def settled(self, **expected: int) -> None:
        async def look() -> bool:
            return await self.states() == expected

        await eventually(f"{expected}", look)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Door]:
    async with Inbox(path) as inbox:
        recorder = RecordingFeed()
        dispatcher = Dispatcher(inbox, recorder.feed, SENDERS, first_pause=0.005, longest_pause=0.02, idle=0.02)
        gateway = make_gateway(
            endpoints(),
            inbox,
            recorder.feed,
            body_limit=LIMIT,
            status_token=lambda: SecretStr(TOKEN),
            dispatcher=dispatcher,
        )
        async with calling(gateway) as client:
            yield Door(inbox, recorder, client)


@pytest_asyncio.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with opened(tmp_path / "inbox.db") as door:
        yield door


async def test_pushes_that_cannot_be_read_or_dispatched_leave_nothing_of_the_buyer_in_the_log(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    configure_logs("DEBUG", "console")
    phone = "13800138000"
    async with opened(tmp_path / "inbox.db") as door:
        door.recorder.fails = {"1": ValueError(f"收货人 {phone}"), "2": PlatformRefused(f"收货人 {phone} 已拒收")}
        await door.send(f"收货人 {phone}".encode())
        await door.push(pushed("227", "m0", {**content(), "aftersale_id": {"phone": phone}}))
        await door.push(pushed("227", "m1", content(1, remark=phone)))
        await door.push(pushed("227", "m2", content(2, remark=phone)))
        await door.settled(unreadable=2, failed=1, new=1)
    seen = capsys.readouterr().err
    assert [
        words for words in ("delivery fails", "ValueError", "cannot be delivered", "已拒收") if words not in seen
    ] == []
    assert phone not in seen


@asynccontextmanager
async def asking(door: Door, *lines: str, begun: str = "") -> AsyncIterator[asyncio.StreamReader]:
    """Send the head of a request and the beginning of its body, and hang up when the block ends."""
    reader, writer = await asyncio.open_connection(door.client.base_url.host, door.client.base_url.port)
    writer.write("\r\n".join((*lines, "host: x", "", begun)).encode())
    await writer.drain()
    try:
        yield reader
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_signed_push_is_answered_stored_and_dispatched(door: Door) -> None:
    answer = await door.push(pushed("200", "m1", content(1)), pushed("227", "m2", content(2)))
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    await door.settled(done=2)
    assert sorted(door.recorder.fed) == [("1", None), ("2", "m2")]


async def test_the_signature_is_over_the_very_bytes(door: Door) -> None:
    spaced = b' [ {"tag": "200" , "msg_id":"m1", "data": "{\\"aftersale_id\\":1}"} ]\r\n'
    right = hashlib.md5(APP.encode() + spaced + SECRET.encode(), usedforsecurity=False).hexdigest()
    assert (await door.send(spaced, {"app-id": APP, "event-sign": right})).status_code == 200
    assert await door.states() == {"unknown": 1}


GOOD = body(pushed("200", "m1", content()))
FORGED = {
    "no headers": {"content-type": "application/json"},
    "no signature": {"app-id": APP},
    "an empty signature": {"app-id": APP, "event-sign": ""},
    "another secret": signed(GOOD, secret=GUESSED),
    "another body": signed(GOOD.replace(b"1001", b"1002")),
    "an unknown app": signed(GOOD, app="7100000000000000009"),
    "no app": {"event-sign": signed(GOOD)["event-sign"]},
    "upper case": {"app-id": APP, "event-sign": signed(GOOD)["event-sign"].upper()},
    "half of it": {"app-id": APP, "event-sign": signed(GOOD)["event-sign"][:16]},
    "no ASCII": {"app-id": APP, "event-sign": "签"},
}


async def test_what_is_not_signed_by_the_platform_changes_nothing(door: Door) -> None:
    for what, headers in FORGED.items():
        encoded = {name: value.encode() for name, value in headers.items()}
        answer = await door.client.post("/douyin", content=GOOD, headers=encoded)
        assert (answer.status_code, answer.text) == (401, "unauthorized"), what
    assert await door.states() == {}


async def test_a_body_that_was_altered_on_its_way_changes_nothing(door: Door) -> None:
    for at in range(0, len(GOOD), 23):
        altered = GOOD[:at] + bytes([GOOD[at] ^ 1]) + GOOD[at + 1 :]
        assert (await door.send(altered, signed(GOOD))).status_code == 401
    assert await door.states() == {}


async def test_the_probe_of_our_address_is_answered_and_not_stored(door: Door) -> None:
    answer = await door.push({"tag": "0", "msg_id": "0", "data": "2026-01-05"})
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    assert await door.states() == {}


async def test_a_signed_push_that_cannot_be_read_is_stored_and_answered(door: Door) -> None:
    for broken in (b"", b"{", b"\xff", b"[1]", b"[" * 3000):
        answer = await door.send(broken)
        assert (answer.status_code, answer.json()) == (200, SUCCESS)
    assert await door.states() == {"unreadable": 5}


async def test_what_cannot_be_read_is_logged_once_a_push_and_counted(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("DEBUG", "json")
    sent = body(1, pushed("209", "m1", content(7, status_deadline="soon")), pushed("227", "m2", content(8)))
    for _ in range(2):
        await door.send(sent)
    await door.settled(done=2, unreadable=2)
    assert sorted(door.recorder.fed) == [("7", None), ("8", "m2")]
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (line,) = [line for line in lines if line["event"] == "messages cannot be read"]
    assert (line["level"], line["messages"], line["cases"]) == ("warning", 2, ["douyin_reship/7"])
    assert (line["platform"], line["app"]) == ("douyin", APP)


async def test_a_megabyte_of_tiny_messages_is_answered_at_once_and_blocks_nobody(tmp_path: Path) -> None:
    sent = b"[" + b"{}," * (BODY_LIMIT // 3 - 1) + b"{}]"
    async with Inbox(tmp_path / "inbox.db") as inbox:
        gateway = make_gateway(endpoints(), inbox, RecordingFeed().feed)
        async with calling(gateway) as client:
            began = time.process_time()
            pushing = asyncio.create_task(client.post("/douyin", content=sent, headers=signed(sent)))
            while not pushing.done():
                assert (await client.get("/healthz")).status_code == 200
            assert (await pushing).json() == SUCCESS
            assert time.process_time() - began < QUICKLY
            assert (await inbox.counts())["states"]["unreadable"] == 1


async def test_two_messages_with_one_id_about_two_cases_are_both_dispatched(door: Door) -> None:
    both = (pushed("227", "m1", content(1)), pushed("227", "m1", content(2)))
    await door.push(*both)
    await door.push(*both)
    await door.settled(done=2)
    assert sorted(door.recorder.fed) == [("1", "m1"), ("2", "m1")]
    assert (await door.inbox.counts())["duplicates"] == 2


async def test_an_unknown_message_is_stored_and_counted_by_its_tag(door: Door) -> None:
    await door.push(pushed("203", "m1", content()), pushed("200", "m2", content(aftersale_type=0)))
    assert (await door.inbox.counts())["unknown_tags"] == {"douyin 203": 1, "douyin 200": 1}


async def test_g_3_a_message_sent_twice_is_dispatched_once(door: Door) -> None:
    for _ in range(3):
        assert (await door.push(pushed("227", "m1", content(1)))).status_code == 200
    await door.settled(done=1)
    assert door.recorder.fed == [("1", "m1")]
    assert (await door.inbox.counts())["duplicates"] == 2


async def test_while_temporal_is_away_messages_are_answered_stored_and_later_dispatched_in_order(door: Door) -> None:
    door.recorder.fails["*"] = TemporalUnreachable("no Temporal server answers")
    for number in range(6):
        answer = await door.push(pushed("227", f"m{number}", content(number % 2 + 1)))
        assert answer.json() == SUCCESS
    assert await door.states() == {"new": 6}
    door.recorder.fails.clear()
    await door.settled(done=6)
    assert door.recorder.of("1") == ["m0", "m2", "m4"]
    assert door.recorder.of("2") == ["m1", "m3", "m5"]


async def test_what_an_earlier_gateway_stored_is_dispatched_by_the_next(tmp_path: Path) -> None:
    async with opened(tmp_path / "inbox.db") as door:
        door.recorder.fails["*"] = TemporalUnreachable("no Temporal server answers")
        await door.push(pushed("227", "m1", content(1)))
    async with opened(tmp_path / "inbox.db") as door:
        await door.settled(done=1)
        assert door.recorder.fed == [("1", "m1")]


async def test_where_the_disk_refuses_the_platform_has_to_send_again(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for connection in (door.inbox._file._received, door.inbox._file._dispatched):
        connection.execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(tmp_path / "inbox.db")
    other.execute("BEGIN IMMEDIATE")
    assert (await door.push(pushed("227", "m1", content(1)))).status_code == 503
    assert (await door.client.get("/readyz")).status_code == 503
    assert (await door.client.get("/healthz")).status_code == 200
    other.close()
    assert (await door.push(pushed("227", "m1", content(1)))).status_code == 200
    assert (await door.client.get("/readyz")).status_code == 200
    await door.settled(done=1)


async def test_a_disk_that_hangs_is_answered_for_in_time(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "STORE_SECONDS", 0.05)

    async def hang(_: Any) -> int:
        await asyncio.Event().wait()
        return 0

    monkeypatch.setattr(door.inbox, "store", hang)
    assert (await door.push(pushed("227", "m1", content(1)))).status_code == 503


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(door: Door) -> None:
    for path in ("/douyin", "/1688"):
        async with asking(door, f"POST {path} HTTP/1.1", f"app-id: {APP}", f"content-length: {LIMIT + 1}") as reader:
            assert (await reader.readline()).split()[1] == b"413"
    assert (await door.send(b" " * (LIMIT + 1))).text == "too large"
    assert (await door.send(b" " * LIMIT)).status_code == 200


async def test_a_body_that_does_not_say_its_size_is_read_up_to_the_limit(door: Door) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(LIMIT // 1000 + 1):
            yield b" " * 1000

    answer = await door.client.post("/douyin", content=chunks(), headers={"app-id": APP})
    assert answer.status_code == 413
    assert await door.states() == {}


async def test_a_body_that_never_ends_is_not_waited_for(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_request, "BODY_SECONDS", 0.05)
    async with asking(door, "POST /douyin HTTP/1.1", f"app-id: {APP}", "content-length: 10", begun="[") as reader:
        assert (await reader.readline()).split()[1] == b"408"


async def test_a_platform_that_hangs_up_leaves_nothing_behind(door: Door) -> None:
    async with asking(door, "POST /douyin HTTP/1.1", f"app-id: {APP}", "content-length: 10", begun="["):
        pass
    assert (await door.client.get("/healthz")).status_code == 200
    assert await door.states() == {}


MESSAGE = json.dumps({"msgId": 71, "gmtBorn": 1, "data": {"x": "a+b &=%"}, "userInfo": "u", "type": "ORDER_PAY"})


async def test_a_push_of_1688_is_stored_and_answered_as_configured(door: Door) -> None:
    answer = await door.push_1688(MESSAGE)
    assert (answer.status_code, answer.text) == (200, "got it")
    assert (await door.inbox.counts())["unknown_tags"] == {"alibaba_1688 ORDER_PAY": 1}


async def test_a_push_of_1688_that_cannot_be_read_is_stored_too(door: Door) -> None:
    for message in ("", "{", "[]", "{}", '{"type":"X"}'):
        assert (await door.push_1688(message)).text == "got it"
    assert await door.states() == {"unreadable": 5}


UNSIGNED = (b"", b"message=%7B%7D", b"_aop_signature=X", b"\xff", b"message=%FF&_aop_signature=X", b"a=1&" * 50, b"x")


@pytest.mark.parametrize("user", ["\ud800", "\n", "u" * 3000])
async def test_a_push_of_1688_that_names_somebody_odd_is_stored_and_spoils_no_other(door: Door, user: str) -> None:
    odd = {"msgId": 1, "type": "ORDER_ORDER_BUYER_CLOSE", "userInfo": user, "data": {"orderId": 7}}
    answers = await asyncio.gather(door.push_1688(json.dumps(odd)), door.push(pushed("227", "m1", content(1))))
    assert [answer.status_code for answer in answers] == [200, 200]
    await door.settled(done=1, unreadable=2)  # for each of the two processes


async def test_a_push_of_1688_that_is_not_signed_changes_nothing(door: Door) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for sent in UNSIGNED:
        assert (await door.client.post("/1688", content=sent, headers=headers)).status_code == 401, sent
    assert (await door.push_1688(MESSAGE, secret=GUESSED)).status_code == 401
    assert await door.states() == {}


OFFERED_NOWHERE = [
    *(("GET", path, 405) for path in ("/douyin", "/1688")),
    *(("PUT", path, 405) for path in ("/douyin", "/1688", "/healthz", "/readyz", "/status")),
    *(("POST", path, 405) for path in ("/healthz", "/readyz", "/status")),
    *(("GET", path, 404) for path in ("/", "/douyin/", "/douyin/x", "/docs", "/openapi.json", "//", "/%2e%2e/etc")),
    ("POST", "/", 404),
    ("GET", "/status", 401),
]


async def test_nothing_else_is_offered(door: Door) -> None:
    for method, path, status in OFFERED_NOWHERE:
        answer = await door.client.request(method, path)
        assert answer.status_code == status, (method, path)
        assert len(answer.content) < 30


async def test_health_is_answered_without_details(door: Door) -> None:
    for path in ("/healthz", "/readyz"):
        answer = await door.client.get(path)
        assert answer.status_code == 200
        assert len(answer.content) < 10


async def test_the_counts_are_shown_to_whoever_has_the_token(door: Door) -> None:
    await door.push(pushed("203", "m1", content()), pushed("227", "m2", content(1)))
    await door.send(GOOD, {"app-id": APP, "event-sign": "forged"})
    await door.settled(done=1, unknown=1)
    answer = await door.client.get("/status", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.json() == {
        "states": {"new": 0, "done": 1, "unknown": 1, "unreadable": 0, "failed": 0, "refused": 0},
        "unknown_tags": {"douyin 203": 1},
        "duplicates": 0,
        "longest_waiting_seconds": None,
        "refused_since_start": 1,
        "queues_failing_seconds": {},
    }


BASIC = base64.b64encode(f"x:{TOKEN}".encode()).decode()


async def test_the_counts_are_shown_to_nobody_else(door: Door) -> None:
    for authorization in ("", "Bearer", "Bearer wrong", f"bearer {TOKEN}", TOKEN, f"Basic {BASIC}", "Bearer 签"):
        answer = await door.client.get("/status", headers={"authorization": authorization.encode()})
        assert (answer.status_code, answer.text) == (401, "unauthorized"), authorization


async def test_without_a_token_the_counts_are_shown_to_nobody(tmp_path: Path) -> None:
    async with Inbox(tmp_path / "inbox.db") as inbox:
        gateway = make_gateway(endpoints(), inbox, RecordingFeed().feed)
        async with calling(gateway) as client:
            assert (await client.get("/status", headers={"authorization": "Bearer"})).status_code == 401


async def test_signatures_are_compared_in_constant_time(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Any] = []

    def compare(one: Any, other: Any) -> bool:
        compared.append(other)
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    await door.send(GOOD, {"app-id": APP, "event-sign": "forged"})
    await door.push_1688(MESSAGE)
    await door.client.get("/status", headers={"authorization": "Bearer x"})
    assert len(compared) == 3
