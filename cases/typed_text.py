"""Texts as people type and paste them: full-width letters, blanks and invisible marks around what is meant."""

import unicodedata

_NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0x3000: " "}


def is_invisible(character: str) -> bool:
    """Return whether a character only steers how others are shown: a mark of direction, a joiner, a byte order mark."""
    return unicodedata.category(character) == "Cf"


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


def narrowed(text: str) -> str:
    """Return a text without invisible marks, full-width letters, digits and signs as ASCII."""
    if text.isascii():
        return text
    return "".join(character for character in text.translate(_NARROW) if not is_invisible(character)).strip()
