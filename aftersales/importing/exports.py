"""Exports of back offices: the cases to open from their rows, and a file of the rows that were rejected."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aftersales.files.spreadsheet import as_spreadsheet
from aftersales.importing.case_files import figures_of
from aftersales.importing.mapping import ExportMapping, Part
from aftersales.importing.table import LINE_COLUMN, PROTECTED, REASON_COLUMN, Table, TableRow, clean, read_table
from cases.case import Facts
from cases.errors import BadForm
from cases.messages import Opening
from cases.models import faults
from workflows.engine.process import Process


@dataclass(frozen=True)
class Rejected:
    """A row that opens no case, and why."""

    row: TableRow
    reason: str


@dataclass(frozen=True)
class Export:
    """The content of an export: its table, the cases to open, and the rejected rows by line."""

    table: Table
    cases: list[tuple[Process, Opening]]
    rejected: list[Rejected]


@dataclass
class _Draft:
    """A case in the making: its rows, its facts, and the faults of each row by line."""

    rows: list[TableRow]
    facts: dict[str, Any]
    faults: dict[int, list[str]] = field(default_factory=dict)

    def add_faults(self, row: TableRow, *why: str) -> None:
        if why:
            self.faults.setdefault(row.line, []).extend(why)


def read_export(path: Path, mapping: ExportMapping, shops: dict[str, Any]) -> Export:
    """Read an export, a repeated case once; raise BadFile if the file or the mapping does not fit."""
    table = read_table(path, mapping.file.sheet, mapping.file.skip_rows)
    reader = _RowReader(mapping, table)
    seen: dict[str, tuple[Facts, int]] = {}
    cases, rejected, figures = [], list[Rejected](), dict[str, dict[str, Any]]()
    for draft in reader.drafts():
        facts = reader.facts(draft)
        if facts is not None:
            first, line = seen.setdefault(facts.own_id, (facts, draft.rows[0].line))
            if first is facts:
                if facts.shop not in figures:
                    figures[facts.shop] = _figures(mapping, shops, facts.shop, draft.facts)
                cases.append((mapping.process, Opening(facts=draft.facts, policy=figures[facts.shop])))
            elif first != facts:
                draft.add_faults(
                    draft.rows[0],
                    f"同一案件,与第 {line} 行不同 / the same case as line {line}, but with different values",
                )
        rejected += _rejected(draft)
    return Export(table, cases, sorted(rejected, key=lambda rejection: rejection.row.line))


def _figures(mapping: ExportMapping, shops: dict[str, Any], shop: str, facts: dict[str, Any]) -> dict[str, Any]:
    figures = figures_of(shops, shop, mapping.process, mapping.file.policy)
    try:
        mapping.process.open_case(Opening(facts=facts, policy=figures))
    except BadForm as bad:
        raise mapping.document.fault(bad) from bad
    return figures


def _rejected(draft: _Draft) -> Iterator[Rejected]:
    for row in draft.rows if draft.faults else ():
        first = next(iter(draft.faults))
        why = draft.faults.get(row.line) or [f"同案的第 {first} 行有误 / line {first} of the same case is wrong"]
        yield Rejected(row, "; ".join(why))


class _RowReader:
    """Reads the rows of a table by a mapping."""

    def __init__(self, mapping: ExportMapping, table: Table) -> None:
        self._mapping, self._table = mapping, table
        self._model = mapping.process.case.facts_type()
        self._positions = table.positions(
            dict.fromkeys(column.header for part in mapping.parts for column in part.columns.values())
        )

    def drafts(self) -> Iterable[_Draft]:
        """Return a draft for every row, or for all rows of one case together."""
        items = self._mapping.items
        return map(self._draft, self._table.rows) if items is None else self._grouped(*items)

    def facts(self, draft: _Draft) -> Facts | None:
        """Return the facts of a draft; None if it has faults, which it then holds."""
        if draft.faults:
            return None
        try:
            return self._model.model_validate_json(json.dumps(draft.facts))
        except ValidationError as bad:
            reasons = [f"{self._mapping.label(*place)}: {why}" if place else why for place, why in faults(bad)]
            for row in draft.rows:
                draft.add_faults(row, *reasons)
            return None

    def _draft(self, row: TableRow) -> _Draft:
        draft = _Draft([row], self._values(self._mapping.facts, row, wrong := list[str]()))
        if any(clean(cell) for cell in row.cells[len(self._table.header.cells) :]):
            wrong.append("比表头多出单元格 / has more cells than the header")
        draft.add_faults(row, *wrong)
        return draft

    def _grouped(self, name: str, part: Part) -> list[_Draft]:
        """Join the rows of each case, one item of its list a row."""
        cases, last = dict[str, _Draft](), None
        for row in self._table.rows:
            draft = self._draft(row)
            item = self._values(part, row, wrong := list[str]())
            draft.add_faults(row, *wrong)
            own_id = self._own_id(draft)
            if own_id is None:
                # It may belong to the case above, which would then lack an item.
                draft.add_faults(row, "缺少案件号 / the case id is missing")
                own_id = last or ""
            last, case = own_id, cases.setdefault(own_id, draft)
            if case is draft:
                draft.facts[name] = [item]
            else:
                _join(case, draft, name, item)
        return list(cases.values())

    def _own_id(self, draft: _Draft) -> str | None:
        try:
            return self._model.model_construct(**draft.facts).own_id
        except AttributeError:
            return None

    def _values(self, part: Part, row: TableRow, wrong: list[str]) -> dict[str, Any]:
        values = dict(part.constants)
        for name, column in part.columns.items():
            position, label = self._positions[column.header], f"{column.header} ({name})"
            text = clean(row.cells[position]) if position < len(row.cells) else ""
            try:
                if text:
                    values[name] = part.readers[name](text)
                elif part.model.model_fields[name].is_required():
                    wrong.append(f"{label}: 缺少 / is empty")
            except ValueError as bad:
                wrong.append(f"{label}: {text!r} {bad}")
        return values


def _join(case: _Draft, draft: _Draft, name: str, item: dict[str, Any]) -> None:
    """Add another row to its case; the row must agree with the first one in everything but its item."""
    (row,) = draft.rows
    case.rows.append(row)
    differing = sorted(
        fact for fact in {*case.facts, *draft.facts} - {name} if case.facts.get(fact) != draft.facts.get(fact)
    )
    if draft.faults:
        case.add_faults(row, *draft.faults[row.line])
    elif differing:
        first, fields = case.rows[0].line, ", ".join(differing)
        case.add_faults(row, f"与同案的第 {first} 行不同 / differs from line {first} of the same case: {fields}")
    elif item not in case.facts[name]:
        case.facts[name].append(item)


# The file of rejected rows

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
    bare = text.strip()
    if _DIGITS_AT_RISK.fullmatch(bare):
        return f'="{bare}"'
    if bare.startswith(("=", "+", "-", "@")) and not PROTECTED.fullmatch(bare):
        return f"'{bare}"
    return text
