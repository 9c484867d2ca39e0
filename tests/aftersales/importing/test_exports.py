"""Exports of a marketplace's back office, as CSV."""

from pathlib import Path
from typing import Any

import pytest

from aftersales.files.documents import BadFile
from aftersales.importing.cells import clean
from aftersales.importing.exports import read_export
from aftersales.importing.mapping import read_mapping
from cases.douyin_reship import Reason
from tests.support.exporting import HEADER, RESHIPS, SPLIT_HEADER, SPLITS, Exported, as_csv, facts, reasons, row
from tests.support.places import EXAMPLES
from workflows.registry import PROCESSES

EXPORTS = EXAMPLES / "exports"


@pytest.fixture
def reships(tmp_path: Path) -> Exported:
    return Exported(tmp_path, RESHIPS)


@pytest.fixture
def splits(tmp_path: Path) -> Exported:
    return Exported(tmp_path, SPLITS)


@pytest.mark.parametrize("process", list(PROCESSES))
def test_every_process_has_an_example_export_without_bad_rows(process: str) -> None:
    export = read_export(EXPORTS / f"{process}.csv", read_mapping(EXPORTS / f"{process}.yaml"), {})
    assert (export.rejected, {each.name for each, _ in export.cases}) == ([], {process})
    assert len(export.cases) > 1
    for each, opening in export.cases:
        assert each.open_case(opening)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_what_excel_saves_is_read_in_any_encoding(reships: Exported, encoding: str) -> None:
    text = as_csv([HEADER, row(描述="少了两只,㑇")])
    reships.path.write_text(text, encoding=encoding)
    assert facts(reships.read())[0]["description"] == "少了两只,㑇"


def test_another_encoding_is_refused(reships: Exported) -> None:
    reships.path.write_text(as_csv([HEADER, row()]), encoding="utf-16")
    with pytest.raises(BadFile, match=r"export\.csv: .*UTF-8"):
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


def test_an_empty_cell_is_an_absent_field(reships: Exported) -> None:
    reships.write(row(收货时间=" ", 描述='=""'))
    (given,) = facts(reships.read())
    assert not {"received_at", "description"} & set(given)


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("¥1,299.00", "1299.00"),
        ("¥ 1,299,000.5", "1299000.5"),
        ("1,299.00元", "1299.00"),
        ("\uffe51\uff0c299.00", "1299.00"),
        ("58", "58"),
        ("1299.00 元", "1299.00"),
    ],
)
def test_signs_separators_and_units_of_money_are_taken_off(reships: Exported, written: str, amount: str) -> None:
    reships.write(row(金额=written, 描述="¥1,299.00"))
    (given,) = facts(reships.read())
    assert (given["order_amount"], given["description"]) == (amount, "¥1,299.00")


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-11-04T09:00:00Z", "2026-11-04T09:00:00+00:00"),
        ("2026-11-04 09:00", "2026-11-04T09:00:00+08:00"),
        ("2026-11-04 09:00:07", "2026-11-04T09:00:07+08:00"),
        ("2026/11/4 9:00", "2026-11-04T09:00:00+08:00"),
        ("2026/11/4 9:00:07", "2026-11-04T09:00:07+08:00"),
        ("04.11.2026 09:00", "2026-11-04T09:00:00+08:00"),
    ],
)
def test_an_instant_without_an_offset_is_shanghais(reships: Exported, written: str, instant: str) -> None:
    reships.write(row(申请时间=written))
    assert facts(reships.read())[0]["applied_at"] == instant


def test_the_mappings_format_goes_before_the_usual_ones(tmp_path: Path) -> None:
    received = {"header": "收货时间", "format": "%Y-%d-%m %H:%M"}
    exported = Exported(tmp_path, {**RESHIPS, "columns": {**RESHIPS["columns"], "received_at": received}})
    exported.write(row("A1", 收货时间="2026-04-11 09:00"), row("A2", 收货时间="2026-11-04T09:00"))
    assert {each["received_at"] for each in facts(exported.read())} == {"2026-11-04T09:00:00+08:00"}


@pytest.mark.parametrize(
    ("column", "written", "words"),
    [
        ("申请时间", "-3d", "applied_at"),
        ("申请时间", "2026-11-04", "%d.%m.%Y %H:%M"),
        ("申请时间", "1999-12-31 09:00", "2000"),
        ("收货时间", "04.11.2026 09:00", "2026-11-04 09:00"),
        ("售后原因", "破损", "未收到货, 少件"),
        ("金额", "12,99", "order_amount"),
        ("金额", "-1", "order_amount"),
        ("金额", "1.005", "order_amount"),
        ("金额", "$5", "order_amount"),
        ("售后单号", "", "缺少"),
        ("售后单号", "7.301E+18", "丢位"),
        ("售后单号", "#REF!", "公式"),
        ("订单编号", "a b", "order_id"),
    ],
)
def test_a_bad_cell_rejects_its_row_alone_and_names_the_column(
    reships: Exported, column: str, written: str, words: str
) -> None:
    reships.write(row("A1", **{column: written}), row("A2"))
    export = reships.read()
    (found,) = reasons(export).items()
    assert found[0] == 2
    assert column in found[1]
    assert words in found[1]
    assert [each["after_sale_id"] for each in facts(export)] == ["A2"]


