"""Mappings of exports."""

from pathlib import Path

import pytest

from aftersales.files.documents import BadFile
from aftersales.importing.mapping import read_mapping

SOUND = """\
process: anxinjian_split
columns:
  item_id: 商品
  authentication_fee: 鉴定费
constants:
  provider_id: P1
  merchant_id: M1
  freight_fee: "12.00"
rows:
  field: sub_orders
  columns:
    order_id: 订单
    carries_item: {header: 实物, values: {有: true, 无: false}}
    auto_receipt_at: {header: 收货, format: "%Y/%m/%d %H:%M"}
policy:
  choosing_time: 6h
"""

DAYS = """\
process: jd_shipment
columns:
  order_id: 订单
  ordered_at: 下单
  promised_last_day: 发货日
constants: {shop_id: S1, kind: presale}
"""


def test_a_mapping_that_fits_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(SOUND, encoding="utf-8")
    mapping = read_mapping(path)
    assert mapping.process.name == "anxinjian_split"
    places = (("item_id",), ("sub_orders", 0, "order_id"), ("freight_fee",))
    assert [mapping.label(*place) for place in places] == ["商品 (item_id)", "订单 (order_id)", "freight_fee"]


@pytest.mark.parametrize(
    ("was", "now", "line", "words"),
    [
        ("process: anxinjian_split", "process: anxinjian", 1, "anxinjian_split"),
        ("columns:\n  item", "colums:\n  item", 1, "colums"),
        ("  item_id:", "  item:", 3, "item_id"),
        ("  item_id: 商品", "  shop: 商品", 3, "no such field"),
        ("  item_id: 商品\n", "", 2, "item_id"),
        ("  item_id: 商品", "  item_id: {headers: 商品}", 3, "headers"),
        ("  item_id: 商品", "  item_id: 5", 3, "item_id"),
        ("  item_id: 商品", "  item_id: 商品\n  sub_orders: 订单", 4, "duplicate field"),
        ("  item_id: 商品", "  item_id: 商品\n  freight_fee: 运费", 4, "duplicate field"),
        ("  item_id: 商品", '  item_id: {header: 商品, format: "%Y"}', 3, "format"),
        ("  authentication_fee: 鉴定费", "  authentication_fee: {header: 鉴定费, digits: true}", 4, "digits"),
        ("  item_id: 商品", "  item_id: {header: 商品, optional: true}", 3, "optional"),
        ("  provider_id: P1", "  provider_id: P 1", 6, "provider_id"),
        ('  freight_fee: "12.00"', '  freight_fee: "-1"', 8, "freight_fee"),
        ('  freight_fee: "12.00"', "  shop: S1", 8, "no such field"),
        ("  field: sub_orders", "  field: orders", 10, "lists: sub_orders"),
        ("    order_id: 订单", "    order: 订单", 12, "order_id"),
        ("    order_id: 订单\n", "", 11, "order_id"),
        ("有: true", "有: maybe", 13, "carries_item"),
        ("%Y/%m/%d %H:%M", "%m/%d %H:%M", 14, "format"),
        ("%Y/%m/%d %H:%M", "%Y/%q", 14, "format"),
        ("%Y/%m/%d %H:%M", "%Y/%Y/%m/%d %H:%M", 14, "format"),
        ("  choosing_time: 6h", "  choosing: 6h", 16, "choosing"),
        ("  choosing_time: 6h", "  choosing_time: soon", 16, "choosing_time"),
        ("policy:", "skip_rows: -1\npolicy:", 15, "skip_rows"),
        (SOUND[SOUND.index("rows:") : SOUND.index("policy:")], "", 2, "sub_orders"),
    ],
)
def test_a_mapping_that_does_not_fit_names_line_and_field(
    tmp_path: Path, was: str, now: str, line: int, words: str
) -> None:
    assert SOUND.count(was) == 1
    path = tmp_path / "mapping.yaml"
    path.write_text(SOUND.replace(was, now), encoding="utf-8")
    with pytest.raises(BadFile) as caught:
        read_mapping(path)
    assert str(caught.value).startswith(f"{path}:{line}: "), caught.value
    assert words in str(caught.value)


def test_a_list_cannot_be_a_column(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    whole = SOUND[: SOUND.index("rows:")]
    path.write_text(whole.replace("  item_id: 商品", "  item_id: 商品\n  sub_orders: 订单"), encoding="utf-8")
    with pytest.raises(BadFile, match=r"mapping\.yaml:4: .*give it under rows"):
        read_mapping(path)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-12-05", "2026-12-05"),
        ("2026/12/05", "2026-12-05"),
        ("2026-12-05 00:00:00", "2026-12-05"),
        ("2026-12-04T23:30:00+00:00", "2026-12-05"),
    ],
)
def test_a_day_is_read_as_people_and_spreadsheets_write_it(tmp_path: Path, written: str, day: str) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(DAYS, encoding="utf-8")
    assert read_mapping(path).facts.readers["promised_last_day"](written) == day


def test_what_is_no_day_says_what_was_expected(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(DAYS.replace("发货日", "{header: 发货日, format: '%d.%m.%Y'}"), encoding="utf-8")
    reader = read_mapping(path).facts.readers["promised_last_day"]
    assert reader("05.12.2026") == "2026-12-05"
    with pytest.raises(ValueError, match=r"expected a date such as %d\.%m\.%Y"):
        reader("12月5日")
