"""Exports of a marketplace's back office: rows to cases, and the file of rejected rows."""

import csv
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales.files.documents import BadFile
from aftersales.importing import table
from aftersales.importing.exports import read_export
from aftersales.importing.mapping import read_mapping
from aftersales.importing.rejected import protect, write_rejected
from aftersales.importing.table_rows import clean
from aftersales.importing.workbook_program import cell_text
from cases.douyin_reship import Reason
from cases.errors import BadForm
from tests.support.places import EXAMPLES
from tests.support.programs.memory import PEAK
from tests.support.programs.programs import ROOT
from tests.support.records.exporting import HEADER, RESHIPS, SPLIT_HEADER, SPLITS, Exported, facts, reasons, row
from workflows.registry import PROCESSES

EXPORTS = EXAMPLES / "exports"
BOM = "\ufeff"


@pytest.fixture
def reships(tmp_path: Path) -> Exported:
    return Exported(tmp_path, RESHIPS)


@pytest.fixture
def splits(tmp_path: Path) -> Exported:
    return Exported(tmp_path, SPLITS)


@pytest.mark.parametrize("process", list(PROCESSES))
def test_every_process_has_an_example_export_without_bad_rows(process: str) -> None:
    export = read_export(EXPORTS / f"{process}.csv", read_mapping(EXPORTS / f"{process}.yaml"), {})
    assert (export.rejected, {opened_by.name for opened_by, _ in export.cases}) == ([], {process})
    assert len(export.cases) > 1
    for opened_by, opening in export.cases:
        assert opened_by.open_case(opening)


def test_an_empty_cell_is_an_absent_field(reships: Exported) -> None:
    reships.write(row(收货时间=" ", 描述='=""'))
    (fields,) = facts(reships.read())
    assert not {"received_at", "description"} & set(fields)


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
    (fields,) = facts(reships.read())
    assert (fields["order_amount"], fields["description"]) == (amount, "¥1,299.00")


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
    assert {case["received_at"] for case in facts(exported.read())} == {"2026-11-04T09:00:00+08:00"}


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
    ((line, reason),) = reasons(export).items()
    assert line == 2
    assert column in reason
    assert words in reason
    assert [case["after_sale_id"] for case in facts(export)] == ["A2"]


def test_a_rejected_row_names_all_of_its_faults(reships: Exported) -> None:
    reships.write([*row(金额="x", 申请时间="y"), "more"])
    (reason,) = reasons(reships.read()).values()
    assert [name for name in ("金额", "申请时间", "多出") if name not in reason] == []


def test_lines_are_those_of_the_file(reships: Exported) -> None:
    reships.write(row(描述="two\nlines"), [], row("A2", 金额="x"), row("A3")[:4])
    assert list(reasons(reships.read())) == [5, 6]


def test_the_same_case_twice_is_opened_once_unless_it_says_otherwise(reships: Exported) -> None:
    reships.write(row(金额="x"), row(), row(金额="¥58.5"), row(金额="60"), row("A2"))
    export = reships.read()
    assert [case["after_sale_id"] for case in facts(export)] == ["A1", "A2"]
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


def split(item: str, order: str, carries: str, **cells: str) -> list[str]:
    usual = dict(zip(SPLIT_HEADER, (item, "30", "12", order, carries), strict=True))
    return list({**usual, **cells}.values())


def test_rows_of_one_case_become_one_case(splits: Exported) -> None:
    rows = [split("I1", "O1", "是"), split("I2", "O3", "TRUE"), split("I1", "O2", "否"), split("I1", "O2", "否")]
    splits.write(*rows, header=SPLIT_HEADER)
    export = splits.read()
    orders = {case["item_id"]: [order["order_id"] for order in case["sub_orders"]] for case in facts(export)}
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
    assert [case["item_id"] for case in facts(export)] == ["I2"]


@pytest.mark.parametrize(
    "total", [["", "", "", "合计", ""], ["合计", "60", "24", "", ""], ["", "小计：", "24", "2", ""]]
)
def test_a_row_of_totals_costs_only_itself(splits: Exported, total: list[str]) -> None:
    splits.write(split("I1", "O1", "是"), total, split("I2", "O2", "是"), total, header=SPLIT_HEADER)
    export = splits.read()
    assert [case["item_id"] for case in facts(export)] == ["I1", "I2"]
    assert [(line, "合计行" in reason) for line, reason in reasons(export).items()] == [(3, True), (5, True)]


def test_a_table_of_one_row_a_case_may_end_with_totals_too(reships: Exported) -> None:
    reships.write(row("A1"), ["合计", "", "", "58.50", "", "", ""])
    export = reships.read()
    assert (len(facts(export)), list(reasons(export))) == (1, [3])
    assert "合计行" in reasons(export)[3]


