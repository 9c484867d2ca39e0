"""Workbooks as Excel, WPS and other programs write them, and those that would fill the machine's memory."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from aftersales.files.documents import BadFile
from aftersales.importing import workbooks
from aftersales.importing.workbooks import workbook_rows
from tests.support.programs.memory import PEAK
from tests.support.programs.programs import ROOT
from tests.support.records.exporting import HEADER, RESHIPS, SPLITS, Exported, facts, reasons
from tests.support.records.workbook_bytes import cell, text_cell, write_workbook

OLD = Path(__file__).with_name("files") / "old.xls"
NINE_O_FIVE, DAY = "46346.37847222222", "46346"
EAST_ASIAN = (*range(27, 37), *range(50, 59))


@pytest.fixture
def reships(tmp_path: Path) -> Exported:
    return Exported(tmp_path, RESHIPS)


def texts(*words: str) -> str:
    return "".join(map(text_cell, words))


def reship(own_id: str, applied: str) -> str:
    return texts(own_id, "O1", "少件") + cell("58.5") + applied


@pytest.mark.parametrize("number", [14, 22, *EAST_ASIAN])
def test_dates_in_the_formats_without_a_code_are_dates(reships: Exported, tmp_path: Path, number: int) -> None:
    path = write_workbook(
        tmp_path / "export.xlsx", texts(*HEADER), reship("A1", cell(NINE_O_FIVE, style=1)), formats=(0, number)
    )
    assert facts(reships.read(path))[0]["applied_at"] == "2026-11-20T09:05:00+08:00"


def test_a_date_cell_without_a_time_is_refused_as_in_csv(reships: Exported, tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "export.xlsx", texts(*HEADER), reship("A1", cell(DAY, style=1)), formats=(0, 14))
    assert "'2026-11-20' 须为时刻" in reasons(reships.read(path))[2]


def test_a_day_field_takes_a_date_cell(tmp_path: Path) -> None:
    mapping = {
        "process": "jd_shipment",
        "columns": {"order_id": "订单", "ordered_at": "下单", "promised_last_day": "发货日"},
        "constants": {"shop_id": "S1", "kind": "presale"},
    }
    row = texts("281234567911") + cell(NINE_O_FIVE, style=1) + cell(DAY, style=1)
    path = write_workbook(tmp_path / "x.xlsx", texts("订单", "下单", "发货日"), row, formats=(0, 31))
    assert facts(Exported(tmp_path, mapping).read(path))[0]["promised_last_day"] == "2026-11-20"


def test_styles_of_wps_that_break_other_readers_are_read(reships: Exported, tmp_path: Path) -> None:
    path = write_workbook(
        tmp_path / "export.xlsx",
        texts(*HEADER),
        reship("A1", text_cell("2026-11-20 09:05")),
        fills="<fills><fill><patternFill/></fill><fill/></fills><extLst><ext uri='wps'/></extLst>",
    )
    assert len(facts(reships.read(path))) == 1


def test_an_error_value_is_no_empty_cell(reships: Exported, tmp_path: Path) -> None:
    row = reship("A1", text_cell("2026-11-20 09:05"))
    wrong = row + '<c r="F3" t="e"><f>1/0</f><v>#DIV/0!</v></c>'
    path = write_workbook(tmp_path / "export.xlsx", texts(*HEADER), row.replace("A1", "A2"), wrong)
    export = reships.read(path)
    assert list(reasons(export)) == [3]
    assert "收货时间" in reasons(export)[3]


def test_an_old_workbook_is_read(reships: Exported) -> None:
    export = reships.read(OLD)
    assert [(case["after_sale_id"], case["applied_at"]) for case in facts(export)] == [
        ("7301000000000000501", "2026-11-20T09:05:00+08:00"),
        ("7301000000000000502", "2026-11-20T21:40:00+08:00"),
    ]
    assert list(reasons(export)) == [4]


def test_a_workbook_of_another_kind_than_its_name_says_is_read(reships: Exported, tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "export.xls", texts(*HEADER), reship("A1", text_cell("2026-11-20 09:05")))
    assert len(facts(reships.read(path))) == 1


MERGED = '<mergeCells count="2"><mergeCell ref="A2:A4"/><mergeCell ref="{}"/></mergeCells>'
SPLIT_HEADER = texts("商品", "鉴定费", "运费", "订单", "实物")


def test_a_merged_cell_counts_for_all_of_its_rows(tmp_path: Path) -> None:
    fees = cell("30") + cell("12")
    rows = [
        texts("I1") + fees + texts("O1", "是"),
        "<c/>" + fees + texts("O2", "否"),
        "<c/>" + fees + texts("O3", "否"),
        texts("I2") + fees + texts("O4", "是"),
    ]
    path = write_workbook(tmp_path / "x.xlsx", SPLIT_HEADER, *rows, after=MERGED.format("G2:H9"))
    export = Exported(tmp_path, SPLITS).read(path)
    orders = {case["item_id"]: [order["order_id"] for order in case["sub_orders"]] for case in facts(export)}
    assert (orders, export.rejected) == ({"I1": ["O1", "O2", "O3"], "I2": ["O4"]}, [])


def test_a_merged_cell_does_not_give_every_item_the_same_value(tmp_path: Path) -> None:
    fees = cell("30") + cell("12")
    rows = [texts("I1") + fees + texts("O1", "是"), "<c/>" + fees + texts("O2"), "<c/>" + fees + texts("O3")]
    path = write_workbook(tmp_path / "x.xlsx", SPLIT_HEADER, *rows, after=MERGED.format("E2:E4"))
    export = Exported(tmp_path, SPLITS).read(path)
    assert list(reasons(export)) == [2, 3, 4]
    assert "实物 (carries_item): 合并单元格" in reasons(export)[3]


# What would fill the memory


def test_a_workbook_that_unpacks_to_too_much_is_refused_before_that(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "bomb.xlsx", "<c><v>1</v></c>")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/theme/theme1.xml", b" " * (workbooks.SMALL + 1))
    with pytest.raises(BadFile, match=r"bomb\.xlsx: 过大 / too large a workbook: 16 MB unpacked"):
        list(workbook_rows(path, None))


def test_a_sum_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_workbook(tmp_path / "x.xlsx", texts("A"))
    monkeypatch.setattr(workbooks, "MOST_UNPACKED", 100)
    with pytest.raises(BadFile, match="too large a workbook"):
        list(workbook_rows(path, None))


def test_two_cells_that_claim_all_between_them_cost_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "wide.xlsx"
    write_workbook(path, '<c r="A1"><v>1</v></c>', '<c r="XFD1048576"><v>1</v></c>')
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from aftersales.importing.workbooks import workbook_rows\n"
        "try: list(workbook_rows(Path(sys.argv[1]), None))\n"
        "except Exception as bad: print(bad)\n"
        f"print(max({PEAK}, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024))"
    )
    done = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True, check=True)
    said, megabytes = done.stdout.splitlines()
    assert "too large a workbook: it needs more than 1024 MB" in said
    assert int(megabytes) < 300


def test_a_table_of_documents_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("content.xml", "<office/>")
    with pytest.raises(BadFile, match=r"save it as \.xlsx"):
        list(workbook_rows(path, None))
