"""What the fields of models and the members of enumerations are, apart from their words."""

import inspect
import json
from collections.abc import Iterator, Mapping
from enum import Enum
from types import ModuleType
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

REQUIRED: Final = "required "
"""The beginning of what a field without a default is."""
_WORDS: Final = ("title", "description", "examples")
_FORMATS: Final = ("date-time", "date", "duration", "time")
"""The formats that are read; others only tell a page which field to show."""
_REFERENCE: Final = "$ref"


def types_of_module(module: ModuleType, *, but: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield every field of a module's models, and every member of its enumerations, by name; not of ``but`` and heirs.

    What is declared by a field's type is in its text, whatever the type is called.
    """
    name = module.__name__.rpartition(".")[2]
    for kind in vars(module).values():
        if not (inspect.isclass(kind) and kind.__module__ == module.__name__):
            continue
        if issubclass(kind, Enum):
            yield from ((f"{name}.{kind.__name__}.{member.name}", repr(member.value)) for member in kind)
        elif issubclass(kind, BaseModel) and not issubclass(kind, but):
            yield from ((f"{name}.{kind.__name__}.{field}", text) for field, text in _fields(kind))


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    schema = model.model_json_schema()
    defined = schema.get("$defs", {})
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        declared = model.model_fields.get(name)
        if declared and declared.default_factory:  # a schema has only the defaults that are values
            field["default"] = to_jsonable_python(declared.get_default(call_default_factory=True))
        text = json.dumps(_wordless(field, defined), ensure_ascii=False, sort_keys=True)
        # What old cases have written lacks a field that is left out while it has its default.
        left_out = " left out" if declared and declared.exclude_if else ""
        yield name, f"{REQUIRED if name in required else ''}{text}{left_out}"


def _wordless(part: Any, defined: Mapping[str, Any]) -> Any:
    """Return a part of a schema without its words; an enumeration in place of its name, a model by its name."""
    if isinstance(part, list):
        return [_wordless(item, defined) for item in part]
    if not isinstance(part, dict):
        return part
    if _REFERENCE in part:
        named = part[_REFERENCE].rpartition("/")[2]
        if "enum" not in defined[named] and "const" not in defined[named]:
            return {**_wordless({key: value for key, value in part.items() if key != _REFERENCE}, defined), "is": named}
        part = {**defined[named], **{key: value for key, value in part.items() if key != _REFERENCE}}
    return {
        key: _wordless(value, defined)
        for key, value in part.items()
        if key not in _WORDS and not (key == "format" and value not in _FORMATS)
    }
