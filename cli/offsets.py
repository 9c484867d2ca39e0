"""Instants written as offsets: +0s, -16d, +72h count from the opening of a case."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, get_args

from pydantic import AwareDatetime, BaseModel

from cases.durations import parse_duration
from cases.errors import BadForm

Shift = Callable[[Any], Any]


def shifter(origin: datetime, opened_at: datetime | None = None) -> Shift:
    """How written instants become instants of a run.

    Offsets count from ``origin``; absolute instants are moved by as much as ``opened_at`` is moved to ``origin``, and
    stay as they are without it.  What is neither is left to the model to refuse.
    """

    def shift(written: Any) -> Any:
        if not isinstance(written, str):
            return written
        try:
            return (origin + parse_duration(written)).isoformat()
        except BadForm:
            pass
        try:
            instant = datetime.fromisoformat(written)
        except ValueError:
            return written
        if opened_at is None or instant.tzinfo is None:
            return written
        return (instant + (origin - opened_at)).isoformat()

    return shift


def shift_instants(model: type[BaseModel], raw: Any, shift: Shift) -> Any:
    """The same data with every instant of the model shifted, also in nested models and lists."""
    if not isinstance(raw, dict):
        return raw
    return {
        name: _shift(model.model_fields[name].annotation, value, shift) if name in model.model_fields else value
        for name, value in raw.items()
    }


def is_absolute(written: Any) -> bool:
    """Whether an instant is written as a date and time."""
    if not isinstance(written, str):
        return False
    try:
        datetime.fromisoformat(written)
    except ValueError:
        return False
    return True


def _shift(annotation: Any, value: Any, shift: Shift) -> Any:
    if annotation in (AwareDatetime, datetime):
        return shift(value)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return shift_instants(annotation, value, shift)
    if isinstance(value, list):
        inner = next((each for each in get_args(annotation) if each is not Ellipsis), None)
        return [_shift(inner, item, shift) for item in value]
    for each in get_args(annotation):
        if each not in (type(None), Ellipsis):
            return _shift(each, value, shift)
    return value


def whole(length: timedelta) -> int:
    """A length of time in whole seconds, rounded down."""
    return length // timedelta(seconds=1)
