"""Bills of platforms in CSV files."""

import csv
from pathlib import Path
from typing import Any

from cases.errors import BadForm
from cases.ledger import Bill, Booked
from cases.models import expected, read

_YES_OR_NO = {"是": True, "true": True, "1": True, "否": False, "false": False, "0": False}


def bills_in_words(booked: list[Booked]) -> str:
    """Return how many bills were entered, and how many of them were expected."""
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
