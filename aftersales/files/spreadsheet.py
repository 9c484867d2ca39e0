"""CSV for spreadsheets."""

import csv
import io
from collections.abc import Iterable

BOM = "\ufeff"
"""The mark by which spreadsheets recognize UTF-8."""


def as_spreadsheet(rows: Iterable[Iterable[object]]) -> str:
    """Return the text of a CSV file."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return BOM + out.getvalue()
