"""The file of rejected rows, to be corrected and opened again."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from aftersales.files.spreadsheet import as_spreadsheet, is_formula
from aftersales.importing.exports import Export
from aftersales.importing.table import LINE_COLUMN, REASON_COLUMN
from aftersales.importing.table_rows import PROTECTED
from cases.errors import BadForm
from cases.typed_text import stripped

_DIGITS_AT_RISK = re.compile(r"\d{12,}|0\d+", re.ASCII)  # a spreadsheet would round them or drop the zero
_NUMBERED = re.compile(r"(.*)\.rejected(?:-(\d+))?")


def write_rejected(export: Export, path: Path | None) -> Path:
    """Write the rejected rows of an export, to be corrected and opened again; return the file's path.

    Without a path the file is put beside the export, and never replaces one with different content.
    """
    content = as_spreadsheet(_rejected_rows(export)).encode()
    path = path or next(
        candidate
        for candidate in _candidates(export.table.path)
        if not candidate.exists() or _contains(candidate, content)
    )
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as bad:
        with suppress(OSError):
            partial.unlink()
        raise BadForm(f"{path}: cannot be written: {bad.strerror}; name another file with --rejected") from bad
    return path


def _candidates(export: Path) -> Iterator[Path]:
    numbered = _NUMBERED.fullmatch(export.stem)
    stem, number = (numbered[1], int(numbered[2] or 1) + 1) if numbered else (export.stem, 1)
    while True:
        yield export.with_name(f"{stem}.rejected{f'-{number}' if number > 1 else ''}.csv")
        number += 1


def _contains(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _rejected_rows(export: Export) -> Iterator[tuple[object, ...]]:
    yield LINE_COLUMN, REASON_COLUMN, *map(protect, export.table.header.cells)
    for rejection in export.rejected:
        yield rejection.row.line, protect(rejection.reason), *map(protect, rejection.row.cells)


def protect(text: str) -> str:
    """Return a cell that a spreadsheet neither executes nor rounds, and that reads the same when imported."""
    bare = stripped(text)
    if _DIGITS_AT_RISK.fullmatch(bare):
        return f'="{bare}"'
    if is_formula(bare) and not PROTECTED.fullmatch(bare):
        return f"'{bare}"
    return text
