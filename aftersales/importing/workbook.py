"""Workbooks: the rows of a sheet as the texts that people see."""

import warnings
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from aftersales.files.documents import BadFile

EXACT_BELOW = 10**15
"""Spreadsheets keep 15 digits of a number."""
HALF_A_SECOND = timedelta(milliseconds=500)


def workbook_rows(path: Path, sheet: str | None) -> Iterator[tuple[int, list[str]]]:
    """Each row's number and cells, formulas as their last results; raises BadFile where there is no such sheet."""
    from openpyxl import load_workbook  # noqa: PLC0415 - the other commands need no workbooks

    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what programs leave out of the workbooks that they write
            book = load_workbook(file, read_only=True, data_only=True)
            try:
                found = _sheet(path, book, sheet)
                found.reset_dimensions()  # some programs write A1 for the whole sheet
                for line, cells in enumerate(found.iter_rows(values_only=True), 1):
                    yield line, [cell_text(each) for each in cells]
            finally:
                book.close()
    except BadFile:
        raise
    except OSError as bad:
        raise BadFile(f"{path}: {bad.strerror or bad}") from bad
    except Exception as bad:  # a damaged workbook fails in many ways
        raise BadFile(f"{path}: 不是 Excel 工作簿,请另存为 .xlsx / is no workbook: save it as .xlsx ({bad})") from bad


def _sheet(path: Path, book: Any, name: str | None) -> Any:
    sheets = {each.title: each for each in book.worksheets}
    if not sheets or (name is not None and name not in sheets):
        raise BadFile(f"{path}: 没有工作表 / no such sheet: {name or '-'}; has: {', '.join(sheets) or '-'}")
    return sheets[name] if name is not None else next(iter(sheets.values()))


def cell_text(value: Any) -> str:
    """A cell as people see it: a number in its 15 digits, one that had more as rounded, an instant to the second."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        if abs(value) >= EXACT_BELOW:
            return f"{value:.5E}"
        return f"{Decimal(f'{value:.15g}'):f}"
    if isinstance(value, datetime):
        return (value + HALF_A_SECOND).replace(microsecond=0).isoformat()
    return str(value)
