"""Instants and days written as offsets from the opening of a case: +0s, -16d, +72h."""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any, get_args

from pydantic import AwareDatetime, BaseModel

from cases.durations import parse_duration
from cases.errors import BadForm
from cases.shanghai import SHANGHAI, shanghai_day

_COUNT = re.compile(r"[+-]?\d*\.?\d+(?:e[+-]?\d+)?", re.IGNORECASE)

Shift = Callable[[Any], Any]
"""Turns a written instant into one of this run; raises BadForm.  Anything else is left for the model to refuse."""


def shifter(origin: datetime) -> Shift:
    """Return a shift that adds offsets to ``origin`` and leaves absolute instants as they are."""

    def shift(written: Any) -> Any:
        length = _length(written)
        return written if length is None else _moved(origin, length)

    return shift


def scenario_shifter(origin: datetime, opened_at: datetime | None) -> Shift:
    """Return a shift that adds offsets to ``origin`` and moves absolute instants from ``opened_at`` to ``origin``."""

    def shift(written: Any) -> Any:
        length = _length(written)
        if length is not None:
            return _moved(origin, length)
        instant = _instant(written)
        if instant is None or instant.tzinfo is None:
            return written
        if opened_at is None:
            raise BadForm("an absolute instant needs opened_at; expected an offset such as -3d, or opened_at")
        return _moved(origin, instant - opened_at)

    return shift


def shift_instants(model: type[BaseModel], raw: Any, shift: Shift, place: tuple[str | int, ...] = ()) -> Any:
    """Return the data with every instant of the model shifted, also in nested models and lists.

    ``place`` is the path to the data, with which the place of a fault begins.
    """
    if not isinstance(raw, dict):
        return raw
    return {
        name: _shift(model.model_fields[name].annotation, value, shift, (*place, name))
        if name in model.model_fields
        else value
        for name, value in raw.items()
    }


def shift_instant(written: Any, shift: Shift, place: tuple[str | int, ...]) -> Any:
    """Shift one instant; raise BadForm that names its place."""
    try:
        return shift(_no_count(written))
    except BadForm as bad:
        raise BadForm(f"{'.'.join(str(part) for part in place)}: {bad}", place) from bad


def _no_count(written: Any) -> Any:
    """Return what is no count of seconds: models would read one as an instant, far from the one that was meant."""
    if isinstance(written, str) and _COUNT.fullmatch(written.strip()):
        raise BadForm(
            f"须为时刻 / expected an instant such as 2026-11-04T09:00:00+08:00, or an offset, got {written!r}"
        )
    return written


def _shift(annotation: Any, value: Any, shift: Shift, place: tuple[str | int, ...]) -> Any:
    if annotation in (AwareDatetime, datetime):
        return shift_instant(value, shift, place)
    if annotation is date:
        return _shift_day(value, shift, place)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return shift_instants(annotation, value, shift, place)
    inner = next((argument for argument in get_args(annotation) if argument not in (type(None), Ellipsis)), None)
    if inner is None:
        return value
    if isinstance(value, list):
        return [_shift(inner, item, shift, (*place, number)) for number, item in enumerate(value)]
    return _shift(inner, value, shift, place)


def _shift_day(written: Any, shift: Shift, place: tuple[str | int, ...]) -> Any:
    """Shift a day in Shanghai: an offset to the day of its instant, a day as its noon, else left as it is."""
    noon = _noon(written)
    try:
        shifted = _instant(shift_instant(noon or written, shift, place))
    except BadForm:
        if noon is None:
            raise
        return written  # a day of the calendar means the same without an opening that it could be moved with
    return written if shifted is None or shifted.tzinfo is None else shanghai_day(shifted).isoformat()


def _noon(written: Any) -> str | None:
    try:
        return datetime.combine(date.fromisoformat(written), time(12), SHANGHAI).isoformat()
    except (TypeError, ValueError):
        return None


def _length(written: Any) -> timedelta | None:
    try:
        return parse_duration(written) if isinstance(written, str) else None
    except BadForm:
        return None


def _instant(written: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(written) if isinstance(written, str) else None
    except ValueError:
        return None


def _moved(origin: datetime, length: timedelta) -> str:
    try:
        return (origin + length).isoformat()
    except OverflowError as bad:
        raise BadForm("too far in the past or future") from bad


def whole(length: timedelta) -> int:
    """Return a length of time in whole seconds, rounded down."""
    return length // timedelta(seconds=1)
