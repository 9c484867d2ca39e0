"""Workbooks of Excel and WPS, ``.xlsx`` and ``.xls``, bounded before they are unpacked."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from aftersales.files.documents import BadFile
from aftersales.importing import workbook_program
from aftersales.importing.table_rows import TableRow
from aftersales.importing.workbook_program import NO_SHEET, PASSWORD

MOST_UNPACKED: Final = 512 * 2**20
"""The most bytes of a workbook, packed and unpacked: 200,000 rows of 10 columns take 100 MB."""
MOST_TIMES: Final = 100
"""How many times larger than packed a workbook may be; tables are 10 to 30 times larger."""
SMALL: Final = 16 * 2**20
"""A workbook that is no larger when unpacked may be packed as tightly as it likes."""
MOST_MEMORY: Final = 2**30
"""The memory of the process that reads a workbook: what fits into 512 MB may still claim billions of cells."""
_WORKBOOK: Final = "xl/workbook.xml"
_OLD: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def workbook_rows(path: Path, sheet: str | None) -> Iterator[TableRow]:
    """Yield the rows of a sheet, with formulas as their last results; raise BadFile if it cannot be read."""
    try:
        _check(path)
    except OSError as bad:
        raise BadFile(f"{path}: {bad.strerror or bad}") from bad
    except zipfile.BadZipFile as bad:
        raise _unreadable(path, str(bad)) from bad
    command = (sys.executable, "-P", workbook_program.__file__, str(path), sheet or "", str(MOST_MEMORY))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as program:  # noqa: S603 - our own program  # nosec B603
        assert program.stdout  # noqa: S101 - it is piped
        try:
            for written in program.stdout:
                row = json.loads(written)
                if row is None:
                    return
                if isinstance(row, dict):
                    raise _fault(path, sheet, row)
                line, cells, filled = row
                yield TableRow(line, tuple(map(sys.intern, cells)), tuple(filled))
        finally:
            program.kill()
    raise BadFile(f"{path}: 工作簿过大,内存不足 / too large a workbook: it needs more than {MOST_MEMORY >> 20} MB")


def _check(path: Path) -> None:
    """Raise BadFile for what is no workbook, and for one that would be too large when unpacked."""
    packed = path.stat().st_size
    with path.open("rb") as file:
        old = file.read(len(_OLD)) == _OLD
    if old:
        unpacked = packed
    else:
        with zipfile.ZipFile(path) as book:
            if _WORKBOOK not in book.namelist():
                raise _unreadable(path, f"no {_WORKBOOK}")
            unpacked = sum(member.file_size for member in book.infolist())
    if unpacked > MOST_UNPACKED or (unpacked > SMALL and unpacked > MOST_TIMES * packed):
        raise BadFile(
            f"{path}: 过大 / too large a workbook: {unpacked >> 20} MB unpacked, at most {MOST_UNPACKED >> 20} MB, "
            f"and {MOST_TIMES} times the file"
        )


def _fault(path: Path, sheet: str | None, said: dict[str, Any]) -> BadFile:
    if said["fault"] == NO_SHEET:
        sheets = ", ".join(said["sheets"]) or "-"
        return BadFile(f"{path}: 没有工作表 / no such sheet: {sheet or '-'}; sheets: {sheets}")
    if said["fault"] == PASSWORD:
        return BadFile(f"{path}: 工作簿有密码,请另存为不加密的 .xlsx / has a password: save it without one")
    return _unreadable(path, said["why"])


def _unreadable(path: Path, why: str) -> BadFile:
    return BadFile(f"{path}: 不是 Excel 工作簿,请另存为 .xlsx / not an Excel workbook: save it as .xlsx ({why})")
