"""A disk that is full, or that fails and becomes read-only, under the inbox, the ledger and the journal: a real one."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import httpx2
import pytest

from aftersales.gateway.app import make_gateway
from aftersales.gateway.dispatcher import Dispatcher
from aftersales.gateway.inbox import Inbox
from aftersales.ledger.store import SqlLedger
from aftersales.platforms.journal import Journal
from cases.errors import LedgerUnreachable
from tests.support.platforms.pushing import SENDERS, RecordingFeed, body, content, endpoints, pushed, signed
from tests.support.platforms.serving import calling
from tests.support.programs.small_disk import FailingDisk, FillableDisk, failing_disk, fillable_disk
from tests.support.records.booking import ended, recorded
from tests.support.temporal.life import eventually

MANY = 200


@pytest.fixture
def full(tmp_path: Path) -> Iterator[FillableDisk]:
    with fillable_disk(tmp_path / "disk") as disk:
        yield disk


@pytest.fixture(params=[fillable_disk, failing_disk], ids=["full", "read-only"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FillableDisk | FailingDisk]:
    with request.param(tmp_path / "disk") as mounted:
        yield mounted


class Pushing:
    """Pushes messages about one case to a gateway, and keeps how each was answered."""

    def __init__(self, client: httpx2.AsyncClient, inbox: Inbox, answers: dict[str, int]) -> None:
        self.client, self.inbox, self.answers = client, inbox, answers

    async def push(self, *names: str) -> None:
        for name in names:
            message = body(pushed("227", name, content(1, note="x" * 5000)))
            answer = await self.client.post("/douyin", content=message, headers=signed(message))
            self.answers[name] = answer.status_code

    async def states(self) -> dict[str, int]:
        return dict((await self.inbox.counts())["states"])

    def answered(self, status: int) -> list[str]:
        return [name for name, answer in self.answers.items() if answer == status]


@asynccontextmanager
async def gateway(folder: Path, recorder: RecordingFeed, answers: dict[str, int]) -> AsyncIterator[Pushing]:
    async with Inbox(folder / "inbox.db") as inbox:
        dispatcher = Dispatcher(inbox, recorder.feed, SENDERS, first_pause=0.005, longest_pause=0.02, idle=0.02)
        app = make_gateway(endpoints(), inbox, recorder.feed, dispatcher=dispatcher)
        async with calling(app) as client:
            yield Pushing(client, inbox, answers)


async def pushes_again(pushing: Pushing, recorder: RecordingFeed) -> None:
    """Push what was refused, as the platform does, and check that every message arrived."""
    await pushing.push(*pushing.answered(503))
    assert set(pushing.answers.values()) == {200}
    assert (await pushing.client.get("/readyz")).status_code == 200

    async def all_delivered() -> bool:
        return (await pushing.states())["done"] == len(pushing.answers)

    await eventually("all messages are delivered", all_delivered)
    assert set(recorder.of("1")) == set(pushing.answers)


async def test_a_push_is_answered_with_success_only_if_it_is_on_disk(disk: FillableDisk | FailingDisk) -> None:
    recorder, answers = RecordingFeed(), dict[str, int]()
    async with gateway(disk.folder, recorder, answers) as pushing:
        await pushing.push("m1", "m2")
        disk.spoil()
        await pushing.push(*(f"m{number}" for number in range(3, 40)))
        assert pushing.answered(503)
        assert (await pushing.client.get("/readyz")).status_code == 503
        assert (await pushing.client.get("/healthz")).status_code == 200
        if isinstance(disk, FillableDisk):
            assert sum((await pushing.states()).values()) == len(pushing.answered(200))
            disk.mend()
            await pushes_again(pushing, recorder)
    if isinstance(disk, FailingDisk):
        disk.mend()
        async with gateway(disk.folder, recorder, answers) as pushing:
            assert sum((await pushing.states()).values()) == len(pushing.answered(200))
            await pushes_again(pushing, recorder)


def test_the_ledger_says_that_it_is_away_and_keeps_what_it_had(disk: FillableDisk | FailingDisk) -> None:
    path, refused = disk.folder / "ledger.sqlite3", list[str]()
    with SqlLedger(path) as ledger:
        ledger.record(recorded(ended("before")))
        disk.spoil()
        for number in range(MANY):  # until the pages that the database had already taken are used up
            try:
                ledger.record(recorded(ended(f"meanwhile{number}")))
            except LedgerUnreachable:
                refused.append(f"meanwhile{number}")
        assert refused
        if isinstance(disk, FillableDisk):
            disk.mend()
            for own_id in refused:
                ledger.record(recorded(ended(own_id)))
    if isinstance(disk, FailingDisk):
        disk.mend()
        with SqlLedger(path) as ledger:
            for own_id in refused:
                ledger.record(recorded(ended(own_id)))
    with SqlLedger(path) as ledger:
        assert len(ledger.outcomes(date.min, date.max)) == 1 + MANY


def test_the_journal_counts_no_call_as_made_that_it_could_not_write(disk: FillableDisk | FailingDisk) -> None:
    path, refused = disk.folder / "platform.jsonl", list[str]()
    journal = Journal(path)
    assert journal.write("before", {})
    disk.spoil()
    for number in range(MANY):
        try:
            journal.write(f"meanwhile{number}", {"text": "x" * 200})
        except OSError:
            refused.append(f"meanwhile{number}")
    assert refused
    disk.mend()
    assert all(journal.write(key, {}) for key in refused)
    assert len(Journal(path).rows) == 1 + MANY


def test_an_inbox_on_a_full_disk_is_refused_at_the_start_and_damages_nothing(full: FillableDisk) -> None:
    full.spoil()
    with pytest.raises((sqlite3.Error, OSError)):
        Inbox(full.folder / "inbox.db")
    full.mend()
    Inbox(full.folder / "inbox.db")._file.close()
