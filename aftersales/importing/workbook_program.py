"""A program that reads one sheet of a workbook and prints its rows as JSON, one a line, within a limit of memory.

A workbook of a few kilobytes can claim billions of cells, and what reads it ends the whole process when memory runs
out.  So it is read in a process of its own, which imports nothing of ours and starts at once.
"""

import json
import math
import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET  # nosec B405  # bounded in size and memory

from python_calamine import CalamineWorkbook, PasswordError

ERROR_CELL = "#VALUE!"
"""Stands for the error value of a formula."""
NO_SHEET, UNREADABLE, PASSWORD = "no_sheet", "unreadable", "password"
_EXACT_BELOW = 10**15  # spreadsheets keep 15 digits of a number
_HALF_A_SECOND = timedelta(milliseconds=500)
_ERROR = re.compile(rb'<(?:\w+:)?c\s[^>]*?\bt="e"[^>]*>')
_PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_LONGEST_TAG = 1000
_CHUNK = 2**20
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

Place = tuple[int, int]


def main(path: str, sheet: str, most_memory: str) -> None:
    """Print ``[line, cells, filled]`` for every row and ``null`` at the end, or an object that says what is wrong.

    ``filled`` are the positions of the cells that a merged cell above them fills.  An empty ``sheet`` is the first.
    """
    resource.setrlimit(resource.RLIMIT_AS, (int(most_memory),) * 2)
    try:
        last: Any = None
        for row in _rows(Path(path), sheet):
            if isinstance(row, dict):
                last = row
                break
            _print(row)
    except PasswordError:
        last = {"fault": PASSWORD}
    except BaseException as bad:  # noqa: BLE001 - a damaged workbook fails in many ways, and not only with Exceptions
        last = {"fault": UNREADABLE, "why": str(bad)}
    _print(last)


def _print(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")


def _rows(path: Path, name: str) -> Iterator[tuple[int, list[str], list[int]] | dict[str, Any]]:
    with path.open("rb") as file, CalamineWorkbook.from_filelike(file) as book:
        names = book.sheet_names
        if not names or (name and name not in names):
            yield {"fault": NO_SHEET, "sheets": names}
            return
        name = name or names[0]
        sheet = book.get_sheet_by_name(name)
        errors = _error_cells(path, name)
        left = sheet.start[1] if sheet.start else 0
        down = _merged_down(sheet.merged_cell_ranges or [], left)
        above: dict[int, tuple[int, str]] = {}
        for line, values in enumerate(sheet.iter_rows()):
            cells = [cell_text(value) for value in values]
            for position in errors.get(line, ()):
                if 0 <= position - left < len(cells):
                    cells[position - left] = ERROR_CELL
            filled = [column for column, (last, _) in above.items() if line <= last and not cells[column]]
            filled = filled if any(cells) else []
            for column in filled:
                cells[column] = above[column][1]
            for column, last in down.get(line, ()):
                if column < len(cells):
                    above[column] = last, cells[column]
            yield line + 1, cells, filled


def _merged_down(ranges: list[tuple[Place, Place]], left: int) -> dict[int, list[tuple[int, int]]]:
    """Return by its first row the column and the last row of every merged cell that is higher than one row."""
    down: dict[int, list[tuple[int, int]]] = {}
    for (top, column), (bottom, _) in ranges:
        if bottom > top and column >= left:
            down.setdefault(top, []).append((column - left, bottom))
    return down


def _error_cells(path: Path, name: str) -> dict[int, list[int]]:
    """Return the columns of the error values by row, which the reader of workbooks gives as empty cells."""
    found: dict[int, list[int]] = {}
    if not zipfile.is_zipfile(path):
        return found
    with zipfile.ZipFile(path) as book:
        part = _part(book, name)
        if part is None:
            return found
        with book.open(part) as sheet:
            rest = b""
            while chunk := sheet.read(_CHUNK):
                text = rest + chunk
                end = 0
                for tag in _ERROR.finditer(text):
                    end = tag.end()
                    if place := _PLACE.search(tag[0]):
                        found.setdefault(int(place[2]) - 1, []).append(_column(place[1]))
                rest = text[max(end, len(text) - _LONGEST_TAG) :]
    return found


def _part(book: zipfile.ZipFile, name: str) -> str | None:
    """Return the member of a workbook that holds a sheet."""
    sheets = ET.fromstring(book.read("xl/workbook.xml")).iter()  # noqa: S314 - bounded in size and memory  # nosec B314
    wanted = next((one.get(_RELATION) for one in sheets if one.get("name") == name and one.get(_RELATION)), None)
    relations = ET.fromstring(book.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 - as above  # nosec B314
    target = next((one.get("Target", "") for one in relations if one.get("Id") == wanted), "")
    member = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    return member if member in book.namelist() else None


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1


def cell_text(value: Any) -> str:
    """Return a workbook's cell as people see it.

    A number has at most 15 digits; one that had more is written as rounded.  An instant is exact to the second, and a
    date alone has no time of day.
    """
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return _number_text(value)
    if isinstance(value, datetime):
        return (value + _HALF_A_SECOND).replace(microsecond=0).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return "" if value is None else str(value)


def _number_text(value: float) -> str:
    if not math.isfinite(value):
        return ERROR_CELL
    return f"{value:.5E}" if abs(value) >= _EXACT_BELOW else f"{Decimal(f'{value:.15g}'):f}"


if __name__ == "__main__":
    main(*sys.argv[1:])
