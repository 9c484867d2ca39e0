"""Bills of platforms, entered from a file."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import Result

from aftersales.ledger.store import SqlLedger
from tests.support.records.booking import expected, november, recorded

Command = Callable[..., Result]
HEAD = "bill_id,shop_id,clause,at,order,amount,points,note\n"
ROW = "B1,S1,CL-3,2026-11-04T09:00:00+08:00,OC1,6.00,,违约金\n"


@pytest.fixture
def bill(aftersales: Command, tmp_path: Path) -> Callable[..., Result]:
    def command(text: str, *options: str) -> Result:
        path = tmp_path / "bills.csv"
        path.write_text(text, encoding="utf-8-sig")
        return aftersales("bill", path, *options, AFTERSALES_DATA_DIR=str(tmp_path))

    return command


def test_bills_are_entered_once_and_say_whether_they_were_expected(bill: Callable[..., Result], tmp_path: Path) -> None:
    with SqlLedger(tmp_path / "ledger.sqlite3") as ledger:
        ledger.record(recorded(expected("C1", amount="5.00")))
    text = HEAD + ROW + "B2,S1,DS-5,2026-11-04T09:00:00+08:00,O9,,0.1,\n"
    for _ in range(2):
        done = bill(text)
        assert (done.exit_code, done.stdout.strip()) == (
            0,
            "2 笔已入账 / entered; 1 笔有预计 / were expected, 1 笔没有 / not",
        )
    with SqlLedger(tmp_path / "ledger.sqlite3") as ledger:
        entries = {entry.key: entry for entry in ledger.entries(november(1).date(), november(30).date())}
    assert len(entries) == 3
    assert entries["billed/S1/B1"].answers == "claim_1688/C1/CL-3/OC1"
    assert entries["billed/S1/B2"].points == Decimal("0.1")


def test_json_gives_each_bill_with_what_it_answers(bill: Callable[..., Result]) -> None:
    (row,) = json.loads(bill(HEAD + ROW, "--json").stdout)
    assert (row["key"], row["amount"], row["note"], row["answers"]) == ("billed/S1/B1", "6.00", "违约金", None)


@pytest.mark.parametrize("cell", ["是", "true", "1", "否", "0", ""])
def test_ds_8_a_bill_says_whether_the_shop_got_the_amount(
    bill: Callable[..., Result], tmp_path: Path, cell: str
) -> None:
    income = cell in ("是", "true", "1")
    with SqlLedger(tmp_path / "ledger.sqlite3") as ledger:
        ledger.record(recorded(expected("C1", amount="300.00", income=True)))
    (row,) = json.loads(bill(HEAD.replace("note", "income") + ROW.replace("违约金", cell), "--json").stdout)
    assert (row.get("income", False), row["answers"] is not None) == (income, income)


def test_a_bill_that_says_neither_is_refused_with_its_line(bill: Callable[..., Result]) -> None:
    done = bill(HEAD.replace("note", "income") + ROW.replace("违约金", "maybe"))
    assert done.exit_code == 2
    assert "income" in done.stderr


@pytest.mark.parametrize(
    "line",
    [
        "B2,S1,CL-3,2026-11-04T09:00:00,OC1,6.00,,\n",
        "B2,S1,CL-3,2026-11-04T09:00:00+08:00,OC1,6.005,,\n",
        ",S1,CL-3,2026-11-04T09:00:00+08:00,OC1,6.00,,\n",
        "B2,S1\n",
        "B2,S1,CL-3,2026-11-04T09:00:00+08:00,OC1,6.00,,,too many\n",
    ],
    ids=["no timezone", "half a cent", "no number", "short", "long"],
)
def test_a_bad_line_is_named_and_nothing_is_entered(bill: Callable[..., Result], tmp_path: Path, line: str) -> None:
    done = bill(HEAD + ROW + line)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "bills.csv:3" in done.stderr
    assert not (tmp_path / "ledger.sqlite3").exists()


def test_a_missing_file_is_named_in_a_few_words(aftersales: Command, tmp_path: Path) -> None:
    done = aftersales("bill", str(tmp_path / "missing.csv"))
    assert (done.exit_code, done.stderr) == (2, f"aftersales: {tmp_path / 'missing.csv'}: No such file or directory\n")