def test_a_row_tells_everything_that_is_wrong_with_it(reships: Exported) -> None:
    reships.write([*row(金额="x", 申请时间="y"), "more"])
    (reason,) = reasons(reships.read()).values()
    assert [each for each in ("金额", "申请时间", "多出") if each not in reason] == []


def test_lines_are_those_of_the_file(reships: Exported) -> None:
    reships.write(row(描述="two\nlines"), [], row("A2", 金额="x"), row("A3")[:4])
    assert list(reasons(reships.read())) == [5, 6]


def test_the_same_case_twice_is_opened_once_unless_it_says_otherwise(reships: Exported) -> None:
    reships.write(row(金额="x"), row(), row(金额="¥58.5"), row(金额="60"), row("A2"))
    export = reships.read()
    assert [each["after_sale_id"] for each in facts(export)] == ["A1", "A2"]
    assert list(reasons(export)) == [2, 5]
    assert "line 3" in reasons(export)[5]


def test_g_9_the_shops_figures_count_and_the_mappings_own_before_them(tmp_path: Path) -> None:
    exported = Exported(tmp_path, {**RESHIPS, "policy": {"shipping": "24h"}})
    exported.write(row(), row("A2"))
    export = exported.read(shops={"1001": {"douyin_reship": {"shipping": "1h", "buyer_window": "3d"}}})
    assert [opening.policy for _, opening in export.cases] == [{"shipping": "24h", "buyer_window": "3d"}] * 2


def test_a_policy_that_fits_no_case_is_the_mappings_fault(tmp_path: Path) -> None:
    exported = Exported(tmp_path, {**RESHIPS, "policy": {"default_decision": "pay"}})
    exported.write(row())
    with pytest.raises(BadFile, match=rf"{exported.mapping}:\d+: policy.default_decision"):
        exported.read()


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ([*HEADER[:3], "价格", *HEADER[4:]], "lacks the columns: 金额; has: 售后单号, 订单编号, 售后原因, 价格"),
        ([*HEADER, "金额"], "stand twice: 金额"),
    ],
)
def test_a_header_that_is_missing_or_stands_twice_is_told_once(
    reships: Exported, header: list[str], words: str
) -> None:
    reships.write(row(), header=header)
    with pytest.raises(BadFile) as caught:
        reships.read()
    assert str(caught.value).startswith(f"{reships.path}:1: ")
    assert words in str(caught.value)


def test_a_column_that_nobody_maps_may_stand_twice(reships: Exported) -> None:
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


def split(item: str, order: str, carries: str, **given: str) -> list[str]:
    cells = dict(zip(SPLIT_HEADER, (item, "30", "12", order, carries), strict=True))
    return list({**cells, **given}.values())


def test_rows_of_one_case_become_one_case(splits: Exported) -> None:
    rows = [split("I1", "O1", "是"), split("I2", "O3", "TRUE"), split("I1", "O2", "否"), split("I1", "O2", "否")]
    splits.write(*rows, header=SPLIT_HEADER)
    export = splits.read()
    orders = {each["item_id"]: [order["order_id"] for order in each["sub_orders"]] for each in facts(export)}
    assert (orders, export.rejected) == ({"I1": ["O1", "O2"], "I2": ["O3"]}, [])


@pytest.mark.parametrize(
    ("bad", "line", "words"),
    [
        (split("I1", "O2", "否", 运费="15"), 3, "differs from line 2 of the same case: freight_fee"),
        (split("I1", "O2", "是"), 3, "exactly one order"),
        (split("I1", "O1", "否"), 3, "order_id"),
        (split("I1", "O2", "也许"), 3, "实物 (carries_item)"),
        (split("", "O2", "否"), 3, "商品 (item_id)"),
    ],
)
def test_a_case_is_opened_with_all_of_its_rows_or_not_at_all(
    splits: Exported, bad: list[str], line: int, words: str
) -> None:
    splits.write(split("I1", "O1", "是"), bad, split("I2", "O3", "是"), header=SPLIT_HEADER)
    export = splits.read()
    assert list(reasons(export)) == [2, 3]
    assert words in reasons(export)[line]
    assert [each["item_id"] for each in facts(export)] == ["I2"]


def test_words_of_an_export_mean_what_the_mapping_says(reships: Exported) -> None:
    reships.write(row(售后原因="未收到货"))
    ((process, opening),) = reships.read().cases
    read: Any = process.open_case(opening).facts
    assert read.reason is Reason.NEVER_RECEIVED
