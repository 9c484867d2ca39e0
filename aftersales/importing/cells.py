"""Readers of cells: from what people and spreadsheets write to the values of fields."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, get_args

from pydantic import AwareDatetime
from pydantic.fields import FieldInfo

from aftersales.importing.ids import ERROR_VALUES, FORMULA_ERROR, LOST_DIGITS, ROUNDED, id_mark, read_id
from aftersales.importing.table_rows import is_control
from cases.amounts import read_amount
from cases.shanghai import SHANGHAI, shanghai_day
from cases.typed_text import narrowed

CellReader = Callable[[str], Any]
"""Turns the text of a cell into a field's value; raises ValueError that says what was expected."""

_USUAL_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")
_USUAL_DAYS = ("%Y-%m-%d", "%Y/%m/%d")
_BOOLEANS = {"true": True, "是": True, "false": False, "否": False}


def cell_reader(
    field: FieldInfo, values: Mapping[str, Any] | None, form: str | None, *, digits: bool | None
) -> CellReader:
    """Return the reader for a field's type; ``values`` says what each word of the export means.

    ``digits``: whether its ids are digits only, None: as the field itself says.
    """
    if values is not None:
        return _word_reader(values)
    if is_instant(field.annotation):
        return _instant_reader(form)
    if is_day(field.annotation):
        return _day_reader(form)
    if mark := id_mark(field):
        return partial(read_id, digits=mark.digits if digits is None else digits)
    types = _types(field.annotation)
    if Decimal in types:
        return read_amount
    return _read_boolean if bool in types else _read_text


def is_instant(annotation: Any) -> bool:
    """Return whether a field of that type holds an instant."""
    return bool({AwareDatetime, datetime} & _types(annotation))


def is_day(annotation: Any) -> bool:
    """Return whether a field of that type holds a day."""
    return date in _types(annotation)


def _types(annotation: Any) -> set[Any]:
    return {annotation}.union(
        *(_types(inner) for inner in get_args(annotation) if isinstance(inner, type) or get_args(inner))
    )


def _word_reader(values: Mapping[str, Any]) -> CellReader:
    def read(text: str) -> Any:
        word = text if text in values else narrowed(text)
        if word not in values:
            raise ValueError(f"不在映射的 values 里 / not among the mapping's values: {', '.join(values)}")
        return values[word]

    return read


def _instant_reader(form: str | None) -> CellReader:
    def read(text: str) -> str:
        instant = next(filter(None, _readings(narrowed(text), form)), None)
        if instant is None:
            raise ValueError(f"须为时刻 / expected a date and time such as {form or '2026-11-04 09:00'}")
        return (instant if instant.tzinfo else instant.replace(tzinfo=SHANGHAI)).isoformat()

    return read


def _day_reader(form: str | None) -> CellReader:
    def read(text: str) -> str:
        text = narrowed(text)
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


def _read_boolean(text: str) -> bool:
    word = narrowed(text).lower()
    if word not in _BOOLEANS:
        raise ValueError("须为是或否 / expected 是 or 否, true or false, or values in the mapping")
    return _BOOLEANS[word]


def _read_text(text: str) -> str:
    if ROUNDED.fullmatch(text):
        raise ValueError(LOST_DIGITS)
    if text in ERROR_VALUES:
        raise ValueError(FORMULA_ERROR)
    return "".join(character for character in text if not is_control(character))
