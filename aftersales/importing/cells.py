"""Cells of an export: what people and spreadsheets write in them, as the values of fields."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, get_args

from pydantic import AwareDatetime

from cases.shanghai import SHANGHAI

CellReader = Callable[[str], Any]
"""Turns the text of a cell into a field's value; raises ValueError that says what was expected."""

PROTECTED = re.compile(r'="((?:[^"]|"")*)"')
"""A text that is written as a formula, so that no spreadsheet takes its digits for a number."""
_ERRORS = ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!")
_ROUNDED = re.compile(r"-?\d(?:\.\d+)?E\+\d{2,}")
_WIDE_COMMA = "\uff0c"
_AMOUNT = re.compile(r"[¥\uffe5]?\s*(-?)[¥\uffe5]?\s*(\d{1,3}(?:[,\uff0c]\d{3})+|\d+)(\.\d+)?\s*元?")
_USUAL = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")
_TRUTH = {"true": True, "是": True, "false": False, "否": False}


def clean(text: str) -> str:
    """What a cell says, without blanks around it and without what keeps a spreadsheet from eating digits."""
    text = text.strip()
    if protected := PROTECTED.fullmatch(text):
        return protected[1].replace('""', '"').strip()
    return text.removeprefix("'").strip()


def cell_reader(annotation: Any, values: Mapping[str, Any] | None, form: str | None) -> CellReader:
    """How cells are read into a field of that type; ``values``: what each word of the export means."""
    if values is not None:
        return _word(values)
    types = _types(annotation)
    if is_instant(annotation):
        return _instant(form)
    if Decimal in types:
        return _amount
    return _truth if bool in types else _text


def is_instant(annotation: Any) -> bool:
    """Whether a field of that type is an instant."""
    return bool({AwareDatetime, datetime} & _types(annotation))


def _types(annotation: Any) -> set[Any]:
    return {annotation}.union(
        *(_types(each) for each in get_args(annotation) if isinstance(each, type) or get_args(each))
    )


def _word(values: Mapping[str, Any]) -> CellReader:
    def read(text: str) -> Any:
        if text not in values:
            raise ValueError(f"不在映射的 values 里 / is none of: {', '.join(values)}")
        return values[text]

    return read


def _instant(form: str | None) -> CellReader:
    def read(text: str) -> str:
        found = next(filter(None, _taken(text, form)), None)
        if found is None:
            raise ValueError(f"须为时刻 / expected an instant such as {form or '2026-11-04 09:00'}")
        return (found if found.tzinfo else found.replace(tzinfo=SHANGHAI)).isoformat()

    return read


def _taken(text: str, form: str | None) -> Iterator[datetime | None]:
    if form:
        yield _formed(text, form)
    yield _iso(text)
    yield from (_formed(text, each) for each in _USUAL)


def _iso(text: str) -> datetime | None:
    try:
        # A day alone would begin the clocks at midnight: whoever means that says so by a format.
        return datetime.fromisoformat(text) if ":" in text else None
    except ValueError:
        return None


def _formed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - without an offset it is Shanghai's
    except ValueError:
        return None


def _amount(text: str) -> str:
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise ValueError("须为金额 / expected an amount such as 1299.00")
    sign, whole, cents = found.groups("")
    return f"{sign}{whole.replace(',', '').replace(_WIDE_COMMA, '')}{cents}"


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTH:
        raise ValueError("须为是或否 / expected 是 or 否, true or false, or values in the mapping")
    return _TRUTH[text.lower()]


def _text(text: str) -> str:
    if _ROUNDED.fullmatch(text):
        raise ValueError("这个数已丢位,请把列设为文本 / is a number that lost digits: format the column as text")
    if text in _ERRORS:
        raise ValueError("公式出错 / is a formula's error")
    return text
