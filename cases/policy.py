"""Figures: every number a rule runs by, with its source, so that an operator sees whose it is (G-9)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import model_validator

from cases.durations import format_duration, parse_duration
from cases.errors import PolicyUnknown
from cases.models import Duration, Strict, read

Standing = Literal["stated", "read", "assumed", "set"]
"""Stated by the source, read out of an unclear one, assumed by us, or set by the shop."""

STANDING_LABELS: Mapping[Standing, str] = {"stated": "原文", "read": "解读", "assumed": "假设", "set": "商家设定"}


Value = TypeVar("Value")


class Figure(Strict, Generic[Value]):
    """One figure: its value and unit, the rule it serves, and where it comes from."""

    value: Value
    unit: str
    clause: str
    source: str
    standing: Standing

    def show(self) -> str:
        """The value as people write it."""
        return _show(self.value)


def _show(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(_show(each) for each in value) or "-"
    return format_duration(value) if isinstance(value, timedelta) else str(value)


def hours(length: str, clause: str, source: str, standing: Standing) -> Figure[Duration]:
    """A figure that is a length of time, written as ``48h``."""
    return Figure[Duration](value=parse_duration(length), unit="时长", clause=clause, source=source, standing=standing)


class Policy(Strict):
    """The figures every process has; a process adds its own."""

    reminders_before: Figure[tuple[Duration, ...]] = Figure(
        value=(parse_duration("12h"), parse_duration("2h")),
        unit="截止前",
        clause="G-5",
        source="assumption",
        standing="assumed",
    )
    decide_before: Figure[Duration] = hours("30m", "G-6", "assumption", "assumed")
    default_decision: Figure[str | None] = Figure(
        value=None, unit="动作", clause="G-6", source="assumption", standing="assumed"
    )
    default_form: Figure[dict[str, Any]] = Figure(
        value={}, unit="表单", clause="G-6", source="assumption", standing="assumed"
    )

    @classmethod
    def figures(cls) -> tuple[str, ...]:
        """The names of all figures."""
        return tuple(cls.model_fields)

    @classmethod
    def resolve(cls, values: Mapping[str, Any], source: str = "shop setting") -> Self:
        """The policy with the given figures set by the shop; raises PolicyUnknown or BadForm, naming the figure."""
        unknown = [name for name in values if name not in cls.model_fields]
        if unknown:
            raise PolicyUnknown(
                f"policy.{unknown[0]}: 没有这个指标 / no such figure; figures: {', '.join(cls.model_fields)}"
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
            if any(isinstance(length, timedelta) and length < timedelta(0) for length in lengths):
                raise ValueError(f"{name}: 时长不能为负 / a length of time must not be negative")
        return self
