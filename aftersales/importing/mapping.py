"""Mappings: the file that says which column or constant of an export is which field of a case, and its checks."""

import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from aftersales.files.documents import Document, Place, read_document
from aftersales.importing.cells import CellReader, cell_reader, is_day, is_instant
from aftersales.importing.ids import id_mark, unclean
from cases.errors import BadForm
from cases.models import Strict, Text, expected, faults
from workflows.engine.process import Process
from workflows.registry import process_of


class Column(Strict):
    """A column by its header; ``values``: what its words mean, ``format``: how its instants are written.

    ``digits``: whether its ids are digits only; None: as the process says.  ``optional``: an export may lack it.
    """

    header: Text
    values: dict[str, Any] | None = None
    format: Text | None = None
    digits: bool | None = None
    optional: bool = False


def _column(raw: Any) -> Any:
    return {"header": raw} if isinstance(raw, str) else raw


Columns = dict[str, Annotated[Column, BeforeValidator(_column)]]


class ItemsFile(Strict):
    """The list of a case whose items have a row each."""

    field: str
    columns: Columns
    constants: dict[str, Any] = {}


WORDS_FOR_NOTHING = ("-", "--", "\u2014", "\u2014\u2014", "/", "无")
"""The words that exports put into a cell which says nothing."""


class MappingFile(Strict):
    """The fields of a mapping file; ``nothing``: the words of a cell that says nothing."""

    process: str
    columns: Columns
    constants: dict[str, Any] = {}
    rows: ItemsFile | None = None
    policy: dict[str, Any] = {}
    sheet: Text | None = None
    skip_rows: int = Field(default=0, ge=0)
    nothing: tuple[Text, ...] = WORDS_FOR_NOTHING


@dataclass(frozen=True)
class Part:
    """The columns and constants that fill one model: the facts of a case, or an item of its list."""

    model: type[BaseModel]
    columns: Columns
    constants: dict[str, Any]

    @cached_property
    def readers(self) -> dict[str, CellReader]:
        """The reader of every column's cells."""
        fields = self.model.model_fields
        return {
            name: cell_reader(fields[name], column.values, column.format, digits=column.digits)
            for name, column in self.columns.items()
        }


@dataclass(frozen=True)
class ExportMapping:
    """A mapping that fits its process; ``items``: the list that has one row an item, and its columns."""

    document: Document
    process: Process
    facts: Part
    items: tuple[str, Part] | None
    file: MappingFile

    @property
    def parts(self) -> tuple[Part, ...]:
        """The facts, and the items if there are any."""
        return (self.facts, self.items[1]) if self.items else (self.facts,)

    def label(self, *place: str | int) -> str:
        """Return a field's name with its column's header before it."""
        part, field = self.parts[-1 if len(place) > 1 else 0], str(place[-1])
        return f"{part.columns[field].header} ({field})" if field in part.columns else field


def read_mapping(path: Path) -> ExportMapping:
    """Read a mapping file; raise BadFile that names line, field and what was expected."""
    document = read_document(path)
    file = document.read(MappingFile, "mapping")
    try:
        process = process_of(file.process)
        process.case.policy_type().resolve(file.policy)
        model = process.case.facts_type()
        facts, items = Part(model, file.columns, file.constants), None
        if file.rows:
            items = file.rows.field, Part(_item_model(model, file.rows.field), file.rows.columns, file.rows.constants)
            _check(items[1], ("rows",))
        _check(facts, (), *filter(None, [items and items[0]]))
    except BadForm as bad:
        raise document.fault(bad) from bad
    return ExportMapping(document, process, facts, items, file)


# Checks of a mapping against the facts of its process


def _check(part: Part, place: Place, *filled_otherwise: str) -> None:
    """Check the columns and constants of a model; raise BadForm that names the first fault and its place."""
    for where, why in _faults(part, filled_otherwise):
        raise BadForm(f"{'.'.join(map(str, (*place, *where)))}: {why}", (*place, *where))


def _faults(part: Part, filled_otherwise: tuple[str, ...]) -> Iterator[tuple[Place, str]]:
    fields, filled = part.model.model_fields, (*part.columns, *part.constants, *filled_otherwise)
    for where, names in (("columns", part.columns), ("constants", part.constants)):
        for name in names:
            if name not in fields:
                yield (where, name), f"没有这个字段 / no such field; {expected(part.model)}"
            elif filled.count(name) > 1:
                yield (where, name), "重复 / duplicate field"
    for name, column in part.columns.items():
        yield from (
            (("columns", name, *where), why)
            for where, why in _column_faults(part.model, name, fields[name].annotation, column)
        )
    for name, value in part.constants.items():
        yield from ((("constants", name), why) for why in _value_faults(part.model, name, value))
    for name, field in fields.items():
        if field.is_required() and name not in filled:
            yield ("columns",), f"缺少必填字段 / required, but neither a column nor a constant: {name}"


def _column_faults(model: type[BaseModel], name: str, annotation: Any, column: Column) -> Iterator[tuple[Place, str]]:
    if _item_type(annotation):
        yield (), "是列表,请写在 rows 里 / is a list: give it under rows"
    for word, value in (column.values or {}).items():
        yield from ((("values", word), why) for why in _value_faults(model, name, value))
    if column.digits is not None and id_mark(model.model_fields[name]) is None:
        yield ("digits",), "只用于编号 / only ids have it"
    if column.optional and model.model_fields[name].is_required():
        yield ("optional",), "必填字段的列不能缺 / the field is required, and so is its column"
    dated = is_instant(annotation) or is_day(annotation)
    if column.format and not (dated and _is_format(column.format)):
        yield ("format",), "须为时刻的格式 / expected a date format such as %Y/%m/%d %H:%M"


def _value_faults(model: type[BaseModel], name: str, value: Any) -> list[str]:
    if isinstance(value, str) and (why := unclean(value, is_id=id_mark(model.model_fields[name]) is not None)):
        return [why]
    try:
        model.model_validate_json(json.dumps({name: value}))
    except ValidationError as bad:
        return [why for place, why in faults(bad) if place[:1] == (name,)]
    return []


def _is_format(form: str) -> bool:
    sample = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    with warnings.catch_warnings(action="ignore"):  # of a format without a year, which does not pass anyway
        try:
            return datetime.strptime(sample.strftime(form), form).date() == sample.date()  # noqa: DTZ007 - only its day counts
        except (ValueError, re.error):  # the latter of a directive that occurs twice
            return False


def _item_model(model: type[BaseModel], field: str) -> type[BaseModel]:
    """Return the model of a list's items; raise BadForm if the field is not such a list."""
    lists = {name: item for name, info in model.model_fields.items() if (item := _item_type(info.annotation))}
    if field not in lists:
        raise BadForm(f"rows.field: 没有这个列表 / no such list; lists: {', '.join(lists) or '-'}", ("rows", "field"))
    return lists[field]


def _item_type(annotation: Any) -> type[BaseModel] | None:
    inner = next(iter(get_args(annotation)), None)
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None
