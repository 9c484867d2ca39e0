"""The bounds on what comes in to a case and on what it carries, so that no payload can wedge or end it."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from cases.messages import Report
from cases.models import LARGEST_INPUT, NAME_LENGTH, clipped, json_text, refuse_larger

LARGEST_OPENING = 128 * 1024
"""The most bytes of JSON of the facts and figures that open a case."""

Kept = TypeVar("Kept", bound=BaseModel | str)
Formed = TypeVar("Formed", bound=BaseModel)


def refuse_oversized(raw: Any, what: str) -> None:
    """Raise BadForm, in words, for a decision or a message that is too large or no JSON."""
    refuse_larger(raw, what, LARGEST_INPUT)


def refuse_oversized_opening(opening: Any) -> None:
    """Raise BadForm, in words, for facts and figures that are too large or no JSON."""
    refuse_larger(opening, "case", LARGEST_OPENING)


def clip_report(raw: Any) -> Report:
    """Return what is kept of a message that cannot be taken: its rule and its id, clipped.  It never fails."""
    message = raw if isinstance(raw, dict) else {}
    return Report(rule=_name(message.get("rule")), message_id=_name(message.get("message_id")))


def _name(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    return clipped(value.encode(errors="replace").decode().strip(), NAME_LENGTH) or None


def newest_within(entries: Sequence[Kept], largest: int) -> list[Kept]:
    """Return the newest entries that fit in so many bytes of JSON, in the same order."""
    size, first = 2, len(entries)
    while first > 0:
        size += _size(entries[first - 1]) + 1
        if size > largest:
            break
        first -= 1
    return list(entries[first:])


def with_newest_forms(entries: Sequence[Formed], largest: int) -> list[Formed]:
    """Return the entries; the newest forms that fit in so many bytes of JSON are kept, older ones are dropped."""
    size, kept = 0, list[Formed]()
    for entry in reversed(entries):
        form = entry.model_dump(include={"form"})["form"]
        size += len(json_text(form, "form").encode()) if form else 0
        kept.append(entry if size <= largest or form is None else entry.model_copy(update={"form": None}))
    return kept[::-1]


def _size(entry: BaseModel | str) -> int:
    return len(entry.encode()) + 2 if isinstance(entry, str) else len(entry.model_dump_json().encode())
