"""The platform's own words for a reship (after-sale type 7): statuses, arbitration, reasons, clocks."""

from enum import IntEnum
from typing import Final

AFTER_SALE_TYPE: Final = 7

MERCHANT_HANDLING: Final = 48 * 3600
"""Seconds in which the merchant handles an application, else it is agreed (DR-4)."""
SHIPPING: Final = 48 * 3600
"""Seconds in which the merchant ships what was agreed (DR-5)."""
BUYER_WINDOW: Final = 48 * 3600
"""Seconds in which the buyer modifies or asks the platform in (DR-7, DR-9)."""
NO_DEADLINE: Final = 0
MOST_EVIDENCE: Final = 4
"""Pieces of evidence that one call may bring."""

NEVER_RECEIVED: Final = "一直未收到货"
REASON_TEXTS: Final = {
    "never_received": NEVER_RECEIVED,
    "short_shipped": "商家少发/漏发",
    "other": "其他",
}
"""How the platform words the reasons of DR-1; a buyer's record may have any other text, which counts as other."""
REASON_CODES: Final = {NEVER_RECEIVED: 701, "商家少发/漏发": 702}
OTHER_REASON_CODE: Final = 703
"""The reasons' codes are the sandbox's own figures."""

REJECT_REASONS: Final = ((7001, "商品已正常送达", "Y"), (7002, "商品未少发漏发", "Y"), (7003, "其他", "N"))
"""(code, text, whether evidence is needed) of a refusal; the sandbox's own figures."""


class Status(IntEnum):
    """Where an after-sale stands."""

    AWAITING_MERCHANT = 6
    AWAITING_SHIPMENT = 8
    """Also while the buyer's window of DR-9 runs."""
    REFUNDED = 12
    SHIPPED = 13
    RECEIVED = 14
    REFUSED = 27
    CLOSED = 28


class Arbitration(IntEnum):
    """Where the platform's arbitration stands."""

    NONE = 0
    IN_PROGRESS = 1
    FOR_BUYER = 2
    FOR_SELLER = 3
    EVIDENCE_WANTED = 4
    NEGOTIATION = 5
    ENDED = 6
    CANCELLED = 255


UNDER_ARBITRATION: Final = frozenset({Arbitration.IN_PROGRESS, Arbitration.EVIDENCE_WANTED, Arbitration.NEGOTIATION})


class Tag:
    """What a pushed message says.  Which of 212-218 is which: T (the order of the platform's list of messages).

    For a refused reship and for a reship signed for by the buyer no tag is known: none is sent.
    """

    CREATED = "200"
    REFUNDED = "206"
    CLOSED = "207"
    MODIFIED = "208"
    DEADLINE_CHANGED = "209"
    ARBITRATION_OPENED = "212"
    EVIDENCE_WANTED = "213"
    EVIDENCE_GIVEN = "214"
    ARBITRATION_RULED = "215"
    ARBITRATION_CANCELLED = "216"
    RESHIP_SHIPPED = "226"
    RESHIP_AGREED = "227"
