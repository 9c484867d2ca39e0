"""Dispatching: in order, without delay, retried until it works, and without loss."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
import structlog

from aftersales.gateway.case_client import Fed, FeedResult
from aftersales.gateway.dispatcher import FAILS, UNTIL_REVIVED, WORKS, Dispatcher
from aftersales.gateway.inbox import Inbox
from aftersales.platforms.inbound import CaseKey, InboundMessage
from aftersales.runtime.client.known_cases import EndedEarly
from aftersales.runtime.temporal.connection import TemporalUnreachable
from cases.errors import LedgerUnreachable, PlatformRefused, PlatformUnreachable
from cases.messages import Report
from tests.support.platforms.pushing import SENDERS, SHOP, RecordingFeed, bad_form
from tests.support.temporal.life import eventually

QUICK: dict[str, Any] = {"first_pause": 0.005, "longest_pause": 0.02, "idle": 0.01}


def about(own_id: str, message_id: str) -> InboundMessage:
    case = CaseKey("douyin_reship", SHOP, own_id)
    return InboundMessage(
        "douyin", message_id, "227", b"{}", case=case, report=Report(message_id=message_id, rule="agree")
    )


@pytest_asyncio.fixture
async def inbox(tmp_path: Path) -> AsyncIterator[Inbox]:
    async with Inbox(tmp_path / "inbox.db") as opened:
        yield opened


@pytest.fixture
def recorder() -> RecordingFeed:
    return RecordingFeed()


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []

    class Log:
        def __getattr__(self, level: str) -> Callable[..., None]:
            return lambda event, **_: lines.append(event)

    monkeypatch.setattr(structlog, "get_logger", lambda _: Log())
    return lines


@asynccontextmanager
async def dispatching(inbox: Inbox, feed: Any, **options: Any) -> AsyncIterator[Dispatcher]:
    dispatcher = Dispatcher(inbox, feed, SENDERS, **{**QUICK, **options})
    task = asyncio.create_task(dispatcher.run())
    try:
        yield dispatcher
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def states(inbox: Inbox) -> dict[str, int]:
    return {name: count for name, count in (await inbox.counts())["states"].items() if count}


async def settled(inbox: Inbox, **expected: int) -> None:
    async def look() -> bool:
        return await states(inbox) == expected

    await eventually(f"{expected}", look)


async def test_every_case_gets_its_messages_in_order(inbox: Inbox, recorder: RecordingFeed) -> None:
    messages = [about(str(number % 7), f"m{number}") for number in range(70)]
    await inbox.store(messages)
    async with dispatching(inbox, recorder.feed):
        await settled(inbox, done=70)
    for case in range(7):
        assert recorder.of(str(case)) == [f"m{number}" for number in range(case, 70, 7)]


async def test_a_message_is_dispatched_as_soon_as_it_is_stored(inbox: Inbox, recorder: RecordingFeed) -> None:
    async with dispatching(inbox, recorder.feed, idle=60.0) as dispatcher:
        await settled(inbox)
        await inbox.store([about("1", "m1")])
        dispatcher.wake()
        await settled(inbox, done=1)


async def test_cases_are_served_at_once_up_to_a_bound_and_never_twice(inbox: Inbox) -> None:
    running, most, go, reached = set[str](), 0, asyncio.Event(), asyncio.Event()

    async def feed(case: CaseKey, _: Report | None) -> Fed:
        nonlocal most
        own_id = case.own_id
        assert own_id not in running
        running.add(own_id)
        most = max(most, len(running))
        if len(running) == 3:
            reached.set()
        await go.wait()
        running.remove(own_id)
        return Fed(FeedResult.SIGNALLED)

    await inbox.store([about(str(number % 6), f"m{number}") for number in range(12)])
    async with dispatching(inbox, feed, at_once=3):
        await reached.wait()
        go.set()
        await settled(inbox, done=12)
    assert most == 3


async def test_a_message_whose_case_may_just_have_been_opened_is_looked_at_once_more(inbox: Inbox) -> None:
    opened, fed = asyncio.Event(), list[str]()

    async def feed(case: CaseKey, report: Report | None) -> Fed:
        fed.append(f"{case.own_id} {report.message_id if report else None}")
        if case.own_id == "never" or not opened.is_set():
            opened.set()
            return Fed(FeedResult.NO_CASE, "没有此案件", uncertain=True)
        return Fed(FeedResult.SIGNALLED)

    await inbox.store([about("young", "m1"), about("young", "m2")])
    async with dispatching(inbox, feed, second_look=0.0):
        await settled(inbox, done=2)
        assert fed == ["young m1", "young m1", "young m2"]  # the second waits for the first
        await inbox.store([about("never", "m3")])
        await settled(inbox, done=3)
    assert fed[3:] == ["never m3", "never m3"]


async def test_while_temporal_is_away_everything_stays_and_it_is_said_once(
    inbox: Inbox, recorder: RecordingFeed, logged: list[str]
) -> None:
    recorder.fails["*"] = TemporalUnreachable("no Temporal server answers")
    messages = [about(str(number % 3), f"m{number}") for number in range(9)]
    await inbox.store(messages)
    async with dispatching(inbox, recorder.feed):
        await eventually("several tries", lambda: _tried(inbox, 6))
        assert await states(inbox) == {"new": 9}
        assert logged == [FAILS]
        recorder.fails.clear()
        await settled(inbox, done=9)
    assert logged == [FAILS, WORKS]
    for case in range(3):
        assert recorder.of(str(case)) == [f"m{number}" for number in range(case, 9, 3)]


async def _tried(inbox: Inbox, times: int) -> bool:
    ((tries,),) = inbox._file._dispatched.execute("SELECT sum(attempts) FROM messages").fetchall()
    return bool(tries >= times)


@pytest.mark.parametrize(
    "bad", [PlatformUnreachable("no answer"), KeyError("a fault of ours"), TemporalUnreachable("x")]
)
async def test_a_case_that_cannot_be_fed_waits_in_order_and_holds_up_no_other(
    inbox: Inbox, recorder: RecordingFeed, logged: list[str], bad: Exception
) -> None:
    recorder.fails["1"] = bad
    await inbox.store([about("1", "m1"), about("1", "m2"), about("2", "m3")])
    async with dispatching(inbox, recorder.feed) as dispatcher:
        await settled(inbox, done=1, new=2)
        await inbox.store([about("1", "m4"), about("3", "m5")])
        dispatcher.wake()
        await settled(inbox, done=2, new=3)
        recorder.fails.clear()
        await settled(inbox, done=5)
    assert recorder.of("1") == ["m1", "m2", "m4"]
    assert logged[0] == FAILS
    assert logged[-1] == WORKS


@pytest.mark.parametrize("bad", [bad_form(), PlatformRefused("no such after-sale")])
async def test_what_can_never_be_dispatched_is_set_aside_with_its_reason(
    inbox: Inbox, recorder: RecordingFeed, logged: list[str], bad: Exception
) -> None:
    recorder.fails["1"] = bad
    await inbox.store([about("1", "m1"), about("2", "m2")])
    async with dispatching(inbox, recorder.feed):
        await settled(inbox, done=1, failed=1)
    ((reason,),) = inbox._file._dispatched.execute("SELECT reason FROM messages WHERE state = 'failed'").fetchall()
    assert reason == str(bad)
    assert logged == ["a message cannot be delivered"]


async def test_a_message_of_a_case_that_ended_early_waits_alone_and_it_is_said_once(
    inbox: Inbox, recorder: RecordingFeed, logged: list[str]
) -> None:
    recorder.fails["1"] = EndedEarly("aftersales revive douyin_reship/1")
    await inbox.store([about("1", "m1"), about("1", "m2"), about("2", "m3")])
    async with dispatching(inbox, recorder.feed):
        await settled(inbox, new=2, done=1)
        await eventually("several tries", lambda: _tried(inbox, 4))
        assert logged == [UNTIL_REVIVED]
        recorder.fails.clear()
        await settled(inbox, done=3)
    assert recorder.of("1") == ["m1", "m2"]


async def test_where_a_closed_case_ended_is_kept_with_its_message(inbox: Inbox) -> None:
    async def feed(*_: Any) -> Fed:
        return Fed(FeedResult.CLOSED, "已于 2026-01-05 结束")

    await inbox.store([about("1", "m1")])
    async with dispatching(inbox, feed):
        await settled(inbox, done=1)
    ((reason,),) = inbox._file._dispatched.execute("SELECT reason FROM messages").fetchall()
    assert reason == "closed: 已于 2026-01-05 结束"


async def test_a_ledger_that_is_away_is_no_outage_of_the_others_and_prints_no_trace(
    inbox: Inbox, recorder: RecordingFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(
        structlog, "get_logger", lambda _: SimpleNamespace(warning=lambda _, **line: lines.append(line))
    )
    recorder.fails["1"] = LedgerUnreachable("ledger: no answer")
    await inbox.store([about("1", "m1"), about("2", "m2")])
    async with dispatching(inbox, recorder.feed):
        await settled(inbox, new=1, done=1)
        await eventually("several tries", lambda: _tried(inbox, 3))
    assert [line["exc_info"] for line in lines] == [None]


async def test_a_disk_that_refuses_for_a_while_stops_nothing_for_good(
    inbox: Inbox, recorder: RecordingFeed, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await inbox.store([about("1", "m1")])
    kept = inbox._file.due

    def refuse(*_: Any) -> Any:
        raise OSError("no space left")

    monkeypatch.setattr(inbox._file, "due", refuse)
    async with dispatching(inbox, recorder.feed):

        async def said() -> bool:
            return logged == [FAILS]

        await eventually("it is said", said)
        monkeypatch.setattr(inbox._file, "due", kept)
        await settled(inbox, done=1)
    assert logged == [FAILS, WORKS]


async def test_what_was_being_dispatched_when_it_stopped_is_dispatched_again(
    inbox: Inbox, recorder: RecordingFeed
) -> None:
    begun = asyncio.Event()

    async def stuck(*_: Any) -> str:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    await inbox.store([about("1", "m1")])
    async with dispatching(inbox, stuck):
        await begun.wait()
    async with dispatching(inbox, recorder.feed):
        await settled(inbox, done=1)
    assert recorder.of("1") == ["m1"]


async def test_two_gateways_on_one_inbox_dispatcher_everything_once_and_in_order(tmp_path: Path) -> None:
    path, first, second = tmp_path / "inbox.db", RecordingFeed(), RecordingFeed()
    async with Inbox(path) as one, Inbox(path) as other, AsyncExitStack() as stack:
        running = await stack.enter_async_context(AsyncExitStack())
        await running.enter_async_context(dispatching(one, first.feed))
        await one.store([about("0", "first")])
        await settled(one, done=1)
        await stack.enter_async_context(dispatching(other, second.feed))
        batches = [[about(str(number % 3), f"m{number}")] for number in range(60)]
        await asyncio.gather(*((one, other)[at % 2].store(batch) for at, batch in enumerate(batches)))
        await settled(one, done=61)
        assert sorted(map(str, [*first.of("1"), *first.of("2")])) == sorted(f"m{at}" for at in range(60) if at % 3)
        assert second.fed == []
        await running.aclose()
        await one.store([about("1", "last")])  # by one that no longer dispatches
        await settled(other, done=62)
    assert second.fed == [("1", "last")]
