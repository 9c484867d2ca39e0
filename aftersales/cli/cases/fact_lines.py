"""The facts of a case and the fields of its forms, in lines that an operator reads: titles, choices, formats."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aftersales.desk.sections.facts_shown import UNKNOWN_FACT, ShownFact, shown_facts
from cases.errors import BadForm
from cases.form_shape import describe
from cases.models import read
from workflows.registry import PROCESSES


def fact_lines(process: str, facts: Mapping[str, Any]) -> list[str]:
    """Return a line for every fact that is known, and for every item of a list of facts."""
    known = PROCESSES.get(process)
    try:
        return list(_lines(shown_facts(read(known.case.facts_type(), dict(facts), "facts")))) if known else _raw(facts)
    except BadForm:  # of a worker of another release
        return _raw(facts)


def _lines(facts: Sequence[ShownFact]) -> Iterator[str]:
    for fact in facts:
        if fact.value not in ("", UNKNOWN_FACT):
            yield f"{fact.title}: {fact.value}"
        for item in fact.items:
            yield f"{fact.title}: {' · '.join(_lines(item))}"


def _raw(facts: Mapping[str, Any]) -> list[str]:
    shown = ((name, value) for name, value in facts.items() if value not in (None, "", []))
    return [f"{name}: {json.dumps(value, ensure_ascii=False).strip(chr(34))}" for name, value in shown]


def field_lines(process: str, rule: str) -> list[str]:
    """Return a line for every field of the form that a rule asks for."""
    known = PROCESSES.get(process)
    declared = known.rules.get(rule) if known else None
    return describe(known.case.form_type(declared.form)) if known and declared else []
