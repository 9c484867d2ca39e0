"""CSV for spreadsheets."""

import csv
import io
from collections.abc import Iterable

BOM = "\ufeff"
"""The mark by which spreadsheets recognize UTF-8."""
_FORMULA_SIGNS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # full-width ones are taken for them


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet may take a cell for a formula, also after spaces and the like."""
    return text.lstrip().startswith(_FORMULA_SIGNS)


def as_spreadsheet(rows: Iterable[Iterable[object]]) -> str:
    """Return the text of a CSV file."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return BOM + out.getvalue()
