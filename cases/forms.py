"""The forms that several processes share.  A form is what people fill in to fire a rule."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from cases.models import Name, Strict, Text, Url

MOST_EVIDENCE = 20
"""The most pieces of evidence in a form; no marketplace takes more."""
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
"""What a piece of evidence shows, or what an operator notes about a step."""


class EvidenceKind(StrEnum):
    """The kinds of evidence that the marketplaces accept."""

    CHAT_SCREENSHOT = "chat_screenshot"
    SMS = "sms"
    CALL_RECORD = "call_record"
    WAYBILL_PHOTO = "waybill_photo"
    LOGISTICS_TRACK = "logistics_track"
    BUYER_CONSENT = "buyer_consent"
    OTHER = "other"


class Evidence(Strict):
    """A piece of evidence: its kind, its address, and what it shows."""

    kind: EvidenceKind
    url: Url
    note: Note | None = None


class Form(Strict):
    """The base of every form."""


class NoForm(Form):
    """The empty form: its rule asks for nothing."""


class Shipment(Form):
    """A shipped parcel: the carrier's code or name, and the real tracking number."""

    carrier: Name
    tracking_no: Name


class Proof(Form):
    """At least one piece of evidence."""

    evidence: tuple[Evidence, ...] = Field(min_length=1, max_length=MOST_EVIDENCE)


class StatedReason(Form):
    """The reason that a platform gives for refusing what was filed."""

    reason: Text