def test_a_case_with_more_items_than_it_may_have_says_how_many(splits: Exported) -> None:
    field: Any = PROCESSES["anxinjian_split"].case.facts_type().model_fields["sub_orders"]
    most = next(limit.max_length for limit in field.metadata if hasattr(limit, "max_length"))
    orders = [split("I1", f"O{number}", "是" if number == 0 else "否") for number in range(most + 1)]
    splits.write(*orders, split("I2", "O", "是"), header=SPLIT_HEADER)
    export = splits.read()
    assert f"sub_orders: 同案最多 {most} 行 / a case has at most {most}" in reasons(export)[most + 2]
    assert [case["item_id"] for case in facts(export)] == ["I2"]


@pytest.mark.parametrize("word", ["-", "--", "—", "——", "无", "/", "'-"])
def test_a_word_for_nothing_is_an_empty_cell(reships: Exported, word: str) -> None:
    reships.write(row("A1", 收货时间=word, 描述=word), row("A2", 金额=word))
    export = reships.read()
    ((fields,), refused) = facts(export), reasons(export)
    assert not {"received_at", "description"} & set(fields)
    assert "金额 (order_amount): 缺少" in refused[3]


def test_a_mapping_names_its_own_words_for_nothing(tmp_path: Path) -> None:
    exported = Exported(tmp_path, {**RESHIPS, "nothing": ["未填"]})
    exported.write(row("A1", 收货时间="未填"), row("A2", 收货时间="-"))
    assert list(reasons(exported.read())) == [3]


def test_a_word_that_the_mapping_translates_is_not_nothing(tmp_path: Path) -> None:
    carries = {"header": "实物", "values": {"有": True, "无": False}}
    columns = {**SPLITS["rows"]["columns"], "carries_item": carries}
    exported = Exported(tmp_path, {**SPLITS, "rows": {**SPLITS["rows"], "columns": columns}})
    exported.write(split("I1", "O1", "有"), split("I1", "O2", "无"), header=SPLIT_HEADER)
    (case,) = facts(exported.read())
    assert [order["carries_item"] for order in case["sub_orders"]] == [True, False]


def test_an_export_may_lack_an_optional_column(tmp_path: Path) -> None:
    received = {"header": "签收", "optional": True}
    exported = Exported(tmp_path, {**RESHIPS, "columns": {**RESHIPS["columns"], "received_at": received}})
    exported.write(row())
    assert "received_at" not in facts(exported.read())[0]
    exported.write([*row(), "2026-11-04 09:00"], header=[*HEADER, "签收"])
    assert facts(exported.read())[0]["received_at"] == "2026-11-04T09:00:00+08:00"


def test_ids_of_digits_are_refused_otherwise_unless_the_mapping_says_so(tmp_path: Path) -> None:
    exported = Exported(tmp_path, {**RESHIPS, "columns": {**RESHIPS["columns"], "after_sale_id": "售后单号"}})
    exported.write(row("7301\u200b"), row("A1"))
    export = exported.read()
    assert [case["after_sale_id"] for case in facts(export)] == ["7301"]
    assert "digits: false" in reasons(export)[3]


def test_a_text_is_kept_without_its_control_characters(reships: Exported) -> None:
    reships.write(row(描述="a\x1b[31m\x07红👩\u200d🔧\n第二行"))
    assert facts(reships.read())[0]["description"] == "a[31m红👩\u200d🔧\n第二行"


def test_the_rows_read_so_far_are_told(reships: Exported) -> None:
    told: list[int] = []
    reships.write(*(row(f"A{number}") for number in range(1500)))
    export = read_export(reships.path, read_mapping(reships.mapping), {}, told.append)
    assert (told, len(export.cases)) == ([1000, 1500], 1500)


