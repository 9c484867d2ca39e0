"""The reading of what was given by arguments and options: forms, instants, lengths of time."""

import json
from datetime import datetime, timedelta
from typing import Any

from aftersales.files.offsets import shift_instant, shift_instants, shifter
from cases.durations import parse_duration
from cases.errors import BadForm
from cases.models import clipped, expected
from workflows.engine.decisions import StuckStep
from workflows.engine.process import Process

_NUMBERS = {"integer", "number"}
_JSON_TYPES = {"boolean", *_NUMBERS, "array", "object"}


def read_form(process: Process, rule: str, fields: list[str], now: datetime) -> dict[str, Any] | None:
    """Read KEY=VALUE fields by the rule's form, text as it is and anything else as JSON; raise BadForm."""
    declared = process.rules.get(rule)
    model = process.case.form_type(declared.form) if declared else StuckStep
    properties = model.model_json_schema().get("properties", {})
    values: dict[str, Any] = {}
    for field in fields:
        name, separator, text = field.partition("=")
        if not separator:
            raise BadForm(f"--form {field!r}: expected KEY=VALUE; {expected(model)}")
        if name not in properties:
            raise BadForm(f"--form {name}: 没有这个字段 / no such field; {expected(model)}", ("--form", name))
        values[name] = _value(name, text, properties[name])
    shifted: dict[str, Any] = shift_instants(model, values, shifter(now), ("--form",))
    return shifted or None


def _value(name: str, text: str, schema: dict[str, Any]) -> Any:
    types = {schema.get("type"), *(choice.get("type") for choice in schema.get("anyOf", ()))}
    if not types & _JSON_TYPES:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as bad:  # Python's own limits of a number's digits and of nesting, too
        wanted = "true or false" if "boolean" in types else "a number" if types & _NUMBERS else "JSON"
        raise BadForm(f"--form {name}: expected {wanted}, got {clipped(text)!r}") from bad


def read_instant(option: str, text: str | None, now: datetime) -> str | None:
    """Read an instant or an offset from now; raise BadForm that names the option."""
    if text is None:
        return None
    shifted = str(shift_instant(text, shifter(now), (option,)))
    try:
        instant = datetime.fromisoformat(shifted)
    except ValueError as bad:
        raise BadForm(f"{option}: expected an instant or an offset such as -1h, got {clipped(text)!r}") from bad
    if instant.tzinfo is None:
        raise BadForm(f"{option}: the instant needs a time zone: {text!r}")
    return shifted


def read_patience(text: str) -> timedelta:
    """Read how long to wait; raises BadForm."""
    try:
        length = parse_duration(text)
    except BadForm as bad:
        raise BadForm(f"--patience: {bad}") from bad
    if length <= timedelta(0):
        raise BadForm(f"--patience: 须大于零 / must be longer than nothing: {text!r}")
    return length
