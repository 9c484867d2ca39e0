"""Texts that others wrote, as far as we repeat them."""

TOLD = 300
"""Characters kept of what others say: junk must fill neither a case's memory nor a notice."""


def clipped(text: str, longest: int = TOLD) -> str:
    """A text, cut where it is too long."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
