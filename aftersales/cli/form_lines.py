"""The fields of a form in words, from the JSON schema in which a case names them: their choices, formats and limits."""

from collections.abc import Mapping
from typing import Any, Final

_FORMATS: Final[Mapping[str, str]] = {
    "date-time": "时间 / instant: 2026-11-11T09:30+08:00, -1h",
    "date": "日期 / day: 2026-11-11",
    "duration": "时长 / length: 48h, 3d",
    "uri": "网址 / address: https://…",
}
_TYPES: Final[Mapping[str, str]] = {
    "boolean": "true | false",
    "integer": "整数 / whole number",
    "number": "数 / number: 12.50",
    "string": "文字 / text",
}
_LIMITS: Final[Mapping[str, str]] = {"minItems": "至少 {} 项", "maxItems": "最多 {} 项", "maxLength": "最多 {} 字"}

Schema = Mapping[str, Any]


def form_lines(schema: Schema) -> list[str]:
    """Return a line for every field of a form, and of every item of its lists."""
    return list(_lines(schema, schema.get("$defs", {}), ""))


def _lines(schema: Schema, definitions: Schema, before: str) -> list[str]:
    lines = []
    required = schema.get("required", ())
    for name, written in schema.get("properties", {}).items():
        field, path = _resolved(written, definitions), f"{before}{name}"
        optional = "" if name in required else " (可不填 / optional)"
        lines.append(f"{path}{_title(written)}: {_values(field, definitions)}{_limits(field)}{optional}")
        item = _resolved(field.get("items", field), definitions)
        lines += _lines(item, definitions, f"{path}[]." if "items" in field else f"{path}.")
    return lines


def _resolved(written: Schema, definitions: Schema) -> dict[str, Any]:
    """Return the schema of a value, wherever it is written, as it is when the value is given."""
    given = [_resolved(part, definitions) for part in written.get("anyOf", ()) if part.get("type") != "null"]
    if "$ref" in written:
        return {**definitions[written["$ref"].rpartition("/")[2]], **written}
    # An amount may be written as a number or as a text: it is a number.
    return {**written, **given[0]} if given else dict(written)


def _title(written: Schema) -> str:
    """Return the Chinese name of a field; the title of one that has none is made of its name."""
    title = str(written.get("title", ""))
    return "" if title.isascii() else f" {title}"


def _values(field: Schema, definitions: Schema) -> str:
    if "enum" in field:
        return " | ".join(map(str, field["enum"]))
    if "const" in field:
        return str(field["const"])
    if field.get("type") == "array":
        item = _resolved(field["items"], definitions)
        what = "" if "properties" in item else f": {_values(item, definitions)}"
        return f"列表,JSON / list, as JSON{what}"
    if "properties" in field:
        return "JSON"
    return _FORMATS.get(field.get("format", "")) or _TYPES.get(str(field.get("type")), "JSON")


def _limits(field: Schema) -> str:
    return "".join(f", {words.format(field[name])}" for name, words in _LIMITS.items() if name in field)
