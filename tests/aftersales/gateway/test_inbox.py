"""The inbox: messages survive restarts, are stored once, and come out in order."""

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from aftersales.gateway.inbox import KEPT_SECONDS, Inbox
from aftersales.platforms.inbound import CaseKey, InboundMessage, MessageState
from cases.messages import Report


class Clock:
    now = 1_767_600_000.0

    def __call__(self) -> float:
        return self.now


def about(own_id: str, message_id: str) -> InboundMessage:
    return InboundMessage(
        "douyin", message_id, "227", b"{}", case=CaseKey("douyin_reship", "S1", own_id), report=Report(rule="agree")
    )


def ids(inbox: list[object]) -> list[str]:
    return [row.case.own_id for row in inbox]  # type: ignore[attr-defined]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "inbox.db"


@pytest_asyncio.fixture
async def inbox(path: Path, clock: Clock) -> AsyncIterator[Inbox]:
    async with Inbox(path, clock) as opened:
        yield opened


async def test_stored_messages_are_there_when_the_file_is_opened_again(path: Path) -> None:
    async with Inbox(path) as inbox:
        assert await inbox.store([about("1", "m1"), about("2", "m2")]) == 2
    async with Inbox(path) as inbox:
        first, second = await inbox.due(10)
        assert (first.case, first.report) == (CaseKey("douyin_reship", "S1", "1"), Report(rule="agree"))
        assert second.case.case_id == "douyin_reship/2"


async def test_a_message_that_comes_again_is_counted_and_not_stored_twice(inbox: Inbox) -> None:
    assert await inbox.store([about("1", "m1")]) == 1
    (row,) = await inbox.due(10)
    await inbox.done(row, "signalled")
    assert await inbox.store([about("1", "m1"), about("1", "m1"), about("1", "m2")]) == 1
    assert len(await inbox.due(10)) == 1
    assert (await inbox.counts())["duplicates"] == 2


async def test_the_ids_of_messages_are_each_application_s_own(inbox: Inbox) -> None:
    ours = [replace(about("1", "m1"), app_key=app) for app in ("A", "B", "A")]
    assert await inbox.store([*ours, replace(ours[0], platform="jd")]) == 3
    assert [(row.platform, row.app_key) for row in await inbox.due(10)] == [
        ("douyin", "A"),
        ("douyin", "B"),
        ("jd", "A"),
    ]


async def test_a_message_that_names_another_shop_does_not_make_a_case_wait(inbox: Inbox) -> None:
    mine = about("1", "m1")
    await inbox.store([replace(mine, message_id="m0", case=CaseKey("douyin_reship", "S2", "1"))])
    (foreign,) = await inbox.due(10)
    await inbox.store([mine])
    await inbox.later(foreign, "no answer", 60)
    await inbox.store([about("1", "m2")])
    assert [row.case.shop_id for row in await inbox.due(10)] == ["S1", "S1"]


EARLIER = """
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, platform TEXT NOT NULL, message_id TEXT NOT NULL, tag TEXT NOT NULL,
    process TEXT, shop_id TEXT, own_id TEXT, report TEXT, body BLOB NOT NULL, state TEXT NOT NULL, reason TEXT,
    received_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, next_try REAL NOT NULL DEFAULT 0,
    again INTEGER NOT NULL DEFAULT 0, UNIQUE (platform, message_id)
);
CREATE INDEX waiting ON messages (next_try, id) WHERE state = 'new';
CREATE INDEX waiting_of_case ON messages (process, own_id, next_try) WHERE state = 'new';
INSERT INTO messages (platform, message_id, tag, process, shop_id, own_id, report, body, state, received_at, attempts)
VALUES ('douyin', 'm1', '227', 'douyin_reship', 'S1', '1', '{"rule":"agree"}', '{}', 'new', 1767600000, 2),
       ('douyin', 'm2', '203', NULL, NULL, NULL, NULL, '{}', 'unknown', 1767600000, 0);
"""


