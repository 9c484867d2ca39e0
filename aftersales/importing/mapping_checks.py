"""Whether a mapping fits the facts of its process."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from aftersales.files.documents import Place
from aftersales.importing.cells import is_instant
from aftersales.importing.mapping_file import Column, Part
from cases.errors import BadForm
from cases.models import expected, faults


def check(part: Part, place: Place, *elsewhere: str) -> None:
    """Check a model's columns and constants, which stand at the place; raises BadForm that names the first misfit.

    ``elsewhere``: fields that are given in another way.
    """
    for where, why in _misfits(part, elsewhere):
        raise BadForm(f"{'.'.join(map(str, (*place, *where)))}: {why}", (*place, *where))


def _misfits(part: Part, elsewhere: tuple[str, ...]) -> Iterator[tuple[Place, str]]:
    fields, given = part.model.model_fields, (*part.columns, *part.constants, *elsewhere)
    for where, names in (("columns", part.columns), ("constants", part.constants)):
        for name in names:
            if name not in fields:
                yield (where, name), f"没有这个字段 / no such field; {expected(part.model)}"
            elif given.count(name) > 1:
                yield (where, name), "给了两次 / is given twice"
    for name, column in part.columns.items():
        yield from (
            (("columns", name, *where), why)
            for where, why in _column_misfits(part.model, name, fields[name].annotation, column)
        )
    for name, value in part.constants.items():
        yield from ((("constants", name), why) for why in _unfit(part.model, name, value))
    for name, field in fields.items():
        if field.is_required() and name not in given:
            yield ("columns",), f"缺少必填字段 / required, but neither a column nor a constant: {name}"


def _column_misfits(model: type[BaseModel], name: str, annotation: Any, column: Column) -> Iterator[tuple[Place, str]]:
    if _listed(annotation):
        yield (), "是列表,请写在 rows 里 / is a list: give it under rows"
    for word, value in (column.values or {}).items():
        yield from ((("values", word), why) for why in _unfit(model, name, value))
    if column.format and not (is_instant(annotation) and _is_format(column.format)):
        yield ("format",), "须为时刻的格式 / expected a format of instants such as %Y/%m/%d %H:%M"


def _unfit(model: type[BaseModel], name: str, value: Any) -> list[str]:
    try:
        model.model_validate_json(json.dumps({name: value}))
    except ValidationError as bad:
        return [why for place, why in faults(bad) if place[:1] == (name,)]
    return []


def _is_format(form: str) -> bool:
    try:
        some = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
        return datetime.strptime(some.strftime(form), form).date() == some.date()  # noqa: DTZ007 - only its day counts
    except ValueError:
        return False


def item_of(model: type[BaseModel], field: str) -> type[BaseModel]:
    """The model of a list's items; raises BadForm where the field is no such list."""
    known = {name: found for name, each in model.model_fields.items() if (found := _listed(each.annotation))}
    if field not in known:
        raise BadForm(f"rows.field: 没有这个列表 / no such list; lists: {', '.join(known) or '-'}", ("rows", "field"))
    return known[field]


def _listed(annotation: Any) -> type[BaseModel] | None:
    inner = next(iter(get_args(annotation)), None)
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None
