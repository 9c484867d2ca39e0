"""Tables of exports: CSV files and Excel workbooks."""

import re
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from aftersales.files.documents import BadFile
from aftersales.importing.table_rows import clean
from aftersales.importing.workbook_program import cell_text
from tests.support.records.exporting import HEADER, RESHIPS, Exported, as_csv, facts, reasons, row

AT = datetime.fromisoformat("2026-11-20T09:05:00")


@pytest.fixture
def reships(tmp_path: Path) -> Exported:
    return Exported(tmp_path, RESHIPS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_what_excel_saves_is_read_in_any_encoding(reships: Exported, encoding: str) -> None:
    text = as_csv([HEADER, row(描述="少了两只,㑇")])
    reships.path.write_text(text, encoding=encoding)
    assert facts(reships.read())[0]["description"] == "少了两只,㑇"


def test_another_encoding_is_refused(reships: Exported) -> None:
    reships.path.write_text(as_csv([HEADER, row()]), encoding="utf-16")
    with pytest.raises(BadFile, match=r"export\.csv:1: .*UTF-8"):
        reships.read()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('="7301000000000000001"', "7301000000000000001"),
        ("'7301000000000000001", "7301000000000000001"),
        ("7301000000000000001\t", "7301000000000000001"),
        ("\u3000A1 \xa0", "A1"),
        ('="a""b"', 'a"b'),
        ('=A1&"x"', '=A1&"x"'),
        ("it's", "it's"),
        ("'", ""),
        ('=""', ""),
    ],
)
def test_what_keeps_spreadsheets_from_eating_digits_is_taken_off(written: str, said: str) -> None:
    assert clean(written) == said


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ([*HEADER[:3], "价格", *HEADER[4:]], "missing columns: 金额; columns: 售后单号, 订单编号, 售后原因, 价格"),
        ([*HEADER, "金额"], "duplicate columns: 金额"),
    ],
)
def test_missing_and_duplicate_headers_are_each_reported_once(reships: Exported, header: list[str], words: str) -> None:
    reships.write(row(), header=header)
    with pytest.raises(BadFile) as caught:
        reships.read()
    assert str(caught.value).startswith(f"{reships.path}:1: ")
    assert words in str(caught.value)


def test_a_column_that_is_not_mapped_may_occur_twice(reships: Exported) -> None:
    reships.write([*row(), "", ""], header=[*HEADER, "备注", "备注"])
    assert reships.read().rejected == []


@pytest.mark.parametrize("text", ["", " ,\n\n"])
def test_a_file_without_a_header_is_refused(reships: Exported, text: str) -> None:
    reships.path.write_text(text)
    with pytest.raises(BadFile, match="header"):
        reships.read()


def test_a_quote_that_never_ends_is_refused_instead_of_swallowing_rows(reships: Exported) -> None:
    reships.path.write_text(as_csv([HEADER, row()]) + '"A2,O1\nA3,O1\n', encoding="utf-8")
    with pytest.raises(BadFile, match=r"export\.csv:3: .*CSV"):
        reships.read()


def test_lines_before_the_header_are_skipped(tmp_path: Path) -> None:
    exported = Exported(tmp_path, {**RESHIPS, "skip_rows": 2})
    exported.path.write_text("报表\n导出于,2026\n" + as_csv([HEADER, row(金额="x")]), encoding="utf-8")
    assert list(reasons(exported.read())) == [4]


def workbook(folder: Path, *rows: list[Any], sheet: str = "Sheet1") -> Path:
    path, book = folder / "export.xlsx", Workbook()
    active: Any = book.active
    active.title = sheet
    for line in ([*HEADER], *rows):
        active.append(line)
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
    assert [(case["after_sale_id"], case["order_id"], case["order_amount"]) for case in facts(export)] == [
        ("202611200001", "7", "0.3"),
        ("A2", "O2", "1299"),
        ("A3", "O3", "1299.50"),
    ]
    assert [case["applied_at"] for case in facts(export)] == [
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
    assert [case["after_sale_id"] for case in facts(export)] == ["999999999999999"]


def test_a_formula_is_its_last_result_and_one_without_is_empty(reships: Exported, tmp_path: Path) -> None:
    path = workbook(tmp_path, cells(amount="=50+8.5"), cells("A2", amount="=1/0"))
    assert reasons(reships.read(path)).keys() == {2, 3}
    rewritten(path, "xl/worksheets/sheet1.xml", r"<f>50\+8\.5</f><v ?/>", "<f>50+8.5</f><v>58.5</v>")
    assert facts(reships.read(path))[0]["order_amount"] == "58.5"


def test_a_sheet_that_claims_to_be_one_cell_is_read_whole(reships: Exported, tmp_path: Path) -> None:
    path = workbook(tmp_path, cells(), cells("A2"))
    rewritten(path, "xl/worksheets/sheet1.xml", r'<dimension ref="[^"]*"', '<dimension ref="A1"')
    assert len(facts(reships.read(path))) == 2


def test_parts_that_programs_leave_out_of_a_workbook_cause_no_warning(reships: Exported, tmp_path: Path) -> None:
    path = workbook(tmp_path, cells(at="2026-11-20 09:05"))
    rewritten(path, "xl/styles.xml", "<cellStyles .*</cellStyles>", "")
    assert len(facts(reships.read(path))) == 1


def test_empty_rows_say_nothing_and_count_as_lines(reships: Exported, tmp_path: Path) -> None:
    export = reships.read(workbook(tmp_path, [None] * 7, [], cells(amount="x")))
    assert list(reasons(export)) == [4]


def test_the_mapping_names_the_sheet(tmp_path: Path) -> None:
    named = Exported(tmp_path, {**RESHIPS, "sheet": "售后单"})
    assert len(facts(named.read(workbook(tmp_path, cells(), sheet="售后单")))) == 1
    with pytest.raises(BadFile, match="no such sheet: 售后单; sheets: Sheet1"):
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