async def test_a_message_id_that_is_used_again_for_another_case_takes_no_message_away(inbox: Inbox) -> None:
    both = [about("1", "m1"), about("2", "m1")]
    assert await inbox.store(both) == 2
    assert await inbox.store(both) == 0
    assert ids(await inbox.due(10)) == ["1", "2"]


async def test_ids_that_an_earlier_build_took_for_unique_are_used_again(path: Path, clock: Clock) -> None:
    path.parent.mkdir(exist_ok=True)
    signed = EARLIER.replace(
        "message_id TEXT NOT NULL,", "app_key TEXT NOT NULL DEFAULT 'K1', message_id TEXT NOT NULL,"
    )
    with closing(sqlite3.connect(path)) as earlier:
        earlier.executescript(signed)
    async with Inbox(path, clock) as inbox:
        (row,) = await inbox.due(10)
        assert row.app_key == "K1"
        assert await inbox.store([replace(about("77", "m1"), app_key="K1")]) == 1


async def test_what_an_earlier_release_stored_is_kept_and_delivered(path: Path, clock: Clock) -> None:
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as earlier:
        earlier.executescript(EARLIER)
    for _ in range(2):  # it is taken over once
        async with Inbox(path, clock) as inbox:
            (row,) = await inbox.due(10)
            assert (row.case.own_id, row.app_key, row.attempts) == ("1", "", 2)
            assert row.report == Report(rule="agree")
            assert (await inbox.counts())["unknown_tags"] == {"douyin 203": 1}
    with closing(sqlite3.connect(path)) as file:
        indexes = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert {"waiting", "waiting_of_case"} <= indexes


async def test_the_file_of_a_release_that_did_not_trace_is_kept(path: Path) -> None:
    async with Inbox(path) as inbox:
        await inbox.store([about("1", "m1")])
    with closing(sqlite3.connect(path)) as earlier:
        earlier.execute("ALTER TABLE messages DROP COLUMN trace")
    for _ in range(2):  # the column is added once
        async with Inbox(path) as inbox:
            (row,) = await inbox.due(10)
            assert (row.case.own_id, row.trace) == ("1", None)


async def test_messages_that_come_together_are_all_stored_and_each_caller_gets_its_own_count(inbox: Inbox) -> None:
    batches = [[about(str(number % 40), f"m{number % 40}")] for number in range(50)]
    assert await asyncio.gather(*(inbox.store(batch) for batch in batches)) == [1] * 40 + [0] * 10
    assert ids(await inbox.due(100)) == [str(number) for number in range(40)]


async def test_who_gives_up_waiting_takes_nobody_with_him(inbox: Inbox) -> None:
    impatient = asyncio.create_task(inbox.store([about("1", "m1")]))
    patient = asyncio.create_task(inbox.store([about("2", "m2")]))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == 1


async def test_a_reason_is_one_short_line_whatever_it_quotes(inbox: Inbox, path: Path) -> None:
    odd = f"\ud800\n{'x' * 3000}"
    await inbox.store([InboundMessage.unreadable("douyin", b"?", odd), about("1", "m1"), about("2", "m2")])
    first, second = await inbox.due(10)
    await inbox.failed(first, odd)
    await inbox.later(second, odd, 1)
    with closing(sqlite3.connect(path)) as file:
        reasons = [reason for (reason,) in file.execute("SELECT reason FROM messages")]
    assert [(reason[:3], len(reason)) for reason in reasons] == [("\ufffd x", 1000)] * 3


async def test_a_finished_message_is_not_dispatched_again(inbox: Inbox) -> None:
    await inbox.store([about("1", "m1"), about("2", "m2"), about("3", "m3")])
    first, second, _ = await inbox.due(10)
    await inbox.done(first, "signalled")
    await inbox.failed(second, "no such shop")
    await inbox.done(second, "signalled")  # another gateway was slower
    assert ids(await inbox.due(10)) == ["3"]
    assert (await inbox.counts())["states"] == {
        "new": 1,
        "done": 1,
        "unknown": 0,
        "unreadable": 0,
        "failed": 1,
        "refused": 0,
    }


