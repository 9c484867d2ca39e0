"""Exports: the cases that the rows of a marketplace's export are, and the rows that are none."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aftersales.importing.case_files import figures_of
from aftersales.importing.cells import clean
from aftersales.importing.mapping import ExportMapping
from aftersales.importing.mapping_file import Part
from aftersales.importing.table import Table, TableRow, read_table
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
    """What an export holds: its table, the cases to open, and the rows that are wrong, by line."""

    table: Table
    cases: list[tuple[Process, Opening]]
    rejected: list[Rejected]


@dataclass
class _Draft:
    """What becomes a case: its rows, what they say of it, and what is wrong with each."""

    rows: list[TableRow]
    facts: dict[str, Any]
    faults: dict[int, list[str]] = field(default_factory=dict)

    def blame(self, row: TableRow, *why: str) -> None:
        if why:
            self.faults.setdefault(row.line, []).extend(why)


def read_export(path: Path, mapping: ExportMapping, shops: dict[str, Any]) -> Export:
    """Read an export, a case that stands there twice once; raises BadFile where the file or the mapping is unfit."""
    table = read_table(path, mapping.file.sheet, mapping.file.skip_rows)
    reader = _Reader(mapping, table)
    found: dict[str, tuple[Facts, int]] = {}
    cases, rejected, figures = [], list[Rejected](), dict[str, dict[str, Any]]()
    for draft in reader.drafts():
        facts = reader.facts(draft)
        if facts is not None:
            known, line = found.setdefault(facts.own_id, (facts, draft.rows[0].line))
            if known is facts:
                if facts.shop not in figures:
                    figures[facts.shop] = _figures(mapping, shops, facts.shop, draft.facts)
                cases.append((mapping.process, Opening(facts=draft.facts, policy=figures[facts.shop])))
            elif known != facts:
                draft.blame(draft.rows[0], f"同一案件,与第 {line} 行不同 / same case, other values than line {line}")
        rejected += _rejected(draft)
    return Export(table, cases, sorted(rejected, key=lambda each: each.row.line))


def _figures(mapping: ExportMapping, shops: dict[str, Any], shop: str, facts: dict[str, Any]) -> dict[str, Any]:
    figures = figures_of(shops, shop, mapping.process, mapping.file.policy)
    try:
        mapping.process.open_case(Opening(facts=facts, policy=figures))
    except BadForm as bad:
        raise mapping.document.fault(bad) from bad
    return figures


def _rejected(draft: _Draft) -> Iterator[Rejected]:
    for row in draft.rows if draft.faults else ():
        wrong = next(iter(draft.faults))
        why = draft.faults.get(row.line) or [f"同案的第 {wrong} 行有误 / line {wrong} of the same case is wrong"]
        yield Rejected(row, "; ".join(why))


class _Reader:
    """Reads the rows of a table by a mapping."""

    def __init__(self, mapping: ExportMapping, table: Table) -> None:
        self._mapping, self._table = mapping, table
        self._model = mapping.process.case.facts_type()
        self._places = table.positions(
            dict.fromkeys(column.header for part in mapping.parts for column in part.columns.values())
        )

    def drafts(self) -> Iterable[_Draft]:
        """What each row says, or all the rows of one case together."""
        items = self._mapping.items
        return map(self._draft, self._table.rows) if items is None else self._joined(*items)

    def facts(self, draft: _Draft) -> Facts | None:
        """The facts of a draft, or None: it is then to blame."""
        if draft.faults:
            return None
        try:
            return self._model.model_validate_json(json.dumps(draft.facts))
        except ValidationError as bad:
            told = [f"{self._mapping.called(*place)}: {why}" if place else why for place, why in faults(bad)]
            for row in draft.rows:
                draft.blame(row, *told)
            return None

    def _draft(self, row: TableRow) -> _Draft:
        draft = _Draft([row], self._values(self._mapping.facts, row, wrong := list[str]()))
        if any(clean(each) for each in row.cells[len(self._table.header.cells) :]):
            wrong.append("比表头多出单元格 / has more cells than the header")
        draft.blame(row, *wrong)
        return draft

    def _joined(self, name: str, part: Part) -> list[_Draft]:
        joined, last = dict[str, _Draft](), None
        for row in self._table.rows:
            draft = self._draft(row)
            item = self._values(part, row, wrong := list[str]())
            draft.blame(row, *wrong)
            own_id = self._own_id(draft)
            if own_id is None:
                # It may belong to the case above: without it that one would lack an item.
                draft.blame(row, "缺少案件号 / lacks the case's id")
                own_id = last or ""
            last, case = own_id, joined.setdefault(own_id, draft)
            if case is draft:
                draft.facts[name] = [item]
            else:
                _join(case, draft, name, item)
        return list(joined.values())

    def _own_id(self, draft: _Draft) -> str | None:
        try:
            return self._model.model_construct(**draft.facts).own_id
        except AttributeError:
            return None

    def _values(self, part: Part, row: TableRow, wrong: list[str]) -> dict[str, Any]:
        values = dict(part.constants)
        for name, column in part.columns.items():
            place, called = self._places[column.header], f"{column.header} ({name})"
            text = clean(row.cells[place]) if place < len(row.cells) else ""
            try:
                if text:
                    values[name] = part.readers[name](text)
                elif part.model.model_fields[name].is_required():
                    wrong.append(f"{called}: 缺少 / is empty")
            except ValueError as bad:
                wrong.append(f"{called}: {text!r} {bad}")
        return values


def _join(case: _Draft, draft: _Draft, name: str, item: dict[str, Any]) -> None:
    (row,) = draft.rows
    case.rows.append(row)
    differing = sorted(
        each for each in {*case.facts, *draft.facts} - {name} if case.facts.get(each) != draft.facts.get(each)
    )
    if draft.faults:
        case.blame(row, *draft.faults[row.line])
    elif differing:
        first, fields = case.rows[0].line, ", ".join(differing)
        case.blame(row, f"与同案的第 {first} 行不同 / differs from line {first} of the same case: {fields}")
    elif item not in case.facts[name]:
        case.facts[name].append(item)
