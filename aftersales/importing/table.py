"""Tables that back offices export: a header and rows of text, read from CSV or an Excel workbook."""

import csv
import io
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from aftersales.files.documents import BadFile

LINE_COLUMN, REASON_COLUMN = "行号", "原因"
"""The columns that a file of rejected rows has before those of the export."""
PROTECTED = re.compile(r'="((?:[^"]|"")*)"')
"""Text written as a formula, so that no spreadsheet takes its digits for a number."""
_ENCODINGS = ("utf-8-sig", "gb18030")  # a Chinese Excel saves GB18030
_EXACT_BELOW = 10**15  # spreadsheets keep 15 digits of a number
_HALF_A_SECOND = timedelta(milliseconds=500)


def clean(text: str) -> str:
    """Strip a cell of white space and of what protects its digits in a spreadsheet."""
    text = text.strip()
    if protected := PROTECTED.fullmatch(text):
        return protected[1].replace('""', '"').strip()
    return text.removeprefix("'").strip()


@dataclass(frozen=True)
class TableRow:
    """A row: its line in the file and its cells as they were written."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """The header of an export and all rows that are not empty."""

    path: Path
    header: TableRow
    rows: list[TableRow]

    def positions(self, headers: Iterable[str]) -> dict[str, int]:
        """Return the position of each column; raise BadFile if one is missing or occurs more than once."""
        names = [clean(cell) for cell in self.header.cells]
        place, wanted, times = f"{self.path}:{self.header.line}", list(headers), Counter(names)
        if missing := [header for header in wanted if header not in times]:
            present = ", ".join(name for name in names if name)
            raise BadFile(f"{place}: 没有这些列 / missing columns: {', '.join(missing)}; columns: {present}")
        if duplicate := [header for header in wanted if times[header] > 1]:
            raise BadFile(f"{place}: 列名重复 / duplicate columns: {', '.join(duplicate)}")
        return {header: names.index(header) for header in wanted}


def read_table(path: Path, sheet: str | None, skip_rows: int) -> Table:
    """Read a CSV file or a workbook; raise BadFile if it cannot be read.

    A file of rejected rows is recognized by its first two columns; they are dropped, and ``skip_rows`` is ignored.
    """
    rows = _workbook_rows(path, sheet) if path.suffix.lower() == ".xlsx" else _csv_rows(path)
    filled = [TableRow(line, tuple(cells)) for line, cells in rows if any(cell.strip() for cell in cells)]
    if filled and filled[0].cells[:2] == (LINE_COLUMN, REASON_COLUMN):
        filled = [TableRow(row.line, row.cells[2:]) for row in filled]
    else:
        filled = [row for row in filled if row.line > skip_rows]
    if not filled:
        raise BadFile(f"{path}:{skip_rows + 1}: 没有表头 / the header is missing")
    return Table(path, filled[0], filled[1:])


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(_decoded(path), newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as bad:
        raise BadFile(f"{path}:{line}: 不是 CSV / not valid CSV: {bad}") from bad


def _decoded(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as bad:
        raise BadFile(f"{path}: {bad.strerror}") from bad
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadFile(f"{path}: 编码须为 UTF-8 或 GB18030 / neither UTF-8 nor GB18030 text")


def _workbook_rows(path: Path, sheet_name: str | None) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of every row, with formulas as their last results."""
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # many programs leave optional parts out of the workbooks they write
            book = load_workbook(file, read_only=True, data_only=True)
            try:
                sheet = _sheet(path, book, sheet_name)
                sheet.reset_dimensions()  # some programs write A1 for the whole sheet
                for line, cells in enumerate(sheet.iter_rows(values_only=True), 1):
                    yield line, [cell_text(cell) for cell in cells]
            finally:
                book.close()
    except BadFile:
        raise
    except OSError as bad:
        raise BadFile(f"{path}: {bad.strerror or bad}") from bad
    except Exception as bad:  # a damaged workbook fails in many ways
        raise BadFile(
            f"{path}: 不是 Excel 工作簿,请另存为 .xlsx / not an Excel workbook: save it as .xlsx ({bad})"
        ) from bad


def _sheet(path: Path, book: Any, name: str | None) -> Any:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if not sheets or (name is not None and name not in sheets):
        raise BadFile(f"{path}: 没有工作表 / no such sheet: {name or '-'}; sheets: {', '.join(sheets) or '-'}")
    return sheets[name] if name is not None else next(iter(sheets.values()))


def cell_text(value: Any) -> str:
    """Return a workbook's cell as people see it.

    A number has at most 15 digits; one that had more is written as rounded.  An instant is exact to the second.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        if abs(value) >= _EXACT_BELOW:
            return f"{value:.5E}"
        return f"{Decimal(f'{value:.15g}'):f}"
    if isinstance(value, datetime):
        return (value + _HALF_A_SECOND).replace(microsecond=0).isoformat()
    return str(value)
