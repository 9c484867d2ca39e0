"""Forms and instants given on the command line."""

import json
from datetime import datetime
from typing import Any

from aftersales.files.offsets import shift_instant, shift_instants, shifter
from cases.errors import BadForm
from cases.models import expected
from workflows.engine.decisions import Stuck
from workflows.engine.process import Process

JSON_TYPES = ("boolean", "integer", "number", "array", "object")


def given_form(process: Process, rule: str, given: list[str], now: datetime) -> dict[str, Any] | None:
    """Read KEY=VALUE fields by the rule's form: text as it is, anything else as JSON; raises BadForm."""
    known = process.rules.get(rule)
    form = process.case.form_type(known.form) if known else Stuck
    properties = form.model_json_schema().get("properties", {})
    fields: dict[str, Any] = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign or name not in properties:
            raise BadForm(f"--form {each!r}: expected KEY=VALUE; {expected(form)}")
        fields[name] = _value(name, value, properties[name])
    shifted: dict[str, Any] = shift_instants(form, fields, shifter(now), ("--form",))
    return shifted or None


def _value(name: str, value: str, schema: dict[str, Any]) -> Any:
    kinds = {schema.get("type"), *(each.get("type") for each in schema.get("anyOf", ()))}
    if not kinds & set(JSON_TYPES):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as bad:
        raise BadForm(f"--form {name}: expected JSON, got {value!r}") from bad


def given_instant(option: str, written: str | None, now: datetime) -> str | None:
    """Read an instant or an offset from now; raises BadForm that names the option."""
    if written is None:
        return None
    shifted = str(shift_instant(written, shifter(now), (option,)))
    try:
        instant = datetime.fromisoformat(shifted)
    except ValueError as bad:
        raise BadForm(f"{option}: expected an instant or an offset such as -1h, got {written!r}") from bad
    if instant.tzinfo is None:
        raise BadForm(f"{option}: the instant needs a time zone: {written!r}")
    return shifted
