"""The forms that several processes share.  A form is what people fill in to fire a rule."""

from enum import StrEnum

from pydantic import Field

from cases.models import Strict, Text


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
    url: Text
    note: Text | None = None


class Form(Strict):
    """The base of every form."""


class NoForm(Form):
    """The empty form: its rule asks for nothing."""


class Shipment(Form):
    """A shipped parcel: the carrier's code or name, and the real tracking number."""

    carrier: Text
    tracking_no: Text


class Proof(Form):
    """At least one piece of evidence."""

    evidence: tuple[Evidence, ...] = Field(min_length=1)
