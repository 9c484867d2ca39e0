"""The fields of a scenario file."""

from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import model_validator

from cases.models import Duration, Instant, Strict

LONGEST_SCENARIO = timedelta(days=400)
"""No scenario lasts longer."""


class Expectation(Strict):
    """What must hold at a step: the states the case stands in, or whether it is closed."""

    state: tuple[str, ...] | None = None
    status: Literal["open", "closed"] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.state is None and self.status is None:
            raise ValueError("expected state or status")
        return self


class ScenarioStep(Strict):
    """At an offset from the opening a person acts, the platform reports, or something is expected."""

    at: Duration
    act: str | None = None
    report: str | None = None
    expect: Expectation | None = None
    form: dict[str, Any] | None = None
    order: str | None = None
    message_id: str | None = None
    occurred_at: str | None = None
    deadline: str | None = None

    @property
    def rule(self) -> str | None:
        """The rule that is fired or reported."""
        return self.act if self.act is not None else self.report

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        given = self.model_fields_set
        done = {"act", "report", "expect"} & given
        if len(done) != 1:
            raise ValueError("expected exactly one of: act, report, expect")
        allowed = {"act": {"form", "order"}, "report": set(ScenarioStep.model_fields), "expect": set[str]()}[done.pop()]
        if extra := given - allowed - {"at", "act", "report", "expect"}:
            raise ValueError(f"{', '.join(sorted(extra))}: does not belong to this kind of step")
        if "expect" in given and self.expect is None:
            raise ValueError("expected state or status")
        return self

    @model_validator(mode="after")
    def _within_reach(self) -> Self:
        if not timedelta(0) <= self.at <= LONGEST_SCENARIO:
            raise ValueError(f"at must be 0s to {LONGEST_SCENARIO.days}d")
        return self


class Answers(Strict):
    """How the scripted platform answers: what its clocks led to, by clock, and which effects fail."""

    settle: dict[str, str | dict[str, Any]] = {}
    fail: dict[str, Literal["business", "unreachable"]] = {}


class ScenarioFile(Strict):
    """The whole file."""

    process: str
    opened_at: Instant | None = None
    opening: dict[str, Any]
    policy: dict[str, Any] = {}
    platform: Answers = Answers()
    steps: tuple[ScenarioStep, ...] = ()
    until: Duration | None = None
