"""What a platform sent, read as far as keeping it needs."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

LONGEST_ID = 200


class MessageState(StrEnum):
    """What became of a message."""

    NEW = "new"
    DONE = "done"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"
    FAILED = "failed"


@dataclass(frozen=True)
class CaseKey:
    """Which case a message is about: its process, shop, and the platform's own id."""

    process: str
    shop_id: str
    own_id: str

    @property
    def case_id(self) -> str:
        """The id of the case's workflow."""
        return f"{self.process}/{self.own_id}"


@dataclass(frozen=True)
class InboundMessage:
    """One message of a platform: ``body`` is its content as it came, ``report`` what its case is told.

    A message of state NEW has a ``case``; without a ``report`` that case only has to be open.
    """

    platform: str
    message_id: str
    tag: str
    body: bytes
    state: MessageState = MessageState.NEW
    reason: str | None = None
    case: CaseKey | None = None
    report: dict[str, Any] | None = None

    @classmethod
    def unreadable(cls, platform: str, body: bytes, reason: str, message_id: str = "", tag: str = "") -> Self:
        """Make what to keep of a message that we cannot read; without an id its content is its id."""
        own_id = message_id or f"sha256:{hashlib.sha256(body).hexdigest()}"
        return cls(platform, own_id, tag, body, MessageState.UNREADABLE, reason)

    @classmethod
    def unknown(cls, platform: str, body: bytes, reason: str, message_id: str, tag: str) -> Self:
        """Make what to keep of a message that is none of ours."""
        return cls(platform, message_id, tag, body, MessageState.UNKNOWN, reason)


def short_text(given: Any) -> str | None:
    """An id or a tag as text; None for what can be none: another type, empty, too long, or no Unicode."""
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given) if abs(given) < 10**LONGEST_ID else ""
    if not isinstance(given, str) or not 0 < len(given) <= LONGEST_ID:
        return None
    return given if given.isprintable() else None  # a lone surrogate is not printable either
