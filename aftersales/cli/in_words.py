"""Facts of a case as an operator reads them: no syntax of a programming language, and the time of Shanghai."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cases.shanghai import SHANGHAI
from workflows.registry import PROCESSES

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")


def in_words(value: Any) -> str:
    """Return a value of JSON in words; an empty text for one that is not known."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是 / yes" if value else "否 / no"
    if isinstance(value, Mapping):
        return ",".join(f"{name} {words}" for name, part in value.items() if (words := in_words(part)))
    if isinstance(value, list):
        return ";".join(filter(None, map(in_words, value)))
    text = str(value)
    if _INSTANT.fullmatch(text):
        return datetime.fromisoformat(text).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S").removesuffix(":00")
    return text


def facts_titles(process: str) -> Mapping[str, str]:
    """Return the Chinese names of a process's facts that have one."""
    known = PROCESSES.get(process)
    schema = known.case.facts_type().model_json_schema() if known else {}
    titles = {name: str(field.get("title", "")) for name, field in schema.get("properties", {}).items()}
    return {name: title for name, title in titles.items() if not title.isascii()}
