"""Figures: the numbers that rules depend on, each with its source, so that operators see where it is from (G-9)."""

import operator
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from inspect import get_annotations
from itertools import pairwise
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import Field, model_validator

from cases.attribute_docstrings import Described
from cases.durations import format_duration, parse_duration
from cases.errors import PolicyUnknown
from cases.models import Duration, FormData, Name, Strict, clipped, read
from statecharts.chart import CaseChart
from statecharts.rules import ChartFault, Length, Provenance, lengths_of

PROVENANCE_LABELS: Mapping[Provenance, str] = {"stated": "原文", "read": "解读", "assumed": "假设", "set": "商家设定"}

_SET = {"source": "shop setting", "provenance": "set", "schedule": []}
LONGEST_CLOCK = timedelta(days=3650)
"""No marketplace has a longer clock, and an unlimited one could exceed the range of dates."""

LONGEST_SOURCE = 500
MOST_DATES = 20
"""The most values of a figure, one after the other."""

Value = TypeVar("Value")
Lengths = Annotated[tuple[Duration, ...], Field(max_length=10)]
"""Lengths of time before a deadline at which something happens."""


class Dated(Strict, Generic[Value]):
    """One of the values of a figure: the day in Shanghai from which it holds, and where it comes from."""

    since: date
    value: Value
    source: str = Field(max_length=LONGEST_SOURCE)
    provenance: Provenance


class Figure(Strict, Generic[Value]):
    """One figure: its value and unit, the rule it serves, and where it comes from.

    ``schedule``: the values that it has had one after the other, the oldest first; ``value`` is the last of them.  A
    case has the one in force at its beginning (G-9), and no schedule.
    """

    value: Value
    unit: str = Field(max_length=LONGEST_SOURCE)
    clause: str = Field(max_length=LONGEST_SOURCE)
    source: str = Field(max_length=LONGEST_SOURCE)
    provenance: Provenance
    schedule: tuple[Dated[Value], ...] = Field(default=(), max_length=MOST_DATES, exclude_if=operator.not_)

    @model_validator(mode="after")
    def _dates_ascend(self) -> Self:
        if any(later.since <= earlier.since for earlier, later in pairwise(self.schedule)):
            raise ValueError("schedule: 日期须递增 / the dates must ascend")
        return self

    def in_force_on(self, day: date | None) -> Self:
        """Return the figure with its value of a day: the oldest before the first date, the newest without a day."""
        if not self.schedule:
            return self
        begun = [dated for dated in self.schedule if day is None or dated.since <= day]
        dated = begun[-1] if begun else self.schedule[0]
        changes = {"value": dated.value, "source": dated.source, "provenance": dated.provenance, "schedule": ()}
        return self.model_copy(update=changes)

    def show(self) -> str:
        """Return the value as people write it; of several the newest first, each with its date."""
        if not self.schedule:
            return _show(self.value)
        return ";".join(f"{dated.since} 起 {_show(dated.value)}" for dated in reversed(self.schedule))


def _show(value: Any) -> str:
    if value is None or value == {}:
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(_show(part) for part in value) or "-"
    return format_duration(value) if isinstance(value, timedelta) else str(value)


def duration(length: str, clause: str, source: str, provenance: Provenance) -> Figure[Duration]:
    """Make a figure of a length of time, written as ``48h``."""
    return Figure[Duration](
        value=parse_duration(length), unit="时长", clause=clause, source=source, provenance=provenance
    )


def unset_duration(clause: str, source: str, provenance: Provenance) -> "Figure[Duration | None]":
    """Make a figure of a length of time that has no default: what it is for happens only if a shop sets it."""
    return Figure[Duration | None](value=None, unit="时长", clause=clause, source=source, provenance=provenance)


def scheduled(unit: str, clause: str, *values: Dated[Any]) -> Figure[Any]:
    """Make a figure of several values, the oldest first."""
    newest = values[-1]
    return Figure(
        value=newest.value,
        unit=unit,
        clause=clause,
        source=newest.source,
        provenance=newest.provenance,
        schedule=values,
    )


def clock_figures(charts: tuple[type[CaseChart], ...]) -> Iterator[Length]:
    """Yield the default lengths of the charts' clocks and windows, each figure once.

    Raises ChartFault if namesakes differ.
    """
    lengths: dict[str, Length] = {}
    for chart in charts:
        for rule, declared in chart.rules.items():
            for length in lengths_of(declared):
                if lengths.setdefault(length.figure, length) != length:
                    raise ChartFault(f"{rule}: the figure {length.figure!r} is declared twice, and differently")
    yield from lengths.values()


