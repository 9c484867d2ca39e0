"""Texts on their way from and to platforms."""

import unicodedata
from typing import Any

from cases.plain_text import squeezed

LONGEST_WORDS = 300
"""Characters that are kept of what a platform says."""


def platform_words(*parts: Any) -> str:
    """Join the parts of what a platform said that are not empty, clipped, as plain text on one line."""
    return squeezed(" / ".join(str(part) for part in parts if part))[:LONGEST_WORDS]


def sendable_text(text: str) -> str:
    """Strip a text, also of what no reader sees and clients write differently: control characters and the like.

    Line breaks and tabs stay; Unicode's own separators of lines and paragraphs become line breaks.
    """
    whole = text.encode("utf-8", "replace").decode()  # a lone surrogate cannot be sent on
    return "".join(_plain(character) for character in whole).strip()


def _plain(character: str) -> str:
    match unicodedata.category(character):
        case "Zl" | "Zp":
            return "\n"
        case "Cc" if character not in "\n\r\t":
            return ""
    return character
