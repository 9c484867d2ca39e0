"""The forms that several processes share."""

from typing import Any

import pytest

from cases.errors import BadForm
from cases.forms import Evidence, EvidenceKind, NoForm, Shipment
from cases.models import read

KINDS = {"chat_screenshot", "sms", "call_record", "waybill_photo", "logistics_track", "buyer_consent", "other"}


def test_evidence_has_the_kinds_that_the_rule_book_names() -> None:
    assert {kind.value for kind in EvidenceKind} == KINDS


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_piece_of_evidence_is_a_kind_a_place_and_perhaps_a_note(kind: str) -> None:
    assert read(Evidence, {"kind": kind, "url": "https://e/1"}, "evidence").note is None
    assert read(Evidence, {"kind": kind, "url": "https://e/1", "note": "x"}, "evidence").note == "x"


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"kind": "rumour", "url": "u"}, "kind"),
        ({"kind": "sms"}, "url"),
        ({"kind": "sms", "url": " "}, "url"),
        ({"kind": "sms", "url": "u", "size": 1}, "size"),
    ],
)
def test_evidence_that_does_not_fit_is_refused_and_the_field_named(raw: Any, field: str) -> None:
    with pytest.raises(BadForm, match=f"evidence: {field}: "):
        read(Evidence, raw, "evidence")


def test_dr_5_a_shipment_has_a_carrier_and_a_real_tracking_number() -> None:
    shipment = read(Shipment, {"carrier": "SF", "tracking_no": " SF123 "}, "ship")

    assert (shipment.carrier, shipment.tracking_no) == ("SF", "SF123")


@pytest.mark.parametrize("field", ["carrier", "tracking_no"])
@pytest.mark.parametrize("value", [None, "", "  ", 123])
def test_dr_5_a_shipment_without_one_of_them_is_refused(field: str, value: Any) -> None:
    raw = {"carrier": "SF", "tracking_no": "SF123", field: value}

    with pytest.raises(BadForm, match=f"ship: {field}: "):
        read(Shipment, raw, "ship")


def test_a_rule_without_a_form_takes_nothing() -> None:
    assert read(NoForm, {}, "agree") == NoForm()
    with pytest.raises(BadForm, match="agree: note: 没有这个字段"):
        read(NoForm, {"note": "x"}, "agree")
