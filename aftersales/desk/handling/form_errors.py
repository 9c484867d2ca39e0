"""What is wrong with a posted form, in words: field by field, with the names that the page has."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from cases.errors import BadForm
from cases.form_shape import FieldKind, FieldShape, shape_of

WHOLE_FORM: Final = ""
"""The name under which an error stands that is about several fields."""
RowNames = Mapping[tuple[str | int, ...], str]
"""The names of rows on the page, such as evidence.2, by their places in the form, as empty rows are left out of it."""


class UnfitForm(BadForm):
    """A posted form that does not fit; ``errors`` says why, by the name of the field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        """Keep the errors; each is a sentence of its own."""
        super().__init__(";".join(errors.values()), (next(iter(errors), WHOLE_FORM),))
        self.errors = errors


_ERRORS: Final[Mapping[str, str]] = {
    "missing": "必填",
    "string_too_short": "必填",
    "string_too_long": "最多 {max_length} 字",
    "too_short": "至少 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "enum": "请选一项",
    "literal_error": "请选一项",
    "bool_type": "请选是或否",
    "bool_parsing": "请选是或否",
    "decimal_type": "须为数字,如 12.50",
    "decimal_parsing": "须为数字,如 12.50",
    "decimal_max_places": "最多 {decimal_places} 位小数",
    "decimal_max_digits": "过大",
    "decimal_whole_digits": "过大",
    "greater_than_equal": "不能小于 {ge}",
    "less_than_equal": "不能大于 {le}",
    "greater_than": "须大于 {gt}",
    "less_than": "须小于 {lt}",
    "int_type": "须为整数",
    "int_parsing": "须为整数",
    "string_pattern_mismatch": "不能含空格或斜线",
    "extra_forbidden": "没有这一项",
}
_UNREADABLE: Final[Mapping[FieldKind, str]] = {
    FieldKind.INSTANT: "须为日期和时间,如 2026-11-11 09:30",
    FieldKind.DAY: "须为日期,如 2026-11-11",
}
_UNCLEAR: Final = "有误"


def errors_in_words(form: type[BaseModel], bad: ValidationError, rows: RowNames) -> dict[str, str]:
    """Return the errors in words, by the names of fields on the page; the first of a field counts."""
    errors: dict[str, str] = {}
    names = _names(shape_of(form))
    for fault in bad.errors(include_url=False, include_input=False):
        name, titles, shape = _place(shape_of(form), fault["loc"], rows)
        why = _why(fault, shape, names)
        errors.setdefault(name, ":".join((*titles, why)))
    # A list with a faulty row counts as too short as well, which would say nothing new.
    return {name: why for name, why in errors.items() if not any(other.startswith(f"{name}.") for other in errors)}


def _place(
    shapes: Sequence[FieldShape], place: tuple[str | int, ...], rows: RowNames
) -> tuple[str, list[str], FieldShape | None]:
    """Return the name on the page of a place in the form, its titles, and its shape if it is a field."""
    shape = next((shape for shape in shapes if place and shape.name == place[0]), None)
    if shape is None:
        return WHOLE_FORM, [], None
    if (row := rows.get(place[:2])) is None:
        return shape.name, [shape.title], shape
    titles = [f"{shape.title} {int(row.rpartition('.')[2]) + 1}"]
    inner = next((inner for inner in shape.rows if inner.name in place[2:3]), None)
    return (f"{row}.{inner.name}", [*titles, inner.title], inner) if inner else (shape.name, titles, None)


def _why(fault: Mapping[str, Any], shape: FieldShape | None, names: Mapping[str, str]) -> str:
    if fault["type"] == "value_error":
        return _chinese(str(fault["ctx"]["error"]), names)
    if fault["type"] in _ERRORS:
        return _ERRORS[fault["type"]].format_map(fault.get("ctx", {}))
    return _UNREADABLE.get(shape.kind, _UNCLEAR) if shape else _UNCLEAR


def _chinese(text: str, names: Mapping[str, str]) -> str:
    """Return the Chinese half of a text, with titles and labels instead of the names of fields and choices."""
    half = text.partition(" / ")[0]
    return re.sub(r"[a-z]+(?:_[a-z]+)+", lambda name: names.get(name[0], name[0]), half)


def _names(shapes: Sequence[FieldShape]) -> dict[str, str]:
    names: dict[str, str] = {}
    for shape in shapes:
        names |= {choice.value: choice.label for choice in shape.choices} | {shape.name: shape.title}
        names |= _names(shape.rows)
    return names
