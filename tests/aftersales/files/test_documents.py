"""Files that people write: what they say, on which line, and what is wrong with them."""

from pathlib import Path
from typing import Any

import pytest

from aftersales.files.documents import MAX_FIELDS, MOST_LEVELS, BadFile, read_document
from cases.errors import BadForm


def read(tmp_path: Path, text: str | bytes, name: str = "case.yaml") -> Any:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_document(path)


def fault(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(BadFile) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{tmp_path / 'case.yaml'}:")
    return message.removeprefix(f"{tmp_path / 'case.yaml'}:")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("2026-01-05", "2026-01-05"),
        ("2026-01-05T09:00:00+08:00", "2026-01-05T09:00:00+08:00"),
        ("1:30:00", "1:30:00"),
        ("007", "007"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1e5", "1e5"),
        (".inf", ".inf"),
        ("=", "="),
        ("<<", "<<"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("-7", -7),
        ("6922000000000000001", 6922000000000000001),
        ("58.50", 58.5),
        ('"58.50"', "58.50"),
        ("[a, {b: 1}]", ["a", {"b": 1}]),
    ],
)
def test_yaml_means_what_json_could_say(tmp_path: Path, written: str, meant: Any) -> None:
    value = read(tmp_path, f"field: {written}\n").data["field"]
    assert (value, type(value)) == (meant, type(meant))


@pytest.mark.parametrize("name", ["1001", "true", "2026-01-05", "null"])
def test_a_fields_name_is_text(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, f"{name}: 1\n").data == {name: 1}


def test_every_field_knows_its_line(tmp_path: Path) -> None:
    document = read(tmp_path, "# said first\na: 1\nsteps:\n  - {at: 1h}\n  - at: 2h\n    act: agree\n")
    assert [document.line(*place) for place in ((), ("a",), ("steps", 0), ("steps", 1, "act"))] == [2, 2, 4, 6]


def test_a_fault_has_the_line_of_its_field_or_of_the_nearest_field_around_it(tmp_path: Path) -> None:
    document = read(tmp_path, "a: 1\nb:\n  c: 2\n")
    faults = [str(document.fault(BadForm("wrong", place))) for place in (("b", "c"), ("b", "left out"), ("nowhere",))]
    assert [text.removeprefix(str(document.path)) for text in faults] == [":3: wrong", ":2: wrong", ":1: wrong"]
    assert str(document.fault(BadForm("wrong", ("c",)), "b")).endswith(":3: wrong")


@pytest.mark.parametrize("indent", ["\t", "  "])
def test_json_with_tabs_or_spaces(tmp_path: Path, indent: str) -> None:
    document = read(tmp_path, f'{{\n{indent}"a": "\\ud83d\\ude00\\/",\n{indent}"b":\t[1e2, true]\n}}\n', "case.json")
    assert document.data == {"a": "😀/", "b": [100.0, True]}
    assert document.line("b") == 3


@pytest.mark.parametrize("text", ["a: 1\n", '{\n\t"a": 1\n}\n'])
def test_a_byte_order_mark_is_dropped(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, f"\ufeff{text}").data == {"a": 1}


def test_an_alias_is_replaced_by_what_its_anchor_names(tmp_path: Path) -> None:
    document = read(tmp_path, "a: &piece {kind: sms}\nb:\n  - *piece\n  - *piece\n")
    assert document.data["b"] == [{"kind": "sms"}, {"kind": "sms"}]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "duplicate key 'a'"),
        ("a:\n  b: 1\n  b: 2\n", 3, "duplicate key 'b'"),
        ('{"a": 1,\n "a": 2}', 2, "duplicate key 'a'"),
        ("1: a\n'1': b\n", 2, "duplicate key '1'"),
        ("? [a, b]\n: 1\n", 1, "name must be text"),
        ("? {a: b}\n: 1\n", 1, "name must be text"),
        ("a: [1, 2\nb: 3\n", 2, "not valid YAML or JSON"),
        ("a: 1\n\tb: 2\n", 2, "not valid YAML or JSON"),
        ("a: *nobody\n", 1, "undefined alias"),
        ("a: &a [*a]\n", 1, "not valid YAML or JSON"),
        ("a: !!python/object:os.system {}\n", 1, "could not determine a constructor"),
        ("a: 1\n---\nb: 2\n", 2, "single document"),
        ("a: \x07\n", 1, "not valid YAML or JSON"),
        ("", 1, "expected a mapping of fields, got nothing"),
        ("- a\n- b\n", 1, "expected a mapping of fields, got list"),
        ("just text\n", 1, "expected a mapping of fields, got str"),
        ("[" * 5000, 1, "not valid YAML or JSON"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", 1, "not valid YAML or JSON"),
        ('{"a": NaN}', 1, "not valid YAML or JSON: NaN is not a number"),
    ],
)
def test_a_file_that_cannot_be_read_says_line_and_reason(tmp_path: Path, text: str, line: int, words: str) -> None:
    message = fault(tmp_path, text)
    assert message.startswith(f"{line}: ")
    assert words in message


@pytest.mark.parametrize(
    "text", ["a: 1\nb: &b [x, *b]\n", "a: 1\nb: &b {c: *b}\n", f"a: 1\nb: {'[' * 101}{']' * 101}\n"]
)
def test_an_alias_within_its_own_anchor_is_refused_and_so_is_what_is_nested_too_deeply(
    tmp_path: Path, text: str
) -> None:
    assert f"2: not valid YAML or JSON: nested deeper than {MOST_LEVELS} levels" in fault(tmp_path, text)


def test_aliases_of_aliases_do_not_fill_the_memory(tmp_path: Path) -> None:
    doubled = "".join(f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]\n" for number in range(1, 12))
    assert f"more than {MAX_FIELDS} fields" in fault(tmp_path, f"a0: &a0 [x]\n{doubled}")


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    assert fault(tmp_path, "店铺: 一\n".encode("gbk")) == " not UTF-8 text"


@pytest.mark.parametrize(("name", "words"), [("missing.yaml", "No such file"), (".", "Is a directory")])
def test_a_file_that_cannot_be_opened(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(BadFile, match=words):
        read_document(tmp_path / name)
