"""Exports of back offices: the cases to open from their rows, and the rows that open none."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, overload

from pydantic import BaseModel, ValidationError

from aftersales.importing.case_files import figures_of
from aftersales.importing.mapping import ExportMapping, Part
from aftersales.importing.table import Table, read_table
from aftersales.importing.table_rows import TableRow, clean
from cases.case import Facts
from cases.errors import BadForm
from cases.messages import Opening
from cases.models import faults
from workflows.engine.process import Process

TOTALS = frozenset({"合计", "总计", "小计", "汇总", "累计"})
"""The words by which a row of totals is known."""
_ROWS_TOLD = 1000


@dataclass(frozen=True)
class Rejected:
    """A row that opens no case, and why."""

    row: TableRow
    reason: str


class Openings(Sequence[tuple[Process, Opening]]):
    """The cases of an export, kept as JSON: there may be 200,000."""

    def __init__(self, process: Process) -> None:
        """Begin without a case."""
        self._process = process
        self._facts: list[bytes] = []
        self._policies: list[dict[str, Any]] = []

    def add(self, facts: str, policy: dict[str, Any]) -> None:
        """Add a case: its facts as JSON, and its figures, which are shared."""
        self._facts.append(facts.encode())
        self._policies.append(policy)

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self._facts)

    @overload
    def __getitem__(self, number: int) -> tuple[Process, Opening]: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[tuple[Process, Opening]]: ...
    def __getitem__(self, number: int | slice) -> tuple[Process, Opening] | Sequence[tuple[Process, Opening]]:
        """Return a case, or several."""
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        return self._process, Opening(facts=json.loads(self._facts[number]), policy=self._policies[number])


@dataclass(frozen=True)
class Export:
    """The content of an export: its table, the cases to open, and the rejected rows by line."""

    table: Table
    cases: Openings
    rejected: list[Rejected]


@dataclass(slots=True)
class _Draft:
    """A case in the making: its rows, its facts, and the faults of each row by line."""

    rows: list[TableRow]
    facts: dict[str, Any]
    faults: dict[int, list[str]] = field(default_factory=dict)

    def add_faults(self, row: TableRow, *why: str) -> None:
        if why:
            self.faults.setdefault(row.line, []).extend(why)


def read_export(
    path: Path, mapping: ExportMapping, shops: dict[str, Any], on_rows: Callable[[int], None] = lambda _: None
) -> Export:
    """Read an export, a repeated case once; raise BadFile if the file or the mapping does not fit.

    ``on_rows`` is called again and again with the number of rows read so far.
    """
    table = read_table(path, mapping.file.sheet, mapping.file.skip_rows)
    reader = _RowReader(mapping, table, on_rows)
    seen: dict[str, tuple[int, int]] = {}
    cases, rejected, figures = Openings(mapping.process), list[Rejected](), dict[str, dict[str, Any]]()
    for draft in reader.drafts():
        facts = reader.facts(draft)
        if facts is not None:
            number, line = seen.setdefault(facts.own_id, (len(cases), draft.rows[0].line))
            if number == len(cases):
                if facts.shop not in figures:
                    figures[facts.shop] = _figures(mapping, shops, facts.shop, draft.facts)
                cases.add(json.dumps(draft.facts, ensure_ascii=False), figures[facts.shop])
            elif mapping.process.open_case(cases[number][1]).facts != facts:
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

    def __init__(self, mapping: ExportMapping, table: Table, on_rows: Callable[[int], None]) -> None:
        self._mapping, self._table, self._on_rows = mapping, table, on_rows
        self._model = mapping.process.case.facts_type()
        columns = [column for part in mapping.parts for column in part.columns.values()]
        present = set(table.headers)
        self._positions = table.positions(
            dict.fromkeys(column.header for column in columns if not column.optional or column.header in present)
        )

    def drafts(self) -> Iterable[_Draft]:
        """Return a draft for every row, or for all rows of one case together."""
        items = self._mapping.items
        return map(self._draft, self._rows()) if items is None else self._grouped(*items)

    def _rows(self) -> Iterator[TableRow]:
        number = 0
        for number, row in enumerate(self._table.rows, 1):
            if number % _ROWS_TOLD == 0:
                self._on_rows(number)
            yield row
        self._on_rows(number)

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
        if self._is_total(draft):
            draft.add_faults(row, "合计行 / a row of totals")
            return draft
        if any(clean(cell) for cell in row.cells[len(self._table.header.cells) :]):
            wrong.append("比表头多出单元格 / has more cells than the header")
        draft.add_faults(row, *wrong)
        return draft

    def _is_total(self, draft: _Draft) -> bool:
        """Return whether a row sums up others: it says so, and no case has the id that it has, if it has any."""
        (row,) = draft.rows
        own_id = self._own_id(draft)
        return (own_id is None or own_id in TOTALS) and any(
            clean(cell).rstrip(":\uff1a") in TOTALS for cell in row.cells
        )

    def _grouped(self, name: str, part: Part) -> Iterable[_Draft]:
        """Join the rows of each case, one item of its list a row."""
        cases, totals, last = dict[str, _Draft](), list[_Draft](), None
        most = _most_items(self._model, name)
        for row in self._rows():
            draft = self._draft(row)
            if self._is_total(draft):
                totals.append(draft)
                continue
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
                _join(case, draft, name, item, most)
        return chain(cases.values(), totals)

    def _own_id(self, draft: _Draft) -> str | None:
        try:
            return self._model.model_construct(**draft.facts).own_id
        except AttributeError:
            return None

    def _values(self, part: Part, row: TableRow, wrong: list[str]) -> dict[str, Any]:
        values = dict(part.constants)
        for name, column in part.columns.items():
            label, position = f"{column.header} ({name})", self._positions.get(column.header, len(row.cells))
            text = clean(row.cells[position]) if position < len(row.cells) else ""
            if text in self._mapping.file.nothing and text not in (column.values or ()):
                text = ""
            try:
                if position in row.filled and part is not self._mapping.facts:
                    wrong.append(f"{label}: 合并单元格,请逐行填写 / is a merged cell: write it into every row")
                elif text:
                    value = part.readers[name](text)
                    values[name] = sys.intern(value) if isinstance(value, str) else value  # many rows say the same
                elif part.model.model_fields[name].is_required():
                    wrong.append(f"{label}: 缺少 / is empty")
            except ValueError as bad:
                wrong.append(f"{label}: {text!r} {bad}")
        return values


def _most_items(model: type[BaseModel], name: str) -> int | None:
    """Return how many items a list may have; None if it is not limited."""
    limits = (getattr(limit, "max_length", None) for limit in model.model_fields[name].metadata)
    return next(filter(None, limits), None)


def _join(case: _Draft, draft: _Draft, name: str, item: dict[str, Any], most: int | None) -> None:
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
        if len(case.facts[name]) == most:
            case.add_faults(row, f"{name}: 同案最多 {most} 行 / a case has at most {most} of them")
        else:
            case.facts[name].append(item)