def test_a_file_of_too_many_rows_opens_none(reships: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MOST_ROWS", 2)
    reships.write(row("A1"), row("A2"))
    assert len(reships.read().cases) == 2
    reships.write(row("A1"), row("A2"), row("A3"))
    with pytest.raises(BadFile, match=r"export\.csv:4: .*more than 2 rows"):
        reships.read()


def test_two_hundred_thousand_rows_take_less_than_300_mb(reships: Exported) -> None:
    """Measured on a tenth of them, beyond what the program takes without a row."""
    code = (
        "import sys; from pathlib import Path; import aftersales.cli.opening.bulk_opening\n"
        "from aftersales.importing.exports import read_export\n"
        "from aftersales.importing.mapping import read_mapping\n"
        "mapping = read_mapping(Path(sys.argv[2]))\n"
        f"used = lambda: {PEAK}\n"
        "before = used(); export = read_export(Path(sys.argv[1]), mapping, {})\n"
        "print(len(export.cases), before, used())"
    )
    reships.write(*(row(str(7301000000000000000 + number)) for number in range(20_000)))
    command = [sys.executable, "-c", code, str(reships.path), str(reships.mapping)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    cases, before, after = map(int, done.stdout.split())
    assert cases == 20_000
    assert before + 10 * (after - before) < 300


def test_words_of_an_export_mean_what_the_mapping_says(reships: Exported) -> None:
    reships.write(row(售后原因="未收到货"))
    ((process, opening),) = reships.read().cases
    read: Any = process.open_case(opening).facts
    assert read.reason is Reason.NEVER_RECEIVED


def rows(path: Path) -> list[list[str]]:
    text = path.read_bytes().decode()
    assert text.startswith(BOM)
    return list(csv.reader(io.StringIO(text.removeprefix(BOM), newline="")))


def test_only_the_bad_rows_are_written_with_line_and_reason(reships: Exported, tmp_path: Path) -> None:
    bad = row('="A2"', 金额="x", 描述="two\r\nlines,\t½")
    export = reships.read(reships.write(row(), [*bad, "more"]))
    path = write_rejected(export, None)
    assert path == tmp_path / "export.rejected.csv"
    header, (line, reason, *cells) = rows(path)
    assert (header, cells) == (["行号", "原因", *HEADER], [*bad, "more"])
    assert (line, reason) == ("3", reasons(export)[3])
    assert sorted(tmp_path.iterdir()) == sorted([reships.mapping, reships.path, path])


def test_mended_rows_are_read_by_the_same_mapping(tmp_path: Path) -> None:
    mapping = {**RESHIPS, "skip_rows": 1, "sheet": "售后单", "columns": {**RESHIPS["columns"], "description": "原因"}}
    exported = Exported(tmp_path, mapping)
    header = [*HEADER[:-1], "原因"]
    exported.write(header, row("A1", 金额="x", 描述="=1+1"), row("A2"), header=["报表"])
    first = write_rejected(exported.read(), None)
    again = exported.read(first)
    assert (list(reasons(again)), facts(again)) == ([2], [])
    second = write_rejected(again, None)
    assert rows(second)[0] == ["行号", "原因", *header]
    second.write_text(second.read_text(encoding="utf-8").replace(",x,", ",5,"), encoding="utf-8")
    (mended,) = facts(exported.read(second))
    assert (mended["order_amount"], mended["description"]) == ("5", "=1+1")


def test_a_number_that_lost_digits_stays_refused_until_it_is_mended(reships: Exported) -> None:
    reships.write(row(cell_text(7301000000000000001)))
    again = reships.read(write_rejected(reships.read(), None))
    assert "丢位" in reasons(again)[2]


def test_all_rows_of_a_bad_case_are_written_together(tmp_path: Path) -> None:
    exported = Exported(tmp_path, SPLITS)
    exported.write(["I1", "30", "12", "O1", "是"], ["I1", "30", "12", "O2", "?"], header=SPLIT_HEADER)
    assert [line for line, *_ in rows(write_rejected(exported.read(), None))] == ["行号", "2", "3"]


def test_no_file_is_overwritten_that_says_anything_else(reships: Exported, tmp_path: Path) -> None:
    export = reships.read(reships.write(row(金额="x")))
    first = write_rejected(export, None)
    assert write_rejected(export, None) == first
    first.write_bytes(first.read_bytes() + b"mended")
    assert write_rejected(export, None) == tmp_path / "export.rejected-2.csv"
    assert write_rejected(reships.read(first), None) == tmp_path / "export.rejected-3.csv"
    assert first.read_bytes().endswith(b"mended")


def test_a_place_that_was_named_is_written_over(reships: Exported, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("old")
    assert write_rejected(reships.read(reships.write(row(金额="x"))), path) == path
    assert len(rows(path)) == 2


def test_a_place_that_cannot_be_written_is_named_and_nothing_is_left(reships: Exported, tmp_path: Path) -> None:
    export = reships.read(reships.write(row(金额="x")))
    (tmp_path / "taken").mkdir()
    for path in (tmp_path / "missing" / "bad.csv", tmp_path / "taken"):
        with pytest.raises(BadForm, match=f"{path}: cannot be written: .*--rejected"):
            write_rejected(export, path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.csv", "mapping.yaml", "taken"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        (' =cmd|"x"', '\'=cmd|"x"'),
        ("+86", "'+86"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("\uff20x", "'\uff20x"),
        ("\uff0b1", "'\uff0b1"),
        ("\uff0d1", "'\uff0d1"),
        ("\u200b=1+1", "'=1+1"),
        ("\ufeff\t=1+1", "'=1+1"),
        ('="7301"', '="7301"'),
        ('="a"&B1&"c"', '\'="a"&B1&"c"'),
        ("730100000001", '="730100000001"'),
        ("73010000000", "73010000000"),
        ("007", '="007"'),
        ("0", "0"),
    ],
)
def test_a_spreadsheet_neither_runs_a_cell_nor_eats_its_digits(text: str, written: str) -> None:
    assert protect(text) == written


@settings(max_examples=50)
@given(st.text("=+-@'\"\t\u3000 01a&\uff1d\uff20\u200b\ufeff", max_size=20))
def test_what_is_written_reads_the_same(text: str) -> None:
    assert clean(protect(text)) == clean(text)
