"""Chinese names of what people fill in, choose from and read: fields and their choices."""

from enum import StrEnum
from typing import Any, Self

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

from cases.attribute_docstrings import Described


class LabelledEnum(StrEnum):
    """The base of choices: a member is the value that is kept and sent, and has a Chinese label beside it."""

    label: str

    def __new__(cls, value: str, label: str) -> Self:
        """Make a member of its value, and keep the label."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member


class Labelled(Described):
    """The base of models that people fill in or read; the string under a field is its Chinese title.

    What follows the title in that string, after an empty line, is a hint for whoever fills it in.  The JSON schema
    bears the title.
    """

    @classmethod
    def title_of(cls, field: str) -> str:
        """Return the Chinese title of a field, or its name if it has none."""
        said = cls.model_fields[field].description or field
        return said.partition("\n")[0]

    @classmethod
    def hint_of(cls, field: str) -> str:
        """Return what follows the title of a field; an empty text if nothing does."""
        return (cls.model_fields[field].description or "").partition("\n")[2].strip()

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Put the titles into the JSON schema."""
        schema = handler(core_schema)
        for name, written in handler.resolve_ref_schema(schema).get("properties", {}).items():
            written["title"] = cls.title_of(name)
        return schema
