"""Ids as files have them: cleaned, or refused, never opened as they stand."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aftersales.files.documents import BadFile
from aftersales.importing.case_files import read_case
from aftersales.importing.ids import id_mark, read_id
from aftersales.importing.mapping import read_mapping
from tests.support.places import EXAMPLES
from workflows.registry import PROCESSES

OWN = "7301000000000000202"


@pytest.mark.parametrize(
    "written",
    [
        OWN,
        f"{OWN}\u200b",
        f"\u202d{OWN}\u202c",
        "7301\u2060000000000000202",
        f"\ufeff{OWN}\u00ad",
        f"`{OWN}`",
        f"`{OWN}",
        f"\u201c{OWN}\u201d",
        f"'{OWN}'",
        "".join(chr(ord(digit) + 0xFEE0) for digit in OWN),
    ],
)
def test_what_was_put_around_or_into_an_id_is_taken_off(written: str) -> None:
    assert read_id(written, digits=True) == read_id(written, digits=False) == OWN


@pytest.mark.parametrize(
    ("written", "own_id"), [("281234567921.0", "281234567921"), ("281234567921.00", "281234567921")]
)
def test_a_whole_number_with_decimals_is_the_id(written: str, own_id: str) -> None:
    assert read_id(written, digits=True) == read_id(written, digits=False) == own_id


@pytest.mark.parametrize("written", ["2.81234567921E11", "2.81235e+11", "2.8E11", "7.301E+18", "7301000000000000202.0"])
@pytest.mark.parametrize("digits", [True, False])
def test_a_number_that_has_lost_digits_is_refused(written: str, *, digits: bool) -> None:
    with pytest.raises(ValueError, match="lost digits"):
        read_id(written, digits=digits)


@pytest.mark.parametrize(
    "written", ["2E11", "73O1", "٧٣٠١", "7301,7302", "合计", "73\x0001", "7301#", "-7301", "", "7301\u3164"]
)
def test_an_id_of_digits_is_nothing_else(written: str) -> None:
    with pytest.raises(ValueError, match="/"):
        read_id(written, digits=True)


@pytest.mark.parametrize("written", ["10\x0001", "10\x1b[31m01", "10\x9b01"])
def test_no_id_has_control_characters(written: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        read_id(written, digits=False)


def test_ids_with_letters_are_taken_where_the_platforms_may_have_them() -> None:
    assert [read_id(written, digits=False) for written in ("YBB20261128001", "ＹＢＢ１", "123e4567")] == [
        "YBB20261128001",
        "YBB1",
        "123e4567",
    ]


@pytest.mark.parametrize("process", list(PROCESSES))
def test_the_order_of_every_case_is_of_digits(process: str) -> None:
    model = PROCESSES[process].case.facts_type()
    if "order_id" in model.model_fields:
        mark = id_mark(model.model_fields["order_id"])
        assert mark
        assert mark.digits


def test_an_optional_id_is_one_too() -> None:
    model = PROCESSES["douyin_reship"].case.facts_type()
    mark = id_mark(model.model_fields["category_id"])
    assert mark
    assert mark.digits


CASE: dict[str, Any] = {
    "process": "douyin_reship",
    "opening": {
        "shop_id": "1001",
        "after_sale_id": "A1",
        "order_id": "O1",
        "reason": "other",
        "order_amount": "100.00",
        "applied_at": "-1h",
    },
}


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("shop_id", "10\x0001"),
        ("shop_id", "10\x1b[2J01"),
        ("after_sale_id", "A1\u200b"),
        ("order_id", "６９２２"),
        ("description", "a\x1b]0;title\x07"),
    ],
)
def test_a_case_file_with_hidden_characters_is_refused_with_the_place(tmp_path: Path, field: str, written: str) -> None:
    path = tmp_path / "case.json"
    path.write_text(json.dumps({**CASE, "opening": {**CASE["opening"], field: written}}, indent=1), encoding="utf-8")
    with pytest.raises(BadFile, match=rf"case\.json:\d+: opening\.{field}: 有") as caught:
        read_case(path, {}, datetime.now(UTC))
    assert str(caught.value).isprintable()


def test_a_constant_of_a_mapping_with_hidden_characters_is_refused(tmp_path: Path) -> None:
    text = (EXAMPLES / "exports" / "douyin_reship.yaml").read_text(encoding="utf-8")
    path = tmp_path / "mapping.yaml"
    path.write_text(text.replace('shop_id: "1001"', 'shop_id: "10\\001"'), encoding="utf-8")
    with pytest.raises(BadFile, match=r"constants\.shop_id: .*control characters"):
        read_mapping(path)
