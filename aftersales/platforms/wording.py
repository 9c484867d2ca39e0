"""What platforms say, as texts that can be sent on."""

from typing import Any

LONGEST_WORDS = 300
"""Characters that are kept of what a platform says."""


def platform_words(*parts: Any) -> str:
    """Join the parts of what a platform said that are not empty, clipped and without broken characters."""
    text = " / ".join(str(part) for part in parts if part)
    return text.encode("utf-8", "replace").decode().strip()[:LONGEST_WORDS]  # a lone surrogate cannot be sent on
