"""Fields are described by the strings under them, wherever their class is defined."""

import pytest

from cases.attribute_docstrings import Described


class Outer(Described):
    """A string under the class's own name is none of a field."""

    said: int = 1
    """第一行

    提示
    """
    unsaid: int = 2

    class Inner(Described):
        said: int
        """里面的"""


class Heir(Outer):
    more: str
    """再一个"""


def descriptions(model: type[Described]) -> dict[str, str | None]:
    return {name: field.description for name, field in model.model_fields.items()}


def test_a_field_is_described_by_the_string_under_it_without_its_indentation() -> None:
    assert descriptions(Outer) == {"said": "第一行\n\n提示", "unsaid": None}
    assert Outer.model_json_schema()["properties"]["said"]["description"] == "第一行\n\n提示"
    assert Outer() == Outer(said=1, unsaid=2)


def test_an_heir_keeps_what_it_inherits() -> None:
    assert descriptions(Heir) == {"said": "第一行\n\n提示", "unsaid": None, "more": "再一个"}


def test_a_class_within_a_class_or_a_function_has_its_own_strings() -> None:
    class Outer(Described):
        said: int
        """函数里的"""

    assert descriptions(Outer) == {"said": "函数里的"}
    assert descriptions(globals()["Outer"].Inner) == {"said": "里面的"}


@pytest.mark.parametrize("module", ["builtins", "nowhere", __name__])
def test_a_class_without_source_has_fields_without_words(module: str) -> None:
    made = type(Described)("Made", (Described,), {"__annotations__": {"said": int}, "__module__": module})
    assert descriptions(made) == {"said": None}
