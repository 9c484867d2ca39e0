"""Rejected rows of an export, in a file that can be mended and given back."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from aftersales.files.spreadsheet import as_spreadsheet
from aftersales.importing.cells import PROTECTED
from aftersales.importing.exports import Export
from aftersales.importing.table import LINE, REASON
from cases.errors import BadForm

_EATEN = re.compile(r"\d{12,}|0\d+", re.ASCII)
"""Digits of which a spreadsheet would make another text."""
_NUMBERED = re.compile(r"(.*)\.rejected(?:-(\d+))?")


def write_rejects(export: Export, path: Path | None) -> Path:
    """Write the rejected rows of an export; without a path beside it, over no file that says anything else."""
    written = as_spreadsheet(_rows(export)).encode()
    path = path or next(each for each in _names(export.table.path) if not each.exists() or _says(each, written))
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(written)
        partial.replace(path)
    except OSError as bad:
        with suppress(OSError):
            partial.unlink()
        raise BadForm(f"{path}: cannot be written: {bad.strerror}; expected another place by --rejected") from bad
    return path


def _names(export: Path) -> Iterator[Path]:
    numbered = _NUMBERED.fullmatch(export.stem)
    stem, number = (numbered[1], int(numbered[2] or 1) + 1) if numbered else (export.stem, 1)
    while True:
        yield export.with_name(f"{stem}.rejected{f'-{number}' if number > 1 else ''}.csv")
        number += 1


def _says(path: Path, written: bytes) -> bool:
    try:
        return path.read_bytes() == written
    except OSError:
        return False


def _rows(export: Export) -> Iterator[tuple[object, ...]]:
    yield LINE, REASON, *map(kept, export.table.header.cells)
    for each in export.rejected:
        yield each.row.line, kept(each.reason), *map(kept, each.row.cells)


def kept(text: str) -> str:
    """The cell so that a spreadsheet neither runs it nor eats its digits, and that it still reads the same."""
    bare = text.strip()
    if _EATEN.fullmatch(bare):
        return f'="{bare}"'
    if bare.startswith(("=", "+", "-", "@")) and not PROTECTED.fullmatch(bare):
        return f"'{bare}"
    return text
