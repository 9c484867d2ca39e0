"""CSV files, in UTF-8 or in an encoding of a Chinese Windows."""

import codecs
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aftersales.files.documents import BadFile
from aftersales.importing.table_rows import TableRow
from aftersales.importing.workbooks import MOST_UNPACKED

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_CHINESE: Final = "aftersales_gb18030"
_ENCODINGS: Final = ("utf-8-sig", _CHINESE)  # a Chinese Excel saves GB18030, older ones CP936
_CHUNK: Final = 2**20
_LONGEST_LINE: Final = 2**20


def _euro(bad: UnicodeError) -> tuple[str, int]:
    """Decode the one byte that CP936 has and GB18030 does not: the sign of the euro."""
    if isinstance(bad, UnicodeDecodeError) and bad.object[bad.start] == 0x80:  # noqa: PLR2004 - the byte
        return "€", bad.start + 1
    raise bad


class _ChineseDecoder(codecs.BufferedIncrementalDecoder):
    """A decoder of GB18030 for whole lines: Python's own loses what follows a euro at the very end of a file."""

    def _buffer_decode(self, input: "ReadableBuffer", errors: str, final: bool) -> tuple[str, int]:  # noqa: A002, ARG002, FBT001
        text = bytes(input)
        whole = len(text) if final else max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
        if not whole and len(text) > _LONGEST_LINE:
            raise UnicodeDecodeError(_CHINESE, text, 0, len(text), "the line is too long")
        return codecs.decode(text[:whole], "gb18030", _CHINESE), whole


def _find(name: str) -> codecs.CodecInfo | None:
    if name != _CHINESE:
        return None
    known = codecs.lookup("gb18030")
    return codecs.CodecInfo(known.encode, known.decode, incrementaldecoder=_ChineseDecoder, name=_CHINESE)


codecs.register_error(_CHINESE, _euro)
codecs.register(_find)


def csv_rows(path: Path) -> Iterator[TableRow]:
    """Yield the rows of a CSV file; raise BadFile if it cannot be read."""
    try:
        size = path.stat().st_size
        if size > MOST_UNPACKED:
            raise BadFile(f"{path}: 文件过大 / too large: {size >> 20} MB, at most {MOST_UNPACKED >> 20} MB")
        with path.open(encoding=_encoding(path), newline="") as file:
            reader = csv.reader(file, strict=True)
            line = 1
            try:
                for cells in reader:
                    yield TableRow(line, tuple(map(sys.intern, cells)))  # most words of a table occur again and again
                    line = reader.line_num + 1
            except csv.Error as bad:
                raise BadFile(f"{path}:{line}: 不是 CSV / not valid CSV: {bad}") from bad
    except OSError as bad:
        raise BadFile(f"{path}: {bad.strerror}") from bad


def _encoding(path: Path) -> str:
    """Return the encoding in which a whole file can be read; raise BadFile that names the line where none can."""
    furthest = 0
    for encoding in _ENCODINGS:
        line = _undecodable_line(path, encoding)
        if line is None:
            return encoding
        furthest = max(furthest, line)
        if _has_mark(path):
            break
    raise BadFile(
        f"{path}:{furthest}: 编码须为 UTF-8 或 GB18030,此行无法解码 / neither UTF-8 nor GB18030 text in this line"
    )


def _has_mark(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8


def _undecodable_line(path: Path, encoding: str) -> int | None:
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    with path.open("rb") as file:
        try:
            while chunk := file.read(_CHUNK):
                line += decoder.decode(chunk).count("\n")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as bad:
            return line + bad.object[: bad.start].count(b"\n")
    return None
