"""The shop's ledger: every case recorded and closed once (SL-1), and nobody waits for a database that hangs."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.ledger import THREADS, ledger_activities
from activities.notifications import notification_activities
from aftersales.ledger.in_memory import InMemoryLedger
from aftersales.ledger.store import SqlLedger
from aftersales.notifications.log_notifier import LogNotifier
from cases.errors import PlatformUnreachable
from cases.ledger import CaseOutcome, CaseRecord
from cases.ports import Ledger
from tests.support.patience import PATIENCE_SECONDS
from tests.support.records.booking import decided, ended, expected, november, recorded


class Told(LogNotifier):
    """A notifier that keeps the outcomes it is told; it fails as often as it is asked to."""

    def __init__(self, failures: int = 0) -> None:
        self.outcomes: list[tuple[str, str]] = []
        self.failures = failures

    async def notify_outcome(self, outcome: CaseOutcome, key: str) -> None:
        if self.failures:
            self.failures -= 1
            raise PlatformUnreachable("away")
        self.outcomes.append((outcome.state, key))


def activity(name: str, ledger: Ledger, notifier: Told | None = None) -> Callable[[CaseRecord], Any]:
    """Return an activity by its name, to be called with a record."""
    by_name = {
        made.__temporal_activity_definition.name: made  # type: ignore[attr-defined]
        for made in ledger_activities(ledger, notifier or Told())
    }
    return lambda record: ActivityEnvironment().run(by_name[name], record)


async def test_sl_1_a_case_recorded_twice_is_stored_once_and_the_last_stays(tmp_path: Path) -> None:
    with SqlLedger(tmp_path / "data" / "ledger.sqlite3") as ledger:
        record = activity("record_case", ledger)
        for amount in ("3.00", "5.00", "5.00"):
            await record(recorded(expected(amount=amount), decided(), ended()))
        first, last = november(1).date(), november(30).date()
        assert [str(entry.amount) for entry in ledger.entries(first, last)] == ["5.00"]
        assert (len(ledger.decisions(first, last)), ledger.outcomes(first, last)) == (1, [ended()])


async def test_a_case_is_closed_by_recording_it_and_telling_its_outcome_under_one_key() -> None:
    ledger, told = InMemoryLedger(), Told(failures=1)
    close = activity("close_case", ledger, told)
    with pytest.raises(PlatformUnreachable):
        await close(recorded(expected(), ended()))
    assert ledger.outcomes() == [ended()]
    await close(recorded(expected(), ended()))
    assert told.outcomes == [("dismissed", "claim_1688/C1/outcome/dismissed/2026-11-05T01:00:00+00:00")]


async def test_a_case_without_an_outcome_tells_none() -> None:
    told = Told()
    await activity("close_case", InMemoryLedger(), told)(recorded(expected()))
    assert told.outcomes == []


def test_the_names_that_histories_hold() -> None:
    made = [*ledger_activities(InMemoryLedger(), Told()), *notification_activities(Told())]
    assert [each.__temporal_activity_definition.name for each in made] == [
        "record_case",
        "close_case",
        "remind",
        "notify_action_required",
    ]


async def test_a_database_that_hangs_keeps_nobody_else_from_the_event_loop_or_from_looking_up_addresses() -> None:
    go_on, hanging = threading.Event(), threading.Semaphore(0)

    class Hanging(InMemoryLedger):
        def record(self, record: CaseRecord) -> None:
            hanging.release()
            go_on.wait(2 * PATIENCE_SECONDS)
            super().record(record)

    ledger = Hanging()
    record = activity("record_case", ledger)
    calls = [asyncio.create_task(record(recorded(expected(f"C{number}")))) for number in range(64)]
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            for _ in range(THREADS):
                while not hanging.acquire(blocking=False):  # noqa: ASYNC110 - threads set no event of the loop
                    await asyncio.sleep(0)
            await asyncio.get_running_loop().getaddrinfo("localhost", 80)
    finally:
        go_on.set()
    await asyncio.gather(*calls)
    assert len(ledger.entries()) == 64
