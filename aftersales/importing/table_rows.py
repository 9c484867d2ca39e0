"""Rows of exports, and what people and spreadsheets put around the content of a cell."""

import re
import unicodedata
from dataclasses import dataclass

from cases.typed_text import stripped

PROTECTED = re.compile(r'="((?:[^"]|"")*)"')
"""Text written as a formula, so that no spreadsheet takes its digits for a number."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: its line in the file, its cells as they were written, and which of them a merged cell above fills."""

    line: int
    cells: tuple[str, ...]
    filled: tuple[int, ...] = ()


def is_control(character: str) -> bool:
    """Return whether a character is a control character and does not only part lines or columns."""
    return unicodedata.category(character) == "Cc" and character not in "\t\n\r"


def clean(text: str) -> str:
    """Strip a cell of white space, of invisible marks and of what protects its digits in a spreadsheet."""
    text = stripped(text)
    if protected := PROTECTED.fullmatch(text):
        return stripped(protected[1].replace('""', '"'))
    return stripped(text.removeprefix("'"))
