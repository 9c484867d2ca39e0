"""Everything that a case takes from outside is bounded: texts, lists, and the whole of an input."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter

from cases.forms import Form
from cases.messages import Report
from cases.models import LARGEST_INPUT, LONGEST_TEXT
from workflows.engine.decisions import StuckStep
from workflows.engine.limits import LARGEST_OPENING
from workflows.registry import PROCESSES

INPUTS: dict[str, Any] = {
    **{f"{name}: facts": process.case.facts_type() for name, process in PROCESSES.items()},
    **{f"{name}: policy": process.case.policy_type() for name, process in PROCESSES.items()},
    **{f"{name}: {form}": model for name, process in PROCESSES.items() for form, model in process.case.forms.items()},
    "report": Report,
    "stuck step": StuckStep,
}
BOUNDED = ("maxLength", "enum", "const", "format", "pattern")
CLIPPED = ("description", "said")
"""Texts of others that are clipped, not refused."""


def unbounded(schema: dict[str, Any], where: str = "") -> Iterator[str]:
    """Yield the places of texts and lists without a greatest length, in a JSON schema."""
    kind = schema.get("type")
    if kind == "string" and not any(word in schema for word in BOUNDED) and not where.endswith(CLIPPED):
        yield where
    if kind == "array" and "maxItems" not in schema:
        yield where
    for name, part in [*schema.get("properties", {}).items(), *schema.get("$defs", {}).items()]:
        yield from unbounded(part, f"{where}.{name}")
    choices = schema.get("anyOf", ())
    if not any(choice.get("type") == "number" for choice in choices):  # an amount has a greatest number of digits
        for part in choices:
            yield from unbounded(part, where)
    if isinstance(schema.get("items"), dict):
        yield from unbounded(schema["items"], f"{where}[]")


@pytest.mark.parametrize("model", INPUTS.values(), ids=INPUTS)
def test_every_text_and_list_that_comes_in_has_a_greatest_length(model: Any) -> None:
    assert list(unbounded(TypeAdapter(model).json_schema())) == []


@pytest.mark.parametrize(
    ("name", "form"), [(name, form) for name, process in PROCESSES.items() for form in process.case.forms.values()]
)
def test_a_form_full_of_ordinary_chinese_fits_in_an_input(name: str, form: type[Form]) -> None:
    assert largest(form) <= LARGEST_INPUT, name


@pytest.mark.parametrize("name", PROCESSES)
def test_facts_as_large_as_they_may_be_fit_in_an_opening(name: str) -> None:
    policy = PROCESSES[name].case.policy_type()().model_dump(mode="json")
    assert largest(PROCESSES[name].case.facts_type()) + len(json.dumps(policy).encode()) <= LARGEST_OPENING


def largest(model: Any) -> int:
    """Return the bytes of JSON of the largest input, texts in Chinese and addresses in ASCII."""
    schema = TypeAdapter(model).json_schema()
    return _largest(schema, schema.get("$defs", {}), "")


def _largest(schema: dict[str, Any], defs: dict[str, Any], name: str) -> int:
    if "$ref" in schema:
        return _largest(defs[schema["$ref"].rpartition("/")[2]], defs, name)
    if "anyOf" in schema:
        return max(_largest(part, defs, name) for part in schema["anyOf"])
    size = 40
    if "enum" in schema:
        size = max(len(str(value)) for value in schema["enum"])
    elif schema.get("type") == "object":
        parts = schema.get("properties", {})
        size = sum(len(part) + 4 + _largest(parts[part], defs, part) for part in parts)
    elif schema.get("type") == "array":
        size = schema["maxItems"] * (1 + _largest(schema["items"], defs, name))
    elif schema.get("type") == "string":
        width = 1 if name.endswith(("url", "_id")) or "format" in schema else 3
        size = width * schema.get("maxLength", LONGEST_TEXT if name in CLIPPED else size)
    return 2 + size
