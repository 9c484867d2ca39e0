"""The table of an export: its header and its rows, from CSV or a workbook."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aftersales.files.documents import BadFile
from aftersales.importing.cells import clean
from aftersales.importing.workbook import workbook_rows

LINE, REASON = "行号", "原因"
"""The columns that stand before the export's own in a file of rejected rows."""
ENCODINGS = ("utf-8-sig", "gb18030")
"""GB18030 is what a Chinese Excel saves."""


@dataclass(frozen=True)
class TableRow:
    """A row: its line in the file and its cells as they were written."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """The header and the rows that say anything."""

    path: Path
    header: TableRow
    rows: list[TableRow]

    def positions(self, headers: Iterable[str]) -> dict[str, int]:
        """Where the columns stand; raises BadFile that names those which are missing or stand twice."""
        there = [clean(each) for each in self.header.cells]
        place, wanted, times = f"{self.path}:{self.header.line}", list(headers), Counter(there)
        if missing := [each for each in wanted if each not in times]:
            has = ", ".join(each for each in there if each)
            raise BadFile(f"{place}: 没有这些列 / lacks the columns: {', '.join(missing)}; has: {has}")
        if twice := [each for each in wanted if times[each] > 1]:
            raise BadFile(f"{place}: 列名重复 / columns stand twice: {', '.join(twice)}")
        return {each: there.index(each) for each in wanted}


def read_table(path: Path, sheet: str | None, skip_rows: int) -> Table:
    """Read a CSV file or a workbook; raises BadFile where it cannot be read.

    A file of rejected rows is known by its first two columns, which are left out; nothing stands before its header.
    """
    rows = workbook_rows(path, sheet) if path.suffix.lower() == ".xlsx" else _csv_rows(path)
    filled = [TableRow(line, tuple(cells)) for line, cells in rows if any(cell.strip() for cell in cells)]
    if filled and filled[0].cells[:2] == (LINE, REASON):
        filled = [TableRow(each.line, each.cells[2:]) for each in filled]
    else:
        filled = [each for each in filled if each.line > skip_rows]
    if not filled:
        raise BadFile(f"{path}:{skip_rows + 1}: 没有表头 / expected a line of headers")
    return Table(path, filled[0], filled[1:])


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as bad:
        raise BadFile(f"{path}:{line}: 不是 CSV / is no CSV: {bad}") from bad


def _text(path: Path) -> str:
    try:
        written = path.read_bytes()
    except OSError as bad:
        raise BadFile(f"{path}: {bad.strerror}") from bad
    for encoding in ENCODINGS:
        try:
            return written.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadFile(f"{path}: 编码须为 UTF-8 或 GB18030 / is neither UTF-8 nor GB18030 text")
