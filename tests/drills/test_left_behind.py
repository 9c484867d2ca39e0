"""What the drill would notice of what programs have left on disk: rows, messages and notices lost, doubled or left."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aftersales.gateway.inbox import Inbox
from aftersales.ledger.store import SqlLedger
from aftersales.notifications.delivery_log import DeliveryLog
from aftersales.platforms.inbound import CaseKey, InboundMessage
from drills.left_behind import Views, inbox_wrong, ledger_wrong, notices_wrong, outcomes_in
from tests.support.records.booking import ended, expected, recorded

CASE = "claim_1688/C1"
KEY = f"{CASE}/awaiting/appeal/1"
OUTCOME = ended("C1")
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


# The ledger.


def shown(**changes: Any) -> dict[str, Any]:
    """Return what the case shows of itself that is on the books."""
    entries = [expected("C1", amount="3.00").model_dump(mode="json")]
    return {"status": "closed", "ledger": entries, **changes}


@pytest.fixture
def books(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite3"
    with SqlLedger(path) as ledger:
        ledger.record(recorded(expected("C1", amount="3.00"), OUTCOME))
    return path


def on_books(path: Path, **cases: dict[str, Any]) -> list[str]:
    return list(ledger_wrong(path, {f"claim_1688/{own_id}": seen for own_id, seen in cases.items()}, Counter()))


def test_books_that_say_what_the_case_shows_are_not_wrong(books: Path) -> None:
    assert on_books(books, C1=shown()) == []


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [expected("C1", amount="3.01").model_dump(mode="json")],
        [expected("C1", clause, amount="3.00").model_dump(mode="json") for clause in ("CL-3", "CL-4")],
        [{**expected("C1", amount="3.00").model_dump(mode="json"), "status": "reversed"}],
    ],
)
def test_a_row_of_the_ledger_that_is_lost_too_many_or_another_is_noticed(
    books: Path, entries: list[dict[str, Any]]
) -> None:
    (wrong,) = on_books(books, C1=shown(ledger=entries))
    assert "the ledger has" in wrong


def test_an_outcome_of_an_open_case_and_a_closed_case_without_one_are_noticed(books: Path) -> None:
    assert on_books(books, C1=shown(status="open")) == [f"{CASE}: is open, the ledger has 1 outcomes"]
    with SqlLedger(books) as ledger:
        ledger.record(recorded(expected("C2", amount="3.00")))
    entries = [expected("C2", amount="3.00").model_dump(mode="json")]
    assert on_books(books, C2=shown(ledger=entries)) == ["claim_1688/C2: is closed, the ledger has 0 outcomes"]


def test_a_case_that_the_ledger_does_not_know_is_noticed(books: Path) -> None:
    assert on_books(books, C2=shown(status="open", ledger=[])) == ["claim_1688/C2: the ledger does not know it"]


# The inbox.


async def in_inbox(path: Path, *done: bool) -> Path:
    """Store messages in an inbox, some of which are dispatched."""
    case = CaseKey("douyin_reship", "1001", "1")
    async with Inbox(path / "inbox.db") as inbox:
        messages = [InboundMessage("douyin", f"m{number}", "200", b"{}", case=case) for number in range(len(done))]
        await inbox.store(messages)
        for row, is_done in zip(await inbox.due(10), done, strict=True):
            if is_done:
                await inbox.done(row, "")
    return path / "inbox.db"


async def test_a_message_that_is_left_lost_or_too_many_in_the_inbox_is_noticed(tmp_path: Path) -> None:
    whole, left = await in_inbox(tmp_path / "whole", True, True), await in_inbox(tmp_path / "left", True, False)
    assert list(inbox_wrong(whole, 2, Counter())) == []
    for pushed in (1, 3):
        assert list(inbox_wrong(whole, pushed, Counter())) == [f"{pushed} messages were pushed, the inbox has 2"]
    assert list(inbox_wrong(left, 2, Counter())) == ["messages are left in the inbox: {'done': 1, 'new': 1}"]


# Notices.


def sent(**changes: Any) -> dict[str, Any]:
    return {"delivered": True, "why": None, "over": False, "serial": 1, **changes}


def notified(path: Path, keys: list[str], taken: Counter[str], **given: Any) -> tuple[list[str], Counter[str]]:
    """Write a log of what was sent; return what is wrong with what was taken, and what was counted."""
    with DeliveryLog(path / f"{len(list(path.iterdir()))}.db") as log:
        for key in keys:
            log.close(f"{key}@S1/drill", "reminder", "sent", NOW)
    effects = [{"serial": serial} for serial in given.get("steps", [])]
    views: Views = {CASE: {"reminders": [], "notifications": given.get("notifications", []), "effects": effects}}
    checked = Counter[str]()
    file = max(path.glob("*.db"), key=lambda one: one.stat().st_mtime_ns)
    failed, outcomes = given.get("failed", {}), given.get("outcomes", [])
    return list(notices_wrong(file, taken, failed, views, outcomes, checked)), checked


def test_a_notice_that_was_sent_and_taken_once_is_not_wrong(tmp_path: Path) -> None:
    assert notified(tmp_path, [KEY], Counter([KEY]), notifications=[sent()])[0] == []


def test_a_notice_that_is_lost_or_that_nobody_sent_is_noticed(tmp_path: Path) -> None:
    assert notified(tmp_path, [KEY], Counter())[0] == [f"notice {KEY} is lost"]
    assert notified(tmp_path, [], Counter([KEY]))[0] == [f"notice {KEY} was taken, but is not in the log"]


def test_a_notice_that_was_called_off_after_its_answer_was_lost_is_not_wrong(tmp_path: Path) -> None:
    assert notified(tmp_path, [], Counter([KEY]), failed={KEY: 1})[0] == []


@pytest.mark.parametrize(("times", "failed", "is_wrong"), [(2, 0, True), (2, 1, False), (3, 1, True), (3, 2, False)])
def test_a_notice_comes_once_more_only_for_each_sending_that_failed(
    tmp_path: Path, times: int, failed: int, *, is_wrong: bool
) -> None:
    wrong, checked = notified(tmp_path, [KEY], Counter({KEY: times}), failed={KEY: failed})
    doubled = f"notice {KEY} was taken {times} times, although sending it failed {failed} times"
    assert wrong == ([doubled] if is_wrong else [])
    assert (checked["notices"], checked["of them taken twice"]) == (1, 1)


def test_a_notice_that_was_not_delivered_or_only_seems_so_is_noticed(tmp_path: Path) -> None:
    failed = notified(tmp_path, [], Counter(), notifications=[sent(delivered=False, why="no answer")])[0]
    assert failed == [f"{CASE}: a notice was not delivered: no answer"]
    seems = notified(tmp_path, [], Counter(), notifications=[sent()])[0]
    assert seems == [f"{CASE}: 1 notices were delivered, 0 have been sent"]


def test_the_notice_of_a_step_that_was_taken_back_and_came_again_is_sent_once(tmp_path: Path) -> None:
    twice = [sent(serial=serial, notice=True, at=NOW.isoformat()) for serial in (4, 9)]
    assert notified(tmp_path, [KEY], Counter([KEY]), notifications=twice, steps=[9])[0] == []
    for steps in ([4, 9], []):  # two steps, and two that were taken back
        seems = notified(tmp_path, [KEY], Counter([KEY]), notifications=twice, steps=steps)[0]
        assert seems == [f"{CASE}: 2 notices were delivered, 1 have been sent"]


def test_an_outcome_that_nobody_was_told_of_is_noticed_unless_it_is_on_its_way(tmp_path: Path, books: Path) -> None:
    outcomes = outcomes_in(books)
    assert [outcome.key for outcome in outcomes] == [OUTCOME.key]
    assert notified(tmp_path, [OUTCOME.key], Counter([OUTCOME.key]), outcomes=outcomes)[0] == []
    untold = [f"{CASE}: its outcome was not told: {OUTCOME.key}"]
    assert notified(tmp_path, [], Counter(), outcomes=outcomes)[0] == untold
    on_its_way = sent(serial=None, delivered=None)
    assert notified(tmp_path, [], Counter(), outcomes=outcomes, notifications=[on_its_way])[0] == []
    given_up = sent(serial=None, delivered=None, over=True)
    assert notified(tmp_path, [], Counter(), outcomes=outcomes, notifications=[given_up])[0] == untold
