"""The numbers of a batch: lines that are pasted, or an exported file, each with an order and what belongs to it."""

import csv
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath
from typing import Final

from aftersales.importing.table_rows import clean
from cases.errors import BadForm
from cases.form_shape import shape_of
from cases.forms import Form
from cases.typed_text import narrowed
from workflows.registry import PROCESSES

MOST_IN_A_BATCH: Final = 200
"""The most lines of a batch, and the most cases."""
LARGEST_FILE: Final = 4 * 1024 * 1024
"""The most bytes of an uploaded file."""
COLUMNS_WITHOUT_HEADER: Final = 4
"""The most columns that are kept of a file whose header names none that is known."""
NUMBER_HEADERS: Final = (
    "订单号",
    "订单编号",
    "主订单编号",
    "平台订单号",
    "订单",
    "售后单号",
    "售后编号",
    "案件",
    "order",
    "order_id",
    "case",
)
"""The headers of the column that says which case a line is about."""
FIELD_HEADERS: Final[Mapping[str, Sequence[str]]] = {
    "tracking_no": ("运单号", "快递单号", "物流单号", "运单编号", "快递编号"),
    "carrier": ("快递公司", "物流公司", "承运商", "快递", "物流"),
}
"""Headers by which exports call fields, beside the fields' own names and titles."""


@dataclass(frozen=True)
class BatchLine:
    """A line: the number of an order, an after-sale or a case, and the texts after it."""

    line: int
    number: str
    cells: Sequence[str] = ()


@dataclass(frozen=True)
class BatchTable:
    """Lines, and the headers of their texts if there are any; ``text`` is the table as it may be pasted again."""

    header: Sequence[str]
    lines: Sequence[BatchLine]

    @property
    def numbers(self) -> list[str]:
        """The numbers of the lines, each once."""
        return list(dict.fromkeys(line.number for line in self.lines))

    @property
    def repeated(self) -> list[str]:
        """The numbers that several lines name."""
        seen = [line.number for line in self.lines]
        return [number for number in self.numbers if seen.count(number) > 1]

    @property
    def text(self) -> str:
        """The table, a line each."""
        head = [("订单号", *self.header)] if self.header else []
        return "\n".join("\t".join(cells) for cells in (*head, *((line.number, *line.cells) for line in self.lines)))

    def values(self, form: type[Form], shared: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return the texts of a form's fields by the number of their line.

        Without a header they fill the fields that must be filled and are not shared, in the form's order.
        """
        fields = self._named(form) if self.header else [name for name in _required(form) if name not in set(shared)]
        return {
            line.number: {name: cell for name, cell in zip(fields, line.cells, strict=False) if name and cell}
            for line in self.lines
        }

    def _named(self, form: type[Form]) -> list[str | None]:
        names = _headers_of(form)
        return [names.get(header) for header in self.header]


def read_lines(pasted: str) -> BatchTable:
    """Read lines: cells between tabs or commas, else between spaces; raises BadForm if there are too many."""
    filled = ((number, line) for number, line in enumerate(pasted.splitlines(), 1) if line.strip())
    rows = [(number, _cells(line)) for number, line in islice(filled, MOST_IN_A_BATCH + 2)]
    return _table(rows, "粘贴的内容")


def read_upload(name: str, content: bytes) -> BatchTable:
    """Read an exported file, CSV or Excel; raises BadForm that names the file, and keeps nothing of it."""
    from aftersales.importing.table import WORKBOOKS, read_table  # noqa: PLC0415 - it loads what reads workbooks

    shown = PurePath(name.replace("\\", "/")).name or "文件"
    if len(content) > LARGEST_FILE:
        raise BadForm(f"{shown}: 文件过大,最多 {LARGEST_FILE // 1024 // 1024} MB / the file is too large")
    suffix = PurePath(shown).suffix.lower()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"upload{suffix if suffix in WORKBOOKS else '.csv'}"
        path.write_bytes(content)
        try:
            table = read_table(path, None, 0)
            rows = [table.header, *islice(table.rows, MOST_IN_A_BATCH + 1)]
        except BadForm as bad:
            raise BadForm(str(bad).replace(str(path), shown)) from bad
    return _table([(row.line, [narrowed(clean(cell)) for cell in row.cells]) for row in rows], shown)


def _cells(line: str) -> list[str]:
    line = narrowed(line)
    if "\t" in line:
        return [clean(cell) for cell in line.split("\t")]
    # What no cell can hold is no table: whatever it is, it is looked for as one number.
    cells = next(csv.reader([line])) if "," in line and len(line) <= csv.field_size_limit() else line.split()
    return [clean(cell) for cell in cells]


def _table(rows: Sequence[tuple[int, list[str]]], where: str) -> BatchTable:
    head = rows[0][1] if rows else []
    known = [header for header in NUMBER_HEADERS if header in head]
    at = head.index(known[0]) if known else 0
    beside = _kept(head, at) if known else range(1, COLUMNS_WITHOUT_HEADER)
    lines = [
        BatchLine(line, cells[at], [cells[place] for place in beside if place < len(cells)])
        for line, cells in (rows[1:] if known else rows)
        if at < len(cells) and cells[at]
    ]
    if len(lines) > MOST_IN_A_BATCH:
        raise BadForm(f"{where}: 超过 {MOST_IN_A_BATCH} 行,请分几次 / too many lines")
    return BatchTable([head[place] for place in beside] if known else (), lines)


def _kept(head: Sequence[str], at: int) -> list[int]:
    """Return the columns beside the number's that may be fields of a form: exports have buyers' data in others."""
    wanted = _all_headers()
    return [place for place, header in enumerate(head) if place != at and header in wanted]


def _all_headers() -> set[str]:
    forms = {form for process in PROCESSES.values() for form in process.case.forms.values()}
    return {header for form in forms for header in _headers_of(form)}


def _headers_of(form: type[Form]) -> dict[str, str]:
    """Return the fields of a form by the headers that a column of theirs may have."""
    headers: dict[str, str] = {}
    for shape in shape_of(form):
        if not shape.rows:
            headers |= dict.fromkeys((shape.name, shape.title, *FIELD_HEADERS.get(shape.name, ())), shape.name)
    return headers


def _required(form: type[Form]) -> list[str]:
    return [shape.name for shape in shape_of(form) if shape.required and not shape.rows]
