"""Rows of exports, and what people and spreadsheets put around the content of a cell."""

import re
import unicodedata
from dataclasses import dataclass

PROTECTED = re.compile(r'="((?:[^"]|"")*)"')
"""Text written as a formula, so that no spreadsheet takes its digits for a number."""
_NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0x3000: " "}


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: its line in the file, its cells as they were written, and which of them a merged cell above fills."""

    line: int
    cells: tuple[str, ...]
    filled: tuple[int, ...] = ()


def is_invisible(character: str) -> bool:
    """Return whether a character only steers how others are shown: a mark of direction, a joiner, a byte order mark."""
    return unicodedata.category(character) == "Cf"


def is_control(character: str) -> bool:
    """Return whether a character is a control character and does not only part lines or columns."""
    return unicodedata.category(character) == "Cc" and character not in "\t\n\r"


def stripped(text: str) -> str:
    """Strip white space and invisible marks."""
    if text.isascii():
        return text.strip()
    start, end = 0, len(text)
    while start < end and _is_blank(text[start]):
        start += 1
    while start < end and _is_blank(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_blank(character: str) -> bool:
    return character.isspace() or is_invisible(character)


def clean(text: str) -> str:
    """Strip a cell of white space, of invisible marks and of what protects its digits in a spreadsheet."""
    text = stripped(text)
    if protected := PROTECTED.fullmatch(text):
        return stripped(protected[1].replace('""', '"'))
    return stripped(text.removeprefix("'"))


def narrowed(text: str) -> str:
    """Return a text without invisible marks, full-width letters, digits and signs as ASCII."""
    if text.isascii():
        return text
    return "".join(character for character in text.translate(_NARROW) if not is_invisible(character)).strip()
