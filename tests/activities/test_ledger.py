"""The shop's ledger: every entry and every outcome once (SL-1), and nobody waits for a slow database."""

import asyncio
import time
from pathlib import Path
from typing import Any

from temporalio.testing import ActivityEnvironment

from activities.ledger import ledger_activities
from aftersales.ledger.in_memory import InMemoryLedger
from aftersales.ledger.store import SqlLedger
from cases.ledger import CaseOutcome, LedgerEntry
from cases.ports import Ledger
from tests.support.booking import ended, expected, november


async def hand_in(ledger: Ledger, *items: LedgerEntry | CaseOutcome) -> None:
    enter, record = ledger_activities(ledger)
    for item in items:
        await ActivityEnvironment().run(enter if isinstance(item, LedgerEntry) else record, item)


async def test_sl_1_what_is_handed_in_twice_is_kept_once_and_the_first_stays() -> None:
    ledger = InMemoryLedger()
    await hand_in(
        ledger, expected(amount="3.00"), expected(amount="5.00"), expected("C2"), ended(), ended(state="lost")
    )
    assert ledger.entries() == [expected(amount="3.00"), expected("C2")]
    assert ledger.outcomes() == [ended()]


async def test_a_ledger_in_a_database_takes_the_same(tmp_path: Path) -> None:
    with SqlLedger(tmp_path / "data" / "ledger.sqlite3") as ledger:
        await hand_in(ledger, expected(), expected(), ended(), ended())
        first, last = november(1).date(), november(30).date()
        assert (len(ledger.entries(first, last)), ledger.outcomes(first, last)) == (1, [ended()])


async def test_a_slow_database_holds_up_nobody_else() -> None:
    class Slow(InMemoryLedger):
        def enter(self, entry: LedgerEntry) -> None:
            time.sleep(0.3)
            super().enter(entry)

    ticks: list[Any] = []

    async def others() -> None:
        while True:
            ticks.append(None)
            await asyncio.sleep(0.01)

    beside = asyncio.create_task(others())
    await hand_in(Slow(), expected())
    beside.cancel()
    assert len(ticks) > 3
