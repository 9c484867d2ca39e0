"""The forms that several processes share."""

from typing import Any

import pytest

from cases.errors import BadForm
from cases.forms import Evidence, EvidenceKind, NoForm, Shipment
from cases.jd_delay_card import AgreementProof
from cases.models import GIVEN_NOW, Strict, read

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


NO_WEB_ADDRESSES = ["ftp://e/1", "javascript:alert(1)", "file:///etc/passwd", "data:image/png;base64,x", "//e/1", "e/1"]
NO_WEB_ADDRESSES += [
    "C:\\1.png",
    "http://",
    "https:///1",
    "https://?x",
    "https://e/1 2",
    "https://e/\u20281",
    "https://e/\x1b1",
]


@pytest.mark.parametrize("url", NO_WEB_ADDRESSES)
@pytest.mark.parametrize("model", [Evidence, AgreementProof])
def test_evidence_that_is_given_now_is_at_a_web_address(model: type[Strict], url: str) -> None:
    with pytest.raises(BadForm, match=r"evidence: url: .* http or https address"):
        read(model, {"kind": "sms", "url": url}, "evidence", GIVEN_NOW)
    assert read(model, {"kind": "sms", "url": url}, "evidence"), "what a case has taken in stays readable"


@pytest.mark.parametrize("url", ["http://e/1", "HTTPS://e.example:8443/图/1.png?x=1#y", " https://e "])
def test_web_addresses_are_taken(url: str) -> None:
    assert read(Evidence, {"kind": "sms", "url": url}, "evidence", GIVEN_NOW).url == url.strip()


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
