"""The fields of a form on a page, and what was posted by it: generated from the form's model, whatever the process."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from aftersales.desk.handling.form_errors import RowNames, UnfitForm, errors_in_words
from cases.amounts import read_amount
from cases.form_shape import FieldChoice, FieldKind, FieldShape, limits_of, shape_of
from cases.forms import Form
from cases.models import GIVEN_NOW, json_text
from cases.shanghai import SHANGHAI
from cases.typed_text import narrowed, stripped

EMPTY_ROWS: Final = 3
"""Rows of a list that are shown at least; one more than are filled in, once that is more."""
MOST_ROWS_SHOWN: Final = 1000
_ROW: Final = re.compile(r"\.(\d{1,3})\.", re.ASCII)
MOST_RADIOS: Final = 4
"""The most choices that are all shown; more are opened by a click."""
YES, NO = "true", "false"
_YES_OR_NO: Final = (FieldChoice(YES, "是"), FieldChoice(NO, "否"))

Posted = Mapping[str, Any]
"""What a browser posted: texts by name, or Starlette's ``FormData``.  A row's field is named ``evidence.0.kind``."""


@dataclass(frozen=True)
class FormField:
    """A field as a page shows it: ``value`` is what stands in it, a list's items on a line each.

    ``error`` keeps the form from being sent; ``doubt`` is told before it is.  ``suggestions`` may be taken or not.
    """

    name: str
    title: str
    kind: FieldKind
    required: bool
    hint: str = ""
    choices: tuple[FieldChoice, ...] = ()
    as_radios: bool = False
    suggestions: tuple[str, ...] = ()
    max_length: int | None = None
    value: str = ""
    error: str | None = None
    doubt: str | None = None
    rows: tuple[tuple["FormField", ...], ...] = ()

    @property
    def id(self) -> str:
        """The name as an id within the page."""
        return f"field-{self.name.replace('.', '-')}"


@dataclass(frozen=True)
class _Page:
    """What is shown in all fields of a form."""

    values: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    doubts: Mapping[str, str] = field(default_factory=dict)
    carriers: tuple[str, ...] = ()


def fields_of(
    form: type[BaseModel],
    values: Posted | None = None,
    errors: Mapping[str, str] | None = None,
    carriers: Iterable[str] = (),
) -> list[FormField]:
    """Return the fields of a form, filled with what was posted, or with the form's own values as JSON.

    ``carriers`` are the names by which the marketplace is known to call carriers.
    """
    written = _written(shape_of(form), _texts(values or {}))
    page = _Page(written, errors or {}, doubts_of(form, written), tuple(carriers))
    return [_field(shape, shape.name, page) for shape in shape_of(form)]


def doubts_of(form: type[BaseModel], posted: Posted) -> Mapping[str, str]:
    """Return what is doubtful in a posted form that is otherwise in order: the sender is told before it is sent."""
    try:
        filled = _validated(form, posted)[1]
    except UnfitForm:
        return {}
    return filled.doubts() if isinstance(filled, Form) else {}


def read_form(form: type[BaseModel], posted: Posted) -> dict[str, Any]:
    """Return what an update takes, as JSON; what was left empty is left out.  Raises UnfitForm."""
    return _validated(form, posted)[0]


# From values to the fields of a page


def _field(shape: FieldShape, name: str, page: _Page, *, in_row: bool = False) -> FormField:
    """Return a field; in a row nothing is chosen by a button, as that could not be taken back."""
    choices = shape.choices or (_YES_OR_NO if _asks_yes_or_no(shape) else ())
    few = len(choices) <= MOST_RADIOS and (shape.required or isinstance(shape.unset, bool))
    own = FormField(
        name=name,
        title=shape.title,
        kind=shape.kind,
        required=shape.required,
        hint=";".join(part for part in (shape.hint.replace("\n", " "), *_limits(shape)) if part),
        choices=choices,
        as_radios=bool(choices) and few and not in_row and shape.kind is not FieldKind.LIST,
        suggestions=page.carriers if shape.kind is FieldKind.CARRIER else shape.examples,
        max_length=shape.limits.get("maxLength"),
        value=page.values.get(name, ""),
        error=page.errors.get(name),
        doubt=page.doubts.get(name),
    )
    return replace(own, rows=tuple(_rows(shape, name, page))) if shape.rows else own


def _asks_yes_or_no(shape: FieldShape) -> bool:
    """Return whether a yes and a no must both be sayable; without, a box is ticked or not."""
    return shape.kind is FieldKind.YES_NO and shape.unset is not False


def _limits(shape: FieldShape) -> list[str]:
    said = {
        FieldKind.MONEY: "元",
        FieldKind.INSTANT: "上海时间",
        FieldKind.LIST: "" if shape.choices else "每行一项",
        FieldKind.LENGTH: "如 48h、3d",
        FieldKind.ROWS: "空着的不算",
    }
    return [said[shape.kind], *limits_of(shape)] if shape.kind in said else limits_of(shape)


def _rows(shape: FieldShape, name: str, page: _Page) -> Iterator[tuple[FormField, ...]]:
    """Yield the rows under their numbers, with room for another as long as the form takes one."""
    filled = _row_numbers(name, page.values)
    used = filled[-1] + 1 if filled else 0
    room = len(filled) < shape.limits.get("maxItems", MOST_ROWS_SHOWN)
    for number in range(max(used + 1, EMPTY_ROWS) if room else used):
        yield tuple(_field(inner, f"{name}.{number}.{inner.name}", page, in_row=True) for inner in shape.rows)


def _row_numbers(name: str, values: Mapping[str, str]) -> list[int]:
    places = (_ROW.match(key, len(name)) for key, value in values.items() if key.startswith(name) and value)
    return sorted({int(place[1]) for place in places if place})


def _written(shapes: Sequence[FieldShape], values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as they stand in the fields of a page, by the fields' names."""
    written = {key: value for key, value in values.items() if "." in key and isinstance(value, str)}
    for shape in shapes:
        value = values.get(shape.name)
        if shape.rows and isinstance(value, list | tuple):
            for number, row in enumerate(value):
                inner = _written(shape.rows, row).items()
                written |= {f"{shape.name}.{number}.{name}": text for name, text in inner}
        elif isinstance(value, list | tuple):
            written[shape.name] = "\n".join(map(str, value))
        elif value is not None and not shape.rows:
            written[shape.name] = _text(shape, value)
    return written


