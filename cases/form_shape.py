"""The shape of a form as people see it: its fields with title, kind, choices and limits.

Pages and commands are made from it, so that neither knows a process.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, StrEnum
from functools import cache
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cases.labels import Labelled
from cases.models import NAME_LENGTH


class FieldKind(StrEnum):
    """How a field is filled in."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    ADDRESS = "address"
    CARRIER = "carrier"
    MONEY = "money"
    NUMBER = "number"
    WHOLE_NUMBER = "whole_number"
    INSTANT = "instant"
    DAY = "day"
    LENGTH = "length"
    CHOICE = "choice"
    YES_NO = "yes_no"
    LIST = "list"
    ROWS = "rows"


WRITTEN_AS: Final[Mapping[FieldKind, str]] = {
    FieldKind.TEXT: "文字",
    FieldKind.LONG_TEXT: "文字",
    FieldKind.ADDRESS: "网址",
    FieldKind.CARRIER: "文字",
    FieldKind.MONEY: "金额(元),如 12.50",
    FieldKind.NUMBER: "数,如 0.05",
    FieldKind.WHOLE_NUMBER: "整数",
    FieldKind.INSTANT: "时间,如 2026-11-11T09:30+08:00",
    FieldKind.DAY: "日期,如 2026-11-11",
    FieldKind.LENGTH: "时长,如 48h 或 3d",
    FieldKind.CHOICE: "选一项",
    FieldKind.YES_NO: "true(是)|false(否)",
    FieldKind.LIST: "列表",
    FieldKind.ROWS: "列表",
}
"""What is written into a field of a kind."""
LIMITS: Final = ("maxLength", "minItems", "maxItems", "pattern")
"""The limits that are kept, by their names in the JSON schema."""
_FORMATS: Final[Mapping[str, FieldKind]] = {
    "date-time": FieldKind.INSTANT,
    "date": FieldKind.DAY,
    "duration": FieldKind.LENGTH,
    "uri": FieldKind.ADDRESS,
    "carrier": FieldKind.CARRIER,
}
_TYPES: Final[Mapping[str, FieldKind]] = {"boolean": FieldKind.YES_NO, "integer": FieldKind.WHOLE_NUMBER}
_PLACES_OF_MONEY: Final = 2


@dataclass(frozen=True)
class FieldChoice:
    """An option of a field: the value that is sent, and its Chinese label."""

    value: str
    label: str


@dataclass(frozen=True)
class FieldShape:
    """A field: how it is filled in, and what limits it.

    ``unset`` is its value if it is left empty.  ``item`` is the kind of a list's items, ``rows`` are the fields of each
    of them.  ``limits`` are those of the JSON schema.
    """

    name: str
    title: str
    hint: str
    kind: FieldKind
    required: bool
    unset: Any = None
    choices: tuple[FieldChoice, ...] = ()
    item: FieldKind | None = None
    rows: tuple["FieldShape", ...] = ()
    examples: tuple[str, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)


@cache
def shape_of(model: type[BaseModel]) -> tuple[FieldShape, ...]:
    """Return the shapes of a model's fields, in order."""
    schema = model.model_json_schema()
    return tuple(_shape(model, name, field, schema) for name, field in model.model_fields.items())


def _shape(model: type[BaseModel], name: str, info: FieldInfo, schema: Mapping[str, Any]) -> FieldShape:
    labelled = model if issubclass(model, Labelled) else None
    written = _without_null(schema["properties"][name])
    parts = (*_parts(info.annotation), *info.metadata)
    rows = next((part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)), None)
    choices = tuple(_choices(parts))
    kind = _kind(parts, choices, written.get("items", written))
    is_list = written.get("type") == "array"
    return FieldShape(
        name=name,
        title=labelled.title_of(name) if labelled else name,
        hint=labelled.hint_of(name) if labelled else "",
        kind=FieldKind.ROWS if rows else FieldKind.LIST if is_list else kind,
        required=info.is_required(),
        unset=None if info.is_required() else info.get_default(),
        choices=choices,
        item=kind if is_list and not rows else None,
        rows=shape_of(rows) if rows else (),
        examples=tuple(map(str, written.get("examples", ()))),
        limits={limit: written[limit] for limit in LIMITS if limit in written},
    )


def _without_null(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a field as it is when the field is filled in."""
    filled = [part for part in written.get("anyOf", ()) if part.get("type") != "null"]
    return dict(written) | (filled[0] if len(filled) == 1 else {})


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield what an annotation is made of in the end: types, members of literals, constraints."""
    inner = get_args(annotation)
    if not inner:
        yield annotation
    for part in inner:
        yield from _parts(part)


def _choices(parts: Sequence[Any]) -> Iterator[FieldChoice]:
    for part in parts:
        if isinstance(part, type) and issubclass(part, Enum):
            yield from map(_choice, part)
        elif isinstance(part, Enum | str):
            yield _choice(part)


def _choice(member: Enum | str) -> FieldChoice:
    value = str(member.value if isinstance(member, Enum) else member)
    return FieldChoice(value, str(getattr(member, "label", value)))


def _kind(parts: Sequence[Any], choices: Sequence[FieldChoice], written: Mapping[str, Any]) -> FieldKind:
    """Return the kind of a field, or of an item of a list."""
    if choices:
        return FieldKind.CHOICE
    if Decimal in parts:
        constraints = (inner for part in parts for inner in (part, *getattr(part, "metadata", ())))
        places = {getattr(constraint, "decimal_places", None) for constraint in constraints}
        return FieldKind.MONEY if _PLACES_OF_MONEY in places else FieldKind.NUMBER
    longest = written.get("maxLength")
    usual = FieldKind.LONG_TEXT if longest is None or longest > NAME_LENGTH else FieldKind.TEXT
    return _FORMATS.get(written.get("format", "")) or _TYPES.get(written.get("type", "")) or usual


def describe(model: type[BaseModel], before: str = "") -> list[str]:
    """Return a line for every field of a form: its name, title, and what is written into it."""
    lines = []
    for shape in shape_of(model):
        name = f"{before}{shape.name}"
        lines.append(f"{name}{'' if shape.required else '?'} {shape.title}:{said_of(shape)}")
        lines += [
            f"{name}[].{inner.name}{'' if inner.required else '?'} {inner.title}:{said_of(inner)}"
            for inner in shape.rows
        ]
    return lines


def said_of(shape: FieldShape) -> str:
    """Return what is written into a field, with its choices and limits."""
    kind = shape.item or shape.kind
    said = "|".join(f"{choice.value}({choice.label})" for choice in shape.choices) or WRITTEN_AS[kind]
    parts = [f"列表,每项{said}" if shape.item else said, *limits_of(shape), *shape.hint.split("\n")]
    return ",".join(part for part in parts if part)


def limits_of(shape: FieldShape) -> list[str]:
    """Return the limits of a field in words."""
    limits = shape.limits
    least, most, longest = limits.get("minItems"), limits.get("maxItems"), limits.get("maxLength")
    said = (
        f"至少 {least} 项" if least else "",
        f"最多 {most} 项" if most else "",
        f"最多 {longest} 字" if longest and shape.kind is FieldKind.LONG_TEXT else "",
    )
    return [part for part in said if part]
