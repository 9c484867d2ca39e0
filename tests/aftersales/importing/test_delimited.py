"""CSV files in the encodings of a Chinese Windows."""

from pathlib import Path

import pytest

from aftersales.files.documents import BadFile
from aftersales.importing import delimited
from aftersales.importing.delimited import csv_rows


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "export.csv"
    path.write_bytes(content)
    return path


def test_the_euro_of_cp936_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "金额,".encode("gb18030") + b"\x8099\r\n")
    assert [row.cells for row in csv_rows(path)] == [("金额", "€99")]


@pytest.mark.parametrize("amount", ["", "9", "99", "99.5"])
def test_what_follows_a_euro_at_the_very_end_of_a_file_is_read(tmp_path: Path, amount: str) -> None:
    path = written(tmp_path, "金额,".encode("gb18030") + b"\x80" + amount.encode())
    assert [row.cells for row in csv_rows(path)] == [("金额", f"€{amount}")]


def test_a_line_without_an_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"export\.csv:2: "):
        list(csv_rows(written(tmp_path, b"a\n" + "好".encode("gb18030") * 2**20)))


@pytest.mark.parametrize("chunk", [1, 7, 2**20])
@pytest.mark.parametrize(
    "content",
    [
        "单号,描述\r\n1,好\r\n2,少了两".encode("gb18030") + b"\xb5,\r\n",
        "\ufeff单号,描述\r\n1,好\r\n2,少".encode() + b"\xe4\xb8,\r\n3,x\r\n",
        "单号,描述\r\n1,好\r\n2,少了两只".encode("gb18030")[:-1],
        b"a\r\nb\r\n\r\x801\xef",
    ],
)
def test_the_line_is_named_that_cannot_be_decoded(
    tmp_path: Path, content: bytes, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "_CHUNK", chunk)
    with pytest.raises(BadFile, match=r"export\.csv:3: "):
        list(csv_rows(written(tmp_path, content)))


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "MOST_UNPACKED", 3)
    with pytest.raises(BadFile, match="too large"):
        list(csv_rows(written(tmp_path, b"a,b,c\r\n")))
