"""A scenario: a case, how the platform answers, and what people do when."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import ValidationError, model_validator

from cases.errors import BadForm
from cases.messages import Opening
from cases.models import Duration, Instant, Strict, read
from cli.files import Document, read_document
from cli.offsets import is_absolute, shift_instants, shifter
from statecharts.rules import Party, Rule
from workflows.process import Process
from workflows.registry import process_of


class Expectation(Strict):
    """What must hold at a step: the states the case stands in, or whether it is closed."""

    state: tuple[str, ...] | None = None
    status: Literal["open", "closed"] | None = None


class Step(Strict):
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

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if len({"act", "report", "expect"} & self.model_fields_set) != 1:
            raise ValueError("expected exactly one of: act, report, expect")
        if self.at < timedelta(0):
            raise ValueError("at must not be negative")
        return self


class Answers(Strict):
    """How the scripted platform answers: what its clocks led to, by clock, and which effects fail."""

    settle: dict[str, str | dict[str, Any]] = {}
    fail: dict[str, Literal["business", "unreachable"]] = {}


class ScenarioFile(Strict):
    """The fields of a scenario file."""

    process: str
    opened_at: Instant | None = None
    opening: dict[str, Any]
    policy: dict[str, Any] = {}
    platform: Answers = Answers()
    steps: tuple[Step, ...] = ()
    until: Duration | None = None


class Scenario:
    """A scenario that was read and found sound, apart from what only its run can tell."""

    def __init__(self, path: Path) -> None:
        """Read and check a file; raises BadFile that names line, field and what was expected."""
        self.document: Document = read_document(path)
        try:
            self.file = read(ScenarioFile, self.document.data, "scenario")
        except BadForm as bad:
            bad.place = bad.place[1:]
            raise self.document.fault(bad) from bad
        try:
            self.process: Process = process_of(self.file.process)
            _check_times(self.file)
            _check_platform(self.file.platform, self.process)
            for number, step in enumerate(self.file.steps):
                _check_step(step, self.process, ("steps", number))
            self.opening(datetime.fromisoformat("2026-01-05T09:00:00+08:00"))
        except BadForm as bad:
            raise self.document.fault(bad) from bad

    def opening(self, origin: datetime) -> Opening:
        """What the case is opened with when the scenario begins at ``origin``; its policy is resolved."""
        shift = shifter(origin, self.file.opened_at)
        facts = shift_instants(self.process.case.facts_type(), self.file.opening, shift)
        case = self.process.open_case(Opening(facts=facts, policy=self.file.policy))
        return Opening(facts=case.facts.model_dump(mode="json"), policy=case.policy.model_dump(mode="json"))

    def form(self, step: Step, rule: str, origin: datetime) -> dict[str, Any] | None:
        """The form of a step with its instants shifted."""
        shift = shifter(origin, self.file.opened_at)
        form = self.process.case.form_type(self.process.chart.rules[rule].form)
        shifted: dict[str, Any] | None = shift_instants(form, step.form, shift)
        return shifted

    def instant(self, written: str | None, origin: datetime) -> str | None:
        """An instant of a message, shifted."""
        shifted: str | None = shifter(origin, self.file.opened_at)(written)
        return shifted


def _check_times(file: ScenarioFile) -> None:
    latest = timedelta(0)
    for number, step in enumerate(file.steps):
        if step.at < latest:
            raise BadForm("at: steps must stand in order of time", ("steps", number, "at"))
        latest = step.at
    if file.until is not None and file.until < latest:
        raise BadForm("until: must not come before the last step", ("until",))
    for name, value in file.opening.items():
        if is_absolute(value) and file.opened_at is None:
            raise BadForm(
                f"opening.{name}: an absolute instant needs opened_at; expected an offset such as -3d, or opened_at",
                ("opening", name),
            )


def _check_platform(answers: Answers, process: Process) -> None:
    clocks = [name for name, clock in process.chart.clocks().items() if clock.settled_by_platform]
    for name, answer in answers.settle.items():
        place = ("platform", "settle", name)
        _one_of(name, clocks, "platform.settle", place)
        if isinstance(answer, str):
            _one_of(answer, list(process.chart.rules), f"platform.settle.{name}", place)
    effects = [*(name for name, effect in process.effects().items() if effect.commands), "settle"]
    for name in answers.fail:
        _one_of(name, effects, "platform.fail", ("platform", "fail", name))


def _check_step(step: Step, process: Process, place: tuple[str | int, ...]) -> None:
    rules = process.chart.rules
    rule = step.act or step.report
    if rule is not None:
        word = "act" if step.act else "report"
        known = [name for name, each in rules.items() if each.party is not Party.CLOCK or step.report]
        _one_of(rule, known, word, (*place, word))
        _check_form(step, process, rules[rule], (*place, "form"))
    elif step.report is None and "act" in step.model_fields_set:
        raise BadForm("act: expected the name of a rule", (*place, "act"))
    for state in step.expect.state or () if step.expect else ():
        _one_of(state, list(process.chart.states_map), "expect.state", (*place, "expect", "state"))


def _check_form(step: Step, process: Process, rule: Rule, place: tuple[str | int, ...]) -> None:
    """Refuse fields that no form has and values of the wrong type; what the rules refuse is for the run to show."""
    if step.form is None:
        return
    try:
        process.case.form_type(rule.form).model_validate(step.form, strict=False)
    except ValidationError as bad:
        for fault in bad.errors(include_url=False):
            if fault["type"] == "extra_forbidden" or fault["type"].endswith("_type"):
                name = ".".join(str(part) for part in fault["loc"])
                fields = ", ".join(process.case.form_type(rule.form).model_fields) or "none"
                raise BadForm(f"form.{name}: {fault['msg']}; fields: {fields}", (*place, *fault["loc"])) from bad


def _one_of(name: str, known: list[str], what: str, place: tuple[str | int, ...]) -> None:
    if name not in known:
        raise BadForm(f"{what}: {name!r} is unknown; expected one of: {', '.join(known)}", place)