def _text(shape: FieldShape, value: Any) -> str:
    if isinstance(value, bool):
        return YES if value else NO
    if shape.kind is FieldKind.INSTANT:
        with suppress(ValueError, OverflowError):
            instant = datetime.fromisoformat(str(value))
            if instant.tzinfo is not None:
                return instant.astimezone(SHANGHAI).replace(tzinfo=None).isoformat()
    return str(value)


# From what was posted to what an update takes


def _texts(posted: Posted) -> dict[str, Any]:
    """Return what was posted by name; a field that was posted several times has its texts on a line each."""
    items = posted.multi_items() if hasattr(posted, "multi_items") else posted.items()
    texts: dict[str, Any] = {}
    for name, value in items:
        texts[name] = f"{texts[name]}\n{value}" if name in texts else value
    return texts


def _validated(form: type[BaseModel], posted: Posted) -> tuple[dict[str, Any], BaseModel]:
    values = _written(shape_of(form), _texts(posted))
    read, posted_names = _Reader(values).form(shape_of(form))
    try:
        filled = form.model_validate_json(json_text(read, "form"), context=GIVEN_NOW)
    except ValidationError as bad:
        raise UnfitForm(errors_in_words(form, bad, posted_names)) from bad
    return read, filled


@dataclass(frozen=True)
class _Reader:
    """Reads the texts of a page, by the names of its fields."""

    values: Mapping[str, str]

    def form(self, shapes: Sequence[FieldShape]) -> tuple[dict[str, Any], RowNames]:
        """Return a form as JSON, and the names of its rows."""
        read: dict[str, Any] = {}
        names: dict[tuple[str | int, ...], str] = {}
        for shape in shapes:
            if shape.rows:
                rows = {number: self._row(shape, number) for number in _row_numbers(shape.name, self.values)}
                filled = [number for number, row in rows.items() if row]
                names |= {(shape.name, place): f"{shape.name}.{number}" for place, number in enumerate(filled)}
                value: Any = [rows[number] for number in filled] or ([] if shape.required else None)
            else:
                value = self._field(shape, shape.name)
            if value is not None:
                read[shape.name] = value
        return read, names

    def _row(self, shape: FieldShape, number: int) -> dict[str, Any]:
        read = {inner.name: self._field(inner, f"{shape.name}.{number}.{inner.name}") for inner in shape.rows}
        return {name: value for name, value in read.items() if value is not None}

    def _field(self, shape: FieldShape, name: str) -> Any | None:
        text = self.values.get(name, "")
        if not text.strip():
            return [] if shape.kind is FieldKind.LIST and shape.required else None
        if shape.item:
            return [_value(shape.item, line.strip()) for line in text.splitlines() if line.strip()]
        return _value(shape.kind, text)


def _value(kind: FieldKind, text: str) -> Any:
    """Return the value of a field; a text that cannot be read is left for the form to refuse."""
    with suppress(ValueError, OverflowError):  # the latter for a time at the end of all times
        return _READERS.get(kind, stripped)(text.strip())
    return text


def _words(text: str) -> str:
    """Return a text with the ends of lines as everybody but a browser writes them."""
    return text.replace("\r\n", "\n")


def _instant(text: str) -> str:
    instant = datetime.fromisoformat(narrowed(text))
    local = instant if instant.tzinfo else instant.replace(tzinfo=SHANGHAI)
    return local.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _yes_or_no(text: str) -> bool:
    if text not in (YES, NO):
        raise ValueError(text)
    return text == YES


_READERS: Final[Mapping[FieldKind, Callable[[str], Any]]] = {
    FieldKind.INSTANT: _instant,
    FieldKind.LONG_TEXT: _words,
    FieldKind.MONEY: read_amount,
    FieldKind.NUMBER: read_amount,
    FieldKind.WHOLE_NUMBER: int,
    FieldKind.YES_NO: _yes_or_no,
}
"""The readers of kinds that are no short texts; each raises ValueError for what is none of them."""