class Policy(Described):
    """The figures that every process has; the string under a figure is its Chinese label.

    A process adds the lengths of its charts' clocks, by ``clocks=(Chart, ...)``, and figures of its own.
    """

    reminders_before: Figure[Lengths] = Figure(
        value=(parse_duration("12h"), parse_duration("2h")),
        unit="截止前",
        clause="G-5",
        source="assumption",
        provenance="assumed",
    )
    """提醒时点"""
    decide_before: Figure[Duration] = duration("30m", "G-6", "assumption", "assumed")
    """默认决定提前量"""
    default_decision: Figure[Name | None] = Figure(
        value=None, unit="动作", clause="G-6", source="assumption", provenance="assumed"
    )
    """默认决定"""
    default_form: Figure[FormData] = Figure(
        value={}, unit="表单", clause="G-6", source="assumption", provenance="assumed"
    )
    """默认决定的表单"""
    late_facts: Figure[Duration] = duration("7d", "G-11", "assumption", "assumed")
    """结案后仍接受迟到事实的时长"""

    def __init_subclass__(cls, *, clocks: tuple[type[CaseChart], ...] = (), **options: Any) -> None:
        """Take the charts' clock figures as fields, before the process's own."""
        super().__init_subclass__(**options)
        figures = {length.figure: length for length in clock_figures(clocks)}
        own = get_annotations(cls)
        kinds = {name: Figure[Duration] if length.text else Figure[Duration | None] for name, length in figures.items()}
        cls.__annotations__ = kinds | own
        for name, length in figures.items():
            if name in own:
                raise ChartFault(f"{cls.__name__}.{name}: the chart declares this figure already")
            cited = length.clause, length.source.text, length.source.provenance
            default = duration(length.text, *cited) if length.text else unset_duration(*cited)
            setattr(cls, name, Field(default=default, description=length.label))

    @classmethod
    def figures(cls) -> tuple[str, ...]:
        """Return the names of all figures."""
        return tuple(cls.model_fields)

    @classmethod
    def label(cls, figure: str) -> str:
        """Return the Chinese name of a figure, or the name itself if it has none."""
        return cls.model_fields[figure].description or figure

    def period(self, day: date | None) -> date | None:
        """Return the last date until a day on which a figure changed; days of one period have the same figures.

        None stands for a policy whose figures never change.  Without a day it is the newest period.
        """
        dates = sorted({dated.since for name in self.figures() for dated in getattr(self, name).schedule})
        begun = [since for since in dates if day is None or since <= day]
        return begun[-1] if begun else next(iter(dates), None)

    def in_force_on(self, day: date | None) -> Self:
        """Return the policy with the values of a day (G-9)."""
        return self.model_copy(update={name: getattr(self, name).in_force_on(day) for name in self.figures()})

    @classmethod
    def resolve(cls, values: Mapping[str, Any], figures: Mapping[str, Any] | None = None) -> Self:
        """Return the policy with what a shop has set; raises PolicyUnknown or BadForm, naming the figure.

        ``figures``, those of an edition, go before those of the code.  What an edition alone has is not looked at any
        more.  What a shop has set holds whatever the date.
        """
        figures = figures or {}
        for name in values:
            if name not in cls.model_fields and name not in figures:
                raise PolicyUnknown(
                    f"policy.{clipped(name)}: 没有这个参数 / no such figure; figures: {', '.join(cls.model_fields)}",
                    ("policy", name),
                )
        plain = cls().model_dump(mode="json") | dict(figures)
        plain |= {name: {**plain[name], "value": value, **_SET} for name, value in values.items()}
        return read(cls, {name: plain[name] for name in cls.model_fields}, "policy")

    def overrides(self) -> dict[str, Any]:
        """Return what the shop has set, as JSON: with it and the edition's figures the policy is the same again."""
        set_by_shop = [name for name in type(self).model_fields if getattr(self, name).provenance == "set"]
        return {name: self.model_dump(mode="json", include={name})[name]["value"] for name in set_by_shop}

    @model_validator(mode="after")
    def _no_clock_runs_backwards(self) -> Self:
        for name in type(self).model_fields:
            figure = getattr(self, name)
            values = (figure.value, *(dated.value for dated in figure.schedule))
            lengths = [length for value in values for length in (value if isinstance(value, tuple) else (value,))]
            if any(isinstance(length, timedelta) and not timedelta(0) <= length <= LONGEST_CLOCK for length in lengths):
                longest = LONGEST_CLOCK.days
                raise ValueError(f"{name}: 时长须在 0 到 {longest} 天之间 / must be 0 to {longest} days")
        return self
