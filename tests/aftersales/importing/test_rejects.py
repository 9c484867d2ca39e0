"""Rejected rows, written so that they can be mended and given back."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales.importing.cells import clean
from aftersales.importing.rejects import kept, write_rejects
from aftersales.importing.workbook import cell_text
from cases.errors import BadForm
from tests.support.exporting import HEADER, RESHIPS, SPLIT_HEADER, SPLITS, Exported, facts, reasons, row

BOM = "\ufeff"


@pytest.fixture
def reships(tmp_path: Path) -> Exported:
    return Exported(tmp_path, RESHIPS)


def rows(path: Path) -> list[list[str]]:
    text = path.read_bytes().decode()
    assert text.startswith(BOM)
    return list(csv.reader(io.StringIO(text.removeprefix(BOM), newline="")))


def test_only_the_bad_rows_are_written_with_line_and_reason(reships: Exported, tmp_path: Path) -> None:
    bad = row('="A2"', 金额="x", 描述="two\r\nlines,\t½")
    export = reships.read(reships.write(row(), [*bad, "more"]))
    path = write_rejects(export, None)
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
    first = write_rejects(exported.read(), None)
    again = exported.read(first)
    assert (list(reasons(again)), facts(again)) == ([2], [])
    second = write_rejects(again, None)
    assert rows(second)[0] == ["行号", "原因", *header]
    second.write_text(second.read_text(encoding="utf-8").replace(",x,", ",5,"), encoding="utf-8")
    (mended,) = facts(exported.read(second))
    assert (mended["order_amount"], mended["description"]) == ("5", "=1+1")


def test_a_number_that_lost_digits_stays_refused_until_it_is_mended(reships: Exported) -> None:
    reships.write(row(cell_text(7301000000000000001)))
    again = reships.read(write_rejects(reships.read(), None))
    assert "丢位" in reasons(again)[2]


def test_all_rows_of_a_bad_case_are_written_together(tmp_path: Path) -> None:
    exported = Exported(tmp_path, SPLITS)
    exported.write(["I1", "30", "12", "O1", "是"], ["I1", "30", "12", "O2", "?"], header=SPLIT_HEADER)
    assert [each[0] for each in rows(write_rejects(exported.read(), None))] == ["行号", "2", "3"]


def test_no_file_is_overwritten_that_says_anything_else(reships: Exported, tmp_path: Path) -> None:
    export = reships.read(reships.write(row(金额="x")))
    first = write_rejects(export, None)
    assert write_rejects(export, None) == first
    first.write_bytes(first.read_bytes() + b"mended")
    assert write_rejects(export, None) == tmp_path / "export.rejected-2.csv"
    assert write_rejects(reships.read(first), None) == tmp_path / "export.rejected-3.csv"
    assert first.read_bytes().endswith(b"mended")


def test_a_place_that_was_named_is_written_over(reships: Exported, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("old")
    assert write_rejects(reships.read(reships.write(row(金额="x"))), path) == path
    assert len(rows(path)) == 2


def test_a_place_that_cannot_be_written_is_named_and_nothing_is_left(reships: Exported, tmp_path: Path) -> None:
    export = reships.read(reships.write(row(金额="x")))
    (tmp_path / "taken").mkdir()
    for path in (tmp_path / "missing" / "bad.csv", tmp_path / "taken"):
        with pytest.raises(BadForm, match=f"{path}: cannot be written: .*--rejected"):
            write_rejects(export, path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["export.csv", "mapping.yaml", "taken"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        (' =cmd|"x"', '\'=cmd|"x"'),
        ("+86", "'+86"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ('="7301"', '="7301"'),
        ('="a"&B1&"c"', '\'="a"&B1&"c"'),
        ("730100000001", '="730100000001"'),
        ("73010000000", "73010000000"),
        ("007", '="007"'),
        ("0", "0"),
    ],
)
def test_a_spreadsheet_neither_runs_a_cell_nor_eats_its_digits(text: str, written: str) -> None:
    assert kept(text) == written


@settings(max_examples=50)
@given(st.text("=+-@'\"\t\u3000 01a&", max_size=20))
def test_what_is_written_reads_the_same(text: str) -> None:
    assert clean(kept(text)) == clean(text)
