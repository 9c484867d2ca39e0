"""Figures: the numbers that rules depend on, each with its source, so that operators see where it is from (G-9)."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from inspect import get_annotations
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import ConfigDict, Field, model_validator

from cases.durations import format_duration, parse_duration
from cases.errors import PolicyUnknown
from cases.models import Duration, FormData, Name, Strict, clipped, read
from statecharts.chart import CaseChart
from statecharts.rules import ChartFault, Length, Provenance, lengths_of

PROVENANCE_LABELS: Mapping[Provenance, str] = {"stated": "原文", "read": "解读", "assumed": "假设", "set": "商家设定"}

_SET = {"source": "shop setting", "provenance": "set"}
LONGEST_CLOCK = timedelta(days=3650)
"""No marketplace has a longer clock, and an unlimited one could exceed the range of dates."""

LONGEST_SOURCE = 500

Value = TypeVar("Value")
Lengths = Annotated[tuple[Duration, ...], Field(max_length=10)]
"""Lengths of time before a deadline at which something happens."""


class Figure(Strict, Generic[Value]):
    """One figure: its value and unit, the rule it serves, and where it comes from."""

    value: Value
    unit: str = Field(max_length=LONGEST_SOURCE)
    clause: str = Field(max_length=LONGEST_SOURCE)
    source: str = Field(max_length=LONGEST_SOURCE)
    provenance: Provenance

    def show(self) -> str:
        """Return the value as people write it."""
        return _show(self.value)


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


class Policy(Strict):
    """The figures that every process has; the string under a figure is its Chinese label.

    A process adds the lengths of its charts' clocks, by ``clocks=(Chart, ...)``, and figures of its own.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)

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

    @classmethod
    def resolve(cls, values: Mapping[str, Any], figures: Mapping[str, Any] | None = None) -> Self:
        """Return the policy with what a shop has set; raises PolicyUnknown or BadForm, naming the figure.

        ``figures``, those of an edition, go before those of the code.  What an edition alone has is not looked at any
        more.
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
            value = getattr(self, name).value
            lengths = value if isinstance(value, tuple) else (value,)
            if any(isinstance(length, timedelta) and not timedelta(0) <= length <= LONGEST_CLOCK for length in lengths):
                longest = LONGEST_CLOCK.days
                raise ValueError(f"{name}: 时长须在 0 到 {longest} 天之间 / must be 0 to {longest} days")
        return self
