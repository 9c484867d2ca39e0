"""The shop's ledger: every entry once (SL-1)."""

from contextlib import closing
from decimal import Decimal
from pathlib import Path

from temporalio.testing import ActivityEnvironment

from activities.ledger import SqliteLedger, ledger_activity
from cases.books import LedgerEntry
from tests.dockets import after


def entry(key: str = "douyin_reship/A1/DR-10/O1", amount: str = "3.00") -> LedgerEntry:
    return LedgerEntry(
        key=key, case_id="douyin_reship/A1", shop_id="S1", clause="DR-10", at=after("96h"), amount=Decimal(amount)
    )


async def test_sl_1_an_entry_handed_in_twice_is_entered_once_and_the_first_stays() -> None:
    with closing(SqliteLedger()) as ledger:
        enter = ledger_activity(ledger)
        for each in (entry(), entry(), entry(amount="5.00"), entry("douyin_reship/A1/DR-11/O1")):
            await ActivityEnvironment().run(enter, each)
        assert [(each.key, each.amount) for each in ledger.entries()] == [
            ("douyin_reship/A1/DR-10/O1", Decimal("3.00")),
            ("douyin_reship/A1/DR-11/O1", Decimal("3.00")),
        ]


def test_sl_1_entries_survive_the_process_and_two_processes_agree(tmp_path: Path) -> None:
    path = tmp_path / "data" / "ledger.db"
    with closing(SqliteLedger(path)) as first, closing(SqliteLedger(path)) as second:
        first.enter(entry())
        second.enter(entry())
        assert second.entries() == [entry()]
    with closing(SqliteLedger(path)) as third:
        assert third.entries() == [entry()]
