"""Exports as Excel workbooks."""

import re
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from aftersales.files.documents import BadFile
from aftersales.importing.workbook import cell_text
from tests.support.exporting import HEADER, RESHIPS, Exported, facts, reasons, row

AT = datetime.fromisoformat("2026-11-20T09:05:00")


@pytest.fixture
def reships(tmp_path: Path) -> Exported:
    return Exported(tmp_path, RESHIPS)


def workbook(folder: Path, *rows: list[Any], sheet: str = "Sheet1") -> Path:
    path, book = folder / "export.xlsx", Workbook()
    found: Any = book.active
    found.title = sheet
    for each in ([*HEADER], *rows):
        found.append(each)
    book.save(path)
    return path


def cells(own_id: Any = "A1", order_id: Any = "O1", amount: Any = 58.5, at: Any = AT) -> list[Any]:
    return [own_id, order_id, "少件", amount, at, None, None]


def rewritten(path: Path, member: str, was: str, now: str) -> None:
    """Change the XML within a workbook, as other programs write it."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    changed, times = re.subn(was, now, parts[member].decode())
    assert times
    with zipfile.ZipFile(path, "w") as book:
        for name, part in {**parts, member: changed.encode()}.items():
            book.writestr(name, part)


def test_cells_of_any_kind_are_read_exactly(reships: Exported, tmp_path: Path) -> None:
    rows = [
        cells(202611200001, 7, 0.1 + 0.2),
        cells("A2\t", "'O2", 1299),
        cells("A3", "O3", "¥1,299.50", "2026/1/2 3:04"),
    ]
    export = reships.read(workbook(tmp_path, *rows))
    assert export.rejected == []
    assert [(each["after_sale_id"], each["order_id"], each["order_amount"]) for each in facts(export)] == [
        ("202611200001", "7", "0.3"),
        ("A2", "O2", "1299"),
        ("A3", "O3", "1299.50"),
    ]
    assert [each["applied_at"] for each in facts(export)] == [
        *["2026-11-20T09:05:00+08:00"] * 2,
        "2026-01-02T03:04:00+08:00",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10**15 - 1, "999999999999999"),
        (10**15, "1.00000E+15"),
        (7.301e18, "7.30100E+18"),
        (-(10**15), "-1.00000E+15"),
        (129.1, "129.1"),
        (1299.0, "1299"),
        (1e-7, "0.0000001"),
        (True, "TRUE"),
        (AT - timedelta(milliseconds=1), "2026-11-20T09:05:00"),
        (AT + timedelta(milliseconds=499), "2026-11-20T09:05:00"),
        (None, ""),
    ],
)
def test_a_cell_says_what_people_see(value: Any, text: str) -> None:
    assert cell_text(value) == text


def test_a_number_that_lost_digits_rejects_its_row(reships: Exported, tmp_path: Path) -> None:
    export = reships.read(workbook(tmp_path, cells(7301000000000000001), cells(order_id=10**15), cells(10**15 - 1)))
    assert list(reasons(export)) == [2, 3]
    assert all("text" in reason for reason in reasons(export).values())
    assert [each["after_sale_id"] for each in facts(export)] == ["999999999999999"]


def test_a_formula_is_its_last_result_and_one_without_is_empty(reships: Exported, tmp_path: Path) -> None:
    path = workbook(tmp_path, cells(amount="=50+8.5"), cells("A2", amount="=1/0"))
    assert reasons(reships.read(path)).keys() == {2, 3}
    rewritten(path, "xl/worksheets/sheet1.xml", r"<f>50\+8\.5</f><v ?/>", "<f>50+8.5</f><v>58.5</v>")
    assert facts(reships.read(path))[0]["order_amount"] == "58.5"


def test_a_sheet_that_claims_to_be_one_cell_is_read_whole(reships: Exported, tmp_path: Path) -> None:
    path = workbook(tmp_path, cells(), cells("A2"))
    rewritten(path, "xl/worksheets/sheet1.xml", r'<dimension ref="[^"]*"', '<dimension ref="A1"')
    assert len(facts(reships.read(path))) == 2


def test_what_programs_leave_out_of_a_workbook_is_no_warning(reships: Exported, tmp_path: Path) -> None:
    path = workbook(tmp_path, cells(at="2026-11-20 09:05"))
    rewritten(path, "xl/styles.xml", "<cellStyles .*</cellStyles>", "")
    assert len(facts(reships.read(path))) == 1


def test_empty_rows_say_nothing_and_count_as_lines(reships: Exported, tmp_path: Path) -> None:
    export = reships.read(workbook(tmp_path, [None] * 7, [], cells(amount="x")))
    assert list(reasons(export)) == [4]


def test_the_mapping_names_the_sheet(tmp_path: Path) -> None:
    named = Exported(tmp_path, {**RESHIPS, "sheet": "售后单"})
    assert len(facts(named.read(workbook(tmp_path, cells(), sheet="售后单")))) == 1
    with pytest.raises(BadFile, match="no such sheet: 售后单; has: Sheet1"):
        named.read(workbook(tmp_path, cells()))
    named.write(row())  # a CSV file has no sheets
    assert len(facts(named.read())) == 1


def test_no_workbook_is_one_line(reships: Exported, tmp_path: Path) -> None:
    path = tmp_path / "export.xlsx"
    for written in (b"<html>", b"PK\x03\x04", b""):
        path.write_bytes(written)
        with pytest.raises(BadFile, match=r"export\.xlsx: .*save it as \.xlsx"):
            reships.read(path)
    rewritten(workbook(tmp_path, cells()), "xl/worksheets/sheet1.xml", 'r="A1"', 'r="?"')
    with pytest.raises(BadFile, match=r"export\.xlsx: .*save it as \.xlsx"):
        reships.read(path)
    path.unlink()
    with pytest.raises(BadFile, match=r"export\.xlsx: No such file"):
        reships.read(path)
