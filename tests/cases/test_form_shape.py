"""The fields of a form: their kinds and choices, and in words for the command line."""

from decimal import Decimal
from typing import Any

import pytest

from cases.anomaly_1688 import Worsening
from cases.anxinjian_split import BlockedOnline
from cases.douyin_reship import Refusal
from cases.form_shape import FieldKind, FieldShape, describe, shape_of
from cases.forms import EvidenceKind, Form, NoForm, Proof, Shipment
from cases.jd_delay_card import EmergencyReport
from cases.models import Money


def field(model: Any, name: str) -> FieldShape:
    return next(shape for shape in shape_of(model) if shape.name == name)


def test_every_field_is_described_with_its_title_its_choices_and_its_format() -> None:
    assert describe(Shipment) == ["carrier 快递公司:文字", "tracking_no 快递单号:文字"]
    assert describe(NoForm) == []
    assert describe(Refusal) == [
        "reason 拒绝理由:文字,最多 2000 字",
        "evidence? 凭证:列表,最多 20 项",
        f"evidence[].kind 种类:{'|'.join(f'{kind.value}({kind.label})' for kind in EvidenceKind)}",
        "evidence[].url 地址:网址,图片或文件的网址",
        "evidence[].note? 说明:文字,最多 500 字",
        "after_consent? 已与买家协商一致:true(是)|false(否),须附买家同意的凭证",
    ]


@pytest.mark.parametrize(
    ("model", "name", "choices"),
    [
        (BlockedOnline, "step", ["record", "inspect", "pack", "waybill"]),
        (Worsening, "kind", ["lost", "damaged", "refund_asked", "refused_delivery"]),
    ],
)
def test_a_form_that_takes_only_some_choices_offers_no_others(model: type[Form], name: str, choices: list[str]) -> None:
    assert [choice.value for choice in field(model, name).choices] == choices


def test_a_row_of_a_list_offers_its_own_choices() -> None:
    kind = field(EmergencyReport, "evidence").rows[0]

    assert [choice.label for choice in kind.choices] == ["聊天截图", "短信", "通话录音"]


class Bill(Form):
    """A form of a new process, of which nothing here knows."""

    total: Money | None = None
    """合计"""
    parts: tuple[Decimal, ...] = ()
    """明细"""


def test_kinds_are_seen_through_what_is_optional_or_a_list() -> None:
    assert field(Bill, "total").kind is FieldKind.MONEY
    assert (field(Bill, "parts").kind, field(Bill, "parts").item) == (FieldKind.LIST, FieldKind.NUMBER)
    assert field(Proof, "evidence").kind is FieldKind.ROWS
