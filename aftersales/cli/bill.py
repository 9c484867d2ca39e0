"""``aftersales bill``: enter what platforms have billed, from CSV files."""

import csv
from pathlib import Path
from typing import Annotated, Any

import typer

from aftersales.cli.exit_status import run
from aftersales.cli.options import AsJson
from aftersales.cli.output import print_json, say
from aftersales.ledger.store import SqlLedger
from aftersales.runtime.settings import load_settings
from cases.errors import BadForm
from cases.ledger import Bill, Booked
from cases.models import expected, read

_YES_OR_NO = {"是": True, "true": True, "1": True, "否": False, "false": False, "0": False}


def bill_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="CSV files in UTF-8 with a header line.")],
    as_json: AsJson = False,
) -> None:
    """Enter bills of platforms in the ledger, once per shop and number, and match them with the expected entries."""

    async def work() -> None:
        bills = [bill for path in files for bill in read_bills(path)]
        with SqlLedger(load_settings().ledger_address) as ledger:
            booked = [ledger.bill(bill) for bill in bills]
        if as_json:
            print_json([entry.model_dump(mode="json") for entry in booked])
        else:
            say(_summary(booked))

    run(work())


def _summary(booked: list[Booked]) -> str:
    matched = sum(entry.answers is not None for entry in booked)
    return f"{len(booked)} 笔已入账 / entered; {matched} 笔有预计 / were expected, {len(booked) - matched} 笔没有 / not"


def read_bills(path: Path) -> list[Bill]:
    """Read a CSV file whose empty cells are absent fields; raise BadForm that names the first faulty line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            return [_bill(row, f"{path}:{rows.line_num}") for row in rows]
    except OSError as bad:
        raise BadForm(f"{path}: {bad.strerror}") from bad
    except (UnicodeDecodeError, csv.Error) as bad:
        raise BadForm(f"{path}: cannot be read as CSV: {bad}; {expected(Bill)}") from bad


def _bill(row: dict[Any, Any], place: str) -> Bill:
    if None in row or None in row.values():
        raise BadForm(f"{place}: 列数不符 / expected as many cells as in the header; {expected(Bill)}")
    cells: dict[str, Any] = {name.strip(): cell.strip() for name, cell in row.items() if cell.strip()}
    if "income" in cells:
        cells["income"] = _YES_OR_NO.get(cells["income"].lower(), cells["income"])
    return read(Bill, cells, place)