async def test_what_failed_can_be_taken_up_again_and_what_was_refused_cannot(inbox: Inbox) -> None:
    await inbox.store([about("1", "m1"), about("2", "m2")])
    first, second = await inbox.due(10)
    await inbox.failed(first, "no such shop")
    await inbox.refused(second, "not its shop")
    assert await inbox.retry_failed() == 1
    assert ids(await inbox.due(10)) == ["1"]


async def test_a_case_that_waits_lets_nothing_of_it_pass_and_lets_others_pass(inbox: Inbox, clock: Clock) -> None:
    await inbox.store([about("1", "m1"), about("1", "m2"), about("2", "m3")])
    first, _, _ = await inbox.due(10)
    await inbox.later(first, "no answer", 60)
    await inbox.store([about("1", "m4")])
    assert ids(await inbox.due(10)) == ["2"]
    clock.now += 60
    waiting = await inbox.due(10)
    assert [(row.case.own_id, row.attempts) for row in waiting] == [("2", 0), ("1", 1), ("1", 0), ("1", 0)]
    assert sorted(row.id for row in waiting[1:]) == [row.id for row in waiting[1:]]


async def test_what_was_put_off_while_the_clock_was_ahead_is_due_once_it_is_right(inbox: Inbox, clock: Clock) -> None:
    await inbox.store([about("1", "m1"), about("2", "m2")])
    clock.now += 3 * 24 * 3600
    first, _ = await inbox.due(10)
    await inbox.later(first, "no answer", 60)
    clock.now -= 3 * 24 * 3600
    await inbox.store([about("1", "m3")])
    assert ids(await inbox.due(10)) == ["2", "1", "1"]


async def test_what_needs_nobody_is_forgotten_after_thirty_days(inbox: Inbox, clock: Clock) -> None:
    others = [
        InboundMessage.unknown("douyin", b"{}", "why", "m4", "203"),
        InboundMessage.unreadable("douyin", b"{", "why"),
    ]
    await inbox.store([about("1", "m1"), about("2", "m2"), about("3", "m3"), about("4", "m5"), *others])
    first, second, third, _ = await inbox.due(10)
    await inbox.done(first, "signalled")
    await inbox.failed(second, "no such shop")
    await inbox.refused(third, "not its shop")
    assert await inbox.prune() == 0
    clock.now += KEPT_SECONDS + 1
    assert await inbox.prune() == 4
    states = (await inbox.counts())["states"]
    assert {name for name, count in states.items() if count} == {MessageState.NEW, MessageState.FAILED}


async def test_counts_name_unknown_tags_and_how_long_one_waits(inbox: Inbox, clock: Clock) -> None:
    unknown = [InboundMessage.unknown("douyin", b"{}", "why", f"m{number}", f"20{number % 2}") for number in range(3)]
    assert (await inbox.counts())["longest_waiting_seconds"] is None
    await inbox.store([*unknown, about("1", "m9")])
    clock.now += 90
    counts = await inbox.counts()
    assert counts["unknown_tags"] == {"douyin 200": 2, "douyin 201": 1}
    assert counts["longest_waiting_seconds"] == 90


async def test_only_the_owner_may_read_it(inbox: Inbox, path: Path) -> None:
    await inbox.store([about("1", "m1")])
    for file in path.parent.glob("inbox.db*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


async def test_an_error_of_the_disk_is_raised_in_every_waiting_caller(
    path: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox._file._received.execute("PRAGMA busy_timeout = 0")
    inbox._file._dispatched.execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")
    kept = await asyncio.gather(*(inbox.store([about("1", f"m{at}")]) for at in range(3)), return_exceptions=True)
    assert {type(error) for error in kept} == {sqlite3.OperationalError}
    with pytest.raises(sqlite3.OperationalError):
        await inbox.check_writable()
    other.close()
    await inbox.check_writable()
    assert await inbox.store([about("1", "m0")]) == 1


async def test_one_gateway_at_a_time_dispatches(path: Path, inbox: Inbox) -> None:
    async with Inbox(path) as other:
        assert inbox.claim()
        assert not other.claim()
        inbox.release()
        assert other.claim()
    assert inbox.claim()
