"""What platforms say, as texts that can be sent on."""

from typing import Any

from cases.plain_text import squeezed

LONGEST_WORDS = 300
"""Characters that are kept of what a platform says."""


def platform_words(*parts: Any) -> str:
    """Join the parts of what a platform said that are not empty, clipped, as plain text on one line."""
    return squeezed(" / ".join(str(part) for part in parts if part))[:LONGEST_WORDS]
