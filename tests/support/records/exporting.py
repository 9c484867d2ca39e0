"""Exports of back offices, written by tests."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from aftersales.importing.exports import Export, read_export
from aftersales.importing.mapping import read_mapping

RESHIPS: dict[str, Any] = {
    "process": "douyin_reship",
    "columns": {
        "after_sale_id": {"header": "售后单号", "digits": False},
        "order_id": {"header": "订单编号", "digits": False},
        "reason": {"header": "售后原因", "values": {"未收到货": "never_received", "少件": "short_shipped"}},
        "order_amount": "金额",
        "applied_at": {"header": "申请时间", "format": "%d.%m.%Y %H:%M"},
        "received_at": "收货时间",
        "description": "描述",
    },
    "constants": {"shop_id": "1001"},
}
HEADER = ("售后单号", "订单编号", "售后原因", "金额", "申请时间", "收货时间", "描述")
SPLITS: dict[str, Any] = {
    "process": "anxinjian_split",
    "columns": {"item_id": "商品", "authentication_fee": "鉴定费", "freight_fee": "运费"},
    "constants": {"provider_id": "P1", "merchant_id": "M1"},
    "rows": {
        "field": "sub_orders",
        "columns": {"order_id": {"header": "订单", "digits": False}, "carries_item": "实物"},
    },
}
SPLIT_HEADER = ("商品", "鉴定费", "运费", "订单", "实物")


def row(own_id: str = "A1", **cells: str) -> list[str]:
    """Return a valid row of the reships' export."""
    usual = dict(zip(HEADER, (own_id, "O1", "少件", "58.50", "2026-11-20 09:05", "", ""), strict=True))
    return list({**usual, **cells}.values())


def as_csv(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as a spreadsheet saves them."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


class Exported:
    """A folder with a mapping and the exports that are read by it."""

    def __init__(self, folder: Path, mapping: dict[str, Any]) -> None:
        """Write the mapping."""
        self.mapping = folder / "mapping.yaml"
        self.mapping.write_text(yaml.safe_dump(mapping, allow_unicode=True, sort_keys=False), encoding="utf-8")
        self.path = folder / "export.csv"

    def write(self, *rows: Sequence[str], header: Sequence[str] = HEADER) -> Path:
        """Write an export."""
        self.path.write_text(as_csv([header, *rows]), encoding="utf-8", newline="")
        return self.path

    def read(self, path: Path | None = None, shops: dict[str, Any] | None = None) -> Export:
        """Read it."""
        return read_export(path or self.path, read_mapping(self.mapping), shops or {})


def facts(export: Export) -> list[dict[str, Any]]:
    """Return the openings read from an export."""
    return [opening.facts for _, opening in export.cases]


def reasons(export: Export) -> dict[int, str]:
    """Return why rows were rejected, by line."""
    return {entry.row.line: entry.reason for entry in export.rejected}
