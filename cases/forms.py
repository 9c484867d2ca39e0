"""The forms that several processes share.  A form is what people fill in to fire a rule."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

from cases.false_shipment import is_malformed
from cases.labels import Labelled, LabelledEnum
from cases.models import Name, Text, Url

MOST_EVIDENCE = 20
"""The most pieces of evidence in a form; no marketplace takes more."""
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
"""What a piece of evidence shows, or what an operator notes about a step."""
Carrier = Annotated[Name, Field(json_schema_extra={"format": "carrier"})]
"""The code or name of a carrier, as the marketplace calls it."""


class EvidenceKind(LabelledEnum):
    """The kinds of evidence that the marketplaces accept."""

    CHAT_SCREENSHOT = "chat_screenshot", "聊天截图"
    SMS = "sms", "短信"
    CALL_RECORD = "call_record", "通话录音"
    WAYBILL_PHOTO = "waybill_photo", "面单照片"
    LOGISTICS_TRACK = "logistics_track", "物流轨迹"
    BUYER_CONSENT = "buyer_consent", "买家同意"
    OTHER = "other", "其他"


class Evidence(Labelled):
    """A piece of evidence: its kind, its address, and what it shows."""

    kind: EvidenceKind
    """种类"""
    url: Url
    """地址

    图片或文件的网址
    """
    note: Note | None = None
    """说明"""


class Form(Labelled):
    """The base of every form."""

    def doubts(self) -> Mapping[str, str]:
        """Return what is doubtful in fields that are in order, in Chinese; whoever sends the form is told before."""
        return {}


class NoForm(Form):
    """The empty form: its rule asks for nothing."""


class Shipment(Form):
    """A shipped parcel: the carrier's code or name, and the real tracking number."""

    carrier: Carrier
    """快递公司"""
    tracking_no: Name
    """快递单号"""

    def doubts(self) -> Mapping[str, str]:
        """Doubt a number that no carrier can have issued."""
        malformed = "不像快递公司的单号:应为字母和数字,不是同一个数字重复;请核对"
        return {"tracking_no": malformed} if is_malformed(self.tracking_no) else {}


class Proof(Form):
    """At least one piece of evidence."""

    evidence: tuple[Evidence, ...] = Field(min_length=1, max_length=MOST_EVIDENCE)
    """凭证"""


class StatedReason(Form):
    """The reason that a platform gives for refusing what was filed."""

    reason: Text
    """平台给出的理由"""
