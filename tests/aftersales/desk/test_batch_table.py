"""The lines of a batch: pasted in any of the usual ways, or from a back office's export."""

import pytest

from aftersales.desk.batch import batch_table
from aftersales.desk.batch.batch_table import MOST_IN_A_BATCH, read_lines, read_upload
from cases.errors import BadForm
from cases.forms import Shipment

SHIPPED = {"O1": {"carrier": "顺丰", "tracking_no": "SF1"}}


@pytest.mark.parametrize(
    "pasted", ["O1 顺丰 SF1", "O1\t顺丰\tSF1\n\n", "O1,顺丰,SF1", "O1\uff0c顺丰\uff0cSF1", " 'O1 顺丰 SF1 "]
)
def test_cells_stand_between_tabs_commas_or_spaces(pasted: str) -> None:
    assert read_lines(pasted).values(Shipment, ()) == SHIPPED


def test_lines_fill_what_is_not_the_same_for_all() -> None:
    assert read_lines("O1 SF1").values(Shipment, ["carrier"]) == {"O1": {"tracking_no": "SF1"}}


@pytest.mark.parametrize(
    "head", ["订单编号\t运单号\t快递公司", "订单号\t快递单号\t物流公司", "order_id\ttracking_no\tcarrier"]
)
def test_a_header_says_what_is_what(head: str) -> None:
    assert read_lines(f"{head}\nO1\tSF1\t顺丰").values(Shipment, ()) == SHIPPED


def test_a_table_can_be_pasted_again_as_it_is_shown() -> None:
    table = read_lines("订单号,收件人,运单号\nO1,李四,SF1\nO2,王五,")

    assert "李四" not in table.text
    assert read_lines(table.text) == table


def test_an_export_in_the_encoding_of_chinese_spreadsheets_is_read() -> None:
    table = read_upload("导出.csv", '订单编号,运单号\n="O1",SF1\n'.encode("gb18030"))

    assert table.values(Shipment, ["carrier"]) == {"O1": {"tracking_no": "SF1"}}


def test_lines_of_one_number_are_told() -> None:
    assert read_lines("O1 SF1\nO2 SF2\nO1 SF3").repeated == ["O1"]


def test_too_many_lines_and_unreadable_files_are_refused_by_the_files_own_name() -> None:
    with pytest.raises(BadForm, match="超过 200 行,请分几次"):
        read_lines("\n".join(f"O{number}" for number in range(MOST_IN_A_BATCH + 1)))
    with pytest.raises(BadForm, match=r"^运单\.xlsx: 不是 Excel 工作簿"):
        read_upload("C:\\表\\运单.xlsx", b"no workbook")
    with pytest.raises(BadForm, match="文件过大"):
        read_upload("big.csv", b"1" * (4 * 1024 * 1024 + 1))


def test_a_text_that_no_cell_can_hold_is_no_fault_of_the_desk() -> None:
    assert [line.number[:2] for line in read_lines(f"O1,SF1\nO2,{'x' * 200_000}").lines] == ["O1", "O2"]


def test_of_too_many_lines_no_more_are_read_than_it_takes_to_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(batch_table, "_cells", lambda line: read.append(line) or [line])

    with pytest.raises(BadForm, match="超过 200 行"):
        read_lines("O1\n" * 200_000)

    assert len(read) < 300
