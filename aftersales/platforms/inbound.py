"""Messages from marketplaces, as the gateway stores them."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from cases.errors import BadForm
from cases.messages import Report

LONGEST_ID = 200
LOOK: Final = Report()
"""The report that says nothing: its case looks at the marketplace's record."""


class MessageState(StrEnum):
    """The state of a stored message."""

    NEW = "new"
    DONE = "done"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"
    FAILED = "failed"
    REFUSED = "refused"


@dataclass(frozen=True)
class CaseKey:
    """The case that a message is about: its process, shop, and the platform's own id.

    Where messages name an order (``OrderMessageAdapter``), ``own_id`` is the order's.
    """

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

    A message of state NEW has a ``case``; without a ``report`` that case only has to be open.  ``app_key`` is the
    application that signed it, whose own its id is; empty if it came in another way.  ``trace`` is the span in which
    it came, in W3C's form, if it was traced.
    """

    platform: str
    message_id: str
    tag: str
    body: bytes
    state: MessageState = MessageState.NEW
    reason: str | None = None
    case: CaseKey | None = None
    report: Report | None = None
    app_key: str = ""
    trace: str | None = None

    @classmethod
    def unreadable(cls, platform: str, body: bytes, reason: str, message_id: str = "", tag: str = "") -> Self:
        """Make the row for an unreadable message; without an id, the digest of its content is its id."""
        return cls(platform, message_id or digest(body), tag, body, MessageState.UNREADABLE, reason)

    @classmethod
    def unknown(cls, platform: str, body: bytes, reason: str, message_id: str, tag: str) -> Self:
        """Make the row for a message that no process takes."""
        return cls(platform, message_id, tag, body, MessageState.UNKNOWN, reason)


def digest(body: bytes) -> str:
    """Return the id of a message that has none: it is the same each time the message comes."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def short_text(value: Any) -> str | None:
    """Return an id or a tag as text; None if it cannot be one: of another type, empty, too long, not printable."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**LONGEST_ID else ""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID:
        return None
    return value if value.isprintable() else None  # a lone surrogate is not printable either


def decimal_id(value: Any, name: str) -> str:
    """Return an id that consists of digits, which a message calls ``name``; raises BadForm for anything else."""
    text = short_text(value)
    if text is None or not (text.isascii() and text.isdigit()):
        raise BadForm(f"{name}: 须为数字编号 / expected an id of digits, got {type(value).__name__}", (name,))
    return text
