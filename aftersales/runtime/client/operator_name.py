"""The names of those who decide, whichever way they come."""

from typing import Final

LONGEST_OPERATOR: Final = 64


def is_operator_name(text: str) -> bool:
    """Return whether a text can be the name of a person who decides."""
    return 1 <= len(text) <= LONGEST_OPERATOR and text.isprintable()
