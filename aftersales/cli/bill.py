"""The command that enters what platforms have billed, from a spreadsheet's CSV."""

import csv
from pathlib import Path
from typing import Annotated, Any

import typer

from aftersales.cli.cases import AsJson
from aftersales.cli.errors import run
from aftersales.cli.output import print_json, say
from aftersales.runtime.settings import load_settings
from cases.errors import BadForm
from cases.ledger import Bill, Booked
from cases.models import expected, read


def bill_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV in UTF-8, its first line the columns.")],
    as_json: AsJson = False,
) -> None:
    """Enter what platforms have billed in the ledger, each number of a shop once, and find what it was expected as."""

    async def work() -> None:
        from aftersales.ledger.store import SqlLedger  # noqa: PLC0415 - the other commands need no database

        bills = [each for path in files for each in read_bills(path)]
        with SqlLedger(load_settings().ledger_address) as ledger:
            booked = [ledger.bill(each) for each in bills]
        if as_json:
            print_json([each.model_dump(mode="json") for each in booked])
        else:
            say(_told(booked))

    run(work())


def _told(booked: list[Booked]) -> str:
    answers = sum(each.answers is not None for each in booked)
    return f"{len(booked)} 笔已入账 / entered; {answers} 笔有预计 / were expected, {len(booked) - answers} 笔没有 / not"


def read_bills(path: Path) -> list[Bill]:
    """Read a CSV file, an empty cell being none; raises BadForm, which names the line, before anything is entered."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            return [_bill(row, f"{path}:{rows.line_num}") for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as bad:
        raise BadForm(f"{path}: cannot be read as CSV: {bad}; {expected(Bill)}") from bad


def _bill(row: dict[Any, Any], place: str) -> Bill:
    if None in row or None in row.values():
        raise BadForm(f"{place}: 列数不符 / has not as many cells as the first line; {expected(Bill)}")
    return read(Bill, {name.strip(): cell.strip() for name, cell in row.items() if cell.strip()}, place)
