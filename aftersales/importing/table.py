"""Tables that back offices export: a header and rows of text, read from CSV or a workbook."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from aftersales.files.documents import BadFile
from aftersales.importing.delimited import csv_rows
from aftersales.importing.table_rows import TableRow, clean
from aftersales.importing.workbooks import workbook_rows

LINE_COLUMN, REASON_COLUMN = "行号", "原因"
"""The columns that a file of rejected rows has before those of the export."""
DELIMITED, WORKBOOKS = (".csv",), (".xlsx", ".xls")
MOST_ROWS: Final = 200_000
"""The most rows below a header."""


@dataclass(frozen=True)
class Table:
    """The header of an export and all rows that are not empty, which are read from the file once."""

    path: Path
    header: TableRow
    rows: Iterator[TableRow]

    @property
    def headers(self) -> list[str]:
        """The headers by position."""
        return [clean(cell) for cell in self.header.cells]

    def positions(self, headers: Iterable[str]) -> dict[str, int]:
        """Return the position of each column; raise BadFile if one is missing or occurs more than once."""
        names = self.headers
        place, wanted, times = f"{self.path}:{self.header.line}", list(headers), Counter(names)
        if missing := [header for header in wanted if header not in times]:
            present = ", ".join(name for name in names if name)
            raise BadFile(f"{place}: 没有这些列 / missing columns: {', '.join(missing)}; columns: {present}")
        if duplicate := [header for header in wanted if times[header] > 1]:
            raise BadFile(f"{place}: 列名重复 / duplicate columns: {', '.join(duplicate)}")
        return {header: names.index(header) for header in wanted}


def read_table(path: Path, sheet: str | None, skip_rows: int) -> Table:
    """Read the header of a CSV file or a workbook; raise BadFile if it cannot be read, as the rows do.

    A file of rejected rows is recognized by its first two columns; they are dropped, and ``skip_rows`` is ignored.
    """
    rows = workbook_rows(path, sheet) if path.suffix.lower() in WORKBOOKS else csv_rows(path)
    filled = (row for row in rows if any(cell.strip() for cell in row.cells))
    first = next(filled, None)
    if first and first.cells[:2] == (LINE_COLUMN, REASON_COLUMN):
        below = (_without_two(row) for row in chain([first], filled))
    else:
        below = (row for row in chain([first] if first else [], filled) if row.line > skip_rows)
    header = next(below, None)
    if header is None:
        raise BadFile(f"{path}:{skip_rows + 1}: 没有表头 / the header is missing")
    return Table(path, header, _bounded(path, below))


def _without_two(row: TableRow) -> TableRow:
    return TableRow(row.line, row.cells[2:], tuple(position - 2 for position in row.filled))


def _bounded(path: Path, rows: Iterator[TableRow]) -> Iterator[TableRow]:
    for number, row in enumerate(rows, 1):
        if number > MOST_ROWS:
            raise BadFile(f"{path}:{row.line}: 行数过多,请拆成几个文件 / more than {MOST_ROWS} rows: split the file")
        yield row
