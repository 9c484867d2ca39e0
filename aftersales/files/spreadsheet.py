"""CSV as spreadsheets take it."""

import csv
import io
from collections.abc import Iterable

BOM = "\ufeff"
"""What tells a spreadsheet that a file is in UTF-8."""


def as_spreadsheet(rows: Iterable[Iterable[object]]) -> str:
    """The rows as the text of a file."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return BOM + out.getvalue()
