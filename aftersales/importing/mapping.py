"""Mappings: the file that says which column or constant of an export is which field of a case, and its checks."""

import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, ValidationError

from aftersales.files.documents import Document, Place, read_document
from cases.errors import BadForm
from cases.models import Strict, Text, expected, faults
from cases.shanghai import SHANGHAI, shanghai_day
from workflows.engine.process import Process
from workflows.registry import process_of


class Column(Strict):
    """A column by its header; ``values``: what its words mean, ``format``: how its instants are written."""

    header: Text
    values: dict[str, Any] | None = None
    format: Text | None = None


def _column(raw: Any) -> Any:
    return {"header": raw} if isinstance(raw, str) else raw


Columns = dict[str, Annotated[Column, BeforeValidator(_column)]]


class ItemsFile(Strict):
    """The list of a case whose items have a row each."""

    field: str
    columns: Columns
    constants: dict[str, Any] = {}


class MappingFile(Strict):
    """The fields of a mapping file."""

    process: str
    columns: Columns
    constants: dict[str, Any] = {}
    rows: ItemsFile | None = None
    policy: dict[str, Any] = {}
    sheet: Text | None = None
    skip_rows: int = Field(default=0, ge=0)


@dataclass(frozen=True)
class Part:
    """The columns and constants that fill one model: the facts of a case, or an item of its list."""

    model: type[BaseModel]
    columns: Columns
    constants: dict[str, Any]

    @cached_property
    def readers(self) -> dict[str, "CellReader"]:
        """The reader of every column's cells."""
        fields = self.model.model_fields
        return {
            name: _cell_reader(fields[name].annotation, column.values, column.format)
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
    dated = _is_instant(annotation) or _is_day(annotation)
    if column.format and not (dated and _is_format(column.format)):
        yield ("format",), "须为时刻的格式 / expected a date format such as %Y/%m/%d %H:%M"


def _value_faults(model: type[BaseModel], name: str, value: Any) -> list[str]:
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
        except ValueError:
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


# Readers of cells: from what people and spreadsheets write to the values of fields

CellReader = Callable[[str], Any]
"""Turns the text of a cell into a field's value; raises ValueError that says what was expected."""

_ERROR_VALUES = ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!")
_ROUNDED = re.compile(r"-?\d(?:\.\d+)?E\+\d{2,}")
_WIDE_COMMA = "\uff0c"
_AMOUNT = re.compile(r"[¥\uffe5]?\s*(-?)[¥\uffe5]?\s*(\d{1,3}(?:[,\uff0c]\d{3})+|\d+)(\.\d+)?\s*元?")
_USUAL_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")
_USUAL_DAYS = ("%Y-%m-%d", "%Y/%m/%d")
_BOOLEANS = {"true": True, "是": True, "false": False, "否": False}


def _cell_reader(annotation: Any, values: Mapping[str, Any] | None, form: str | None) -> CellReader:
    """Return the reader for a field's type; ``values`` says what each word of the export means."""
    if values is not None:
        return _word_reader(values)
    if _is_instant(annotation):
        return _instant_reader(form)
    if _is_day(annotation):
        return _day_reader(form)
    types = _types(annotation)
    if Decimal in types:
        return _read_amount
    return _read_boolean if bool in types else _read_text


def _is_instant(annotation: Any) -> bool:
    return bool({AwareDatetime, datetime} & _types(annotation))


def _is_day(annotation: Any) -> bool:
    return date in _types(annotation)


def _types(annotation: Any) -> set[Any]:
    return {annotation}.union(
        *(_types(inner) for inner in get_args(annotation) if isinstance(inner, type) or get_args(inner))
    )


def _word_reader(values: Mapping[str, Any]) -> CellReader:
    def read(text: str) -> Any:
        if text not in values:
            raise ValueError(f"不在映射的 values 里 / not among the mapping's values: {', '.join(values)}")
        return values[text]

    return read


def _instant_reader(form: str | None) -> CellReader:
    def read(text: str) -> str:
        instant = next(filter(None, _readings(text, form)), None)
        if instant is None:
            raise ValueError(f"须为时刻 / expected a date and time such as {form or '2026-11-04 09:00'}")
        return (instant if instant.tzinfo else instant.replace(tzinfo=SHANGHAI)).isoformat()

    return read


def _day_reader(form: str | None) -> CellReader:
    def read(text: str) -> str:
        readings = (*_readings(text, form), *(_parsed(text, usual) for usual in _USUAL_DAYS))
        instant = next(filter(None, readings), None)
        if instant is None:
            raise ValueError(f"须为日期 / expected a date such as {form or '2026-11-04'}")
        return (shanghai_day(instant) if instant.tzinfo else instant.date()).isoformat()

    return read


def _readings(text: str, form: str | None) -> Iterator[datetime | None]:
    if form:
        yield _parsed(text, form)
    yield _parsed_iso(text)
    yield from (_parsed(text, usual) for usual in _USUAL_FORMATS)


def _parsed_iso(text: str) -> datetime | None:
    try:
        # A day alone would start the clocks at midnight: whoever means that says so by a format.
        return datetime.fromisoformat(text) if ":" in text else None
    except ValueError:
        return None


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - without an offset it is Shanghai's
    except ValueError:
        return None


def _read_amount(text: str) -> str:
    amount = _AMOUNT.fullmatch(text)
    if amount is None:
        raise ValueError("须为金额 / expected an amount such as 1299.00")
    sign, whole, cents = amount.groups("")
    return f"{sign}{whole.replace(',', '').replace(_WIDE_COMMA, '')}{cents}"


def _read_boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError("须为是或否 / expected 是 or 否, true or false, or values in the mapping")
    return _BOOLEANS[text.lower()]


def _read_text(text: str) -> str:
    if _ROUNDED.fullmatch(text):
        raise ValueError("这个数已丢位,请把列设为文本 / the number has lost digits: format the column as text")
    if text in _ERROR_VALUES:
        raise ValueError("公式出错 / an error value of a formula")
    return text
