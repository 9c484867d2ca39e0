"""Messages from marketplaces, as the gateway stores them."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from cases.messages import Report

LONGEST_ID = 200


class MessageState(StrEnum):
    """The state of a stored message."""

    NEW = "new"
    DONE = "done"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"
    FAILED = "failed"


@dataclass(frozen=True)
class CaseKey:
    """The case that a message is about: its process, shop, and the platform's own id."""

    process: str
    shop_id: str
    own_id: str

    @property
    def case_id(self) -> str:
        """The id of the case's workflow."""
        return f"{self.process}/{self.own_id}"


@dataclass(frozen=True)
class InboundMessage:
    """One message of a platform: ``body`` is its content as it came, ``report`` what to signal to its case.

    A message of state NEW has a ``case``; without a ``report`` that case only has to be open.
    """

    platform: str
    message_id: str
    tag: str
    body: bytes
    state: MessageState = MessageState.NEW
    reason: str | None = None
    case: CaseKey | None = None
    report: Report | None = None

    @classmethod
    def unreadable(cls, platform: str, body: bytes, reason: str, message_id: str = "", tag: str = "") -> Self:
        """Make the row for an unreadable message; without an id, the digest of its content is its id."""
        own_id = message_id or f"sha256:{hashlib.sha256(body).hexdigest()}"
        return cls(platform, own_id, tag, body, MessageState.UNREADABLE, reason)

    @classmethod
    def unknown(cls, platform: str, body: bytes, reason: str, message_id: str, tag: str) -> Self:
        """Make the row for a message that no process takes."""
        return cls(platform, message_id, tag, body, MessageState.UNKNOWN, reason)


def short_text(value: Any) -> str | None:
    """Return an id or a tag as text; None if it cannot be one: of another type, empty, too long, not printable."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**LONGEST_ID else ""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID:
        return None
    return value if value.isprintable() else None  # a lone surrogate is not printable either
