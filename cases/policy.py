"""Figures: every number a rule runs by, with its source, so that an operator sees whose it is (G-9)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import ConfigDict, model_validator

from cases.durations import format_duration, parse_duration
from cases.errors import PolicyUnknown
from cases.models import Duration, Strict, read

Provenance = Literal["stated", "read", "assumed", "set"]
"""Stated by the source, read out of an unclear one, assumed by us, or set by the shop."""

PROVENANCE_LABELS: Mapping[Provenance, str] = {"stated": "原文", "read": "解读", "assumed": "假设", "set": "商家设定"}


LONGEST_CLOCK = timedelta(days=3650)
"""No clock of a marketplace runs longer; instants that lie further away cannot be computed."""

Value = TypeVar("Value")


class Figure(Strict, Generic[Value]):
    """One figure: its value and unit, the rule it serves, and where it comes from."""

    value: Value
    unit: str
    clause: str
    source: str
    standing: Provenance

    def show(self) -> str:
        """The value as people write it."""
        return _show(self.value)


def _show(value: Any) -> str:
    if value is None or value == {}:
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(_show(each) for each in value) or "-"
    return format_duration(value) if isinstance(value, timedelta) else str(value)


def duration(length: str, clause: str, source: str, standing: Provenance) -> Figure[Duration]:
    """A figure that is a length of time, written as ``48h``."""
    return Figure[Duration](value=parse_duration(length), unit="时长", clause=clause, source=source, standing=standing)


def all_pinned(figures: Mapping[str, Any]) -> bool:
    """Whether every figure given is whole, with its source: such figures are taken as they are (G-9)."""
    return bool(figures) and all(isinstance(figure, dict) and "standing" in figure for figure in figures.values())


class Policy(Strict):
    """The figures every process has; a process adds its own.  The string under a figure is its Chinese label."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    reminders_before: Figure[tuple[Duration, ...]] = Figure(
        value=(parse_duration("12h"), parse_duration("2h")),
        unit="截止前",
        clause="G-5",
        source="assumption",
        standing="assumed",
    )
    """提醒时点"""
    decide_before: Figure[Duration] = duration("30m", "G-6", "assumption", "assumed")
    """默认决定提前量"""
    default_decision: Figure[str | None] = Figure(
        value=None, unit="动作", clause="G-6", source="assumption", standing="assumed"
    )
    """默认决定"""
    default_form: Figure[dict[str, Any]] = Figure(
        value={}, unit="表单", clause="G-6", source="assumption", standing="assumed"
    )
    """默认决定的表单"""

    @classmethod
    def figures(cls) -> tuple[str, ...]:
        """The names of all figures."""
        return tuple(cls.model_fields)

    @classmethod
    def label(cls, figure: str) -> str:
        """The Chinese name of a figure, or the name itself where it has none."""
        return cls.model_fields[figure].description or figure

    @classmethod
    def resolve(cls, values: Mapping[str, Any], source: str = "shop setting") -> Self:
        """The policy with the given figures set by the shop; raises PolicyUnknown or BadForm, naming the figure."""
        unknown = [name for name in values if name not in cls.model_fields]
        if unknown:
            raise PolicyUnknown(
                f"policy.{unknown[0]}: 没有这个指标 / no such figure; figures: {', '.join(cls.model_fields)}",
                ("policy", unknown[0]),
            )
        plain = cls().model_dump(mode="json")
        for name, value in values.items():
            plain[name] |= {"value": value, "source": source, "standing": "set"}
        return read(cls, plain, "policy")

    @model_validator(mode="after")
    def _no_clock_runs_backwards(self) -> Self:
        for name in type(self).model_fields:
            value = getattr(self, name).value
            lengths = value if isinstance(value, tuple) else (value,)
            if any(isinstance(length, timedelta) and not timedelta(0) <= length <= LONGEST_CLOCK for length in lengths):
                longest = LONGEST_CLOCK.days
                raise ValueError(f"{name}: 时长须在 0 到 {longest} 天之间 / must be 0 to {longest} days")
        return self
