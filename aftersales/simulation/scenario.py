"""Scenarios: files that say how a case is opened, how the platform answers and what happens when; their checks."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, Field, ValidationError, model_validator

from aftersales.files.documents import Document, Place, read_document
from aftersales.files.offsets import Shift, scenario_shifter, shift_instant, shift_instants
from aftersales.platforms.scripted import SETTLE, Script
from cases.case import SAMPLE_INSTANT
from cases.durations import format_duration
from cases.errors import BadForm
from cases.messages import ExpiryOutcome, Opening, Report
from cases.models import Duration, Instant, Model, Strict, expected, read
from statecharts.rules import Party
from workflows.engine.decisions import StuckStep
from workflows.engine.process import Process
from workflows.engine.situation import ORDER_FIELD
from workflows.registry import process_of

LONGEST_SCENARIO = timedelta(days=400)
OCCURRED_FIELD = "occurred_at"
"""The field of a decision's argument that says when it was taken in truth."""
RETRY, BY_HAND = "retry_effect", "done_by_hand"
ABOUT_STEPS = (RETRY, BY_HAND)
"""What people do about a step of a case that waits for them, which is no rule."""


class Expectation(Strict):
    """The expectation of a step: the states of the case, or whether it is closed."""

    state: tuple[str, ...] | None = None
    status: Literal["open", "closed"] | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.state is None and self.status is None:
            raise ValueError("expected state or status")
        return self


class ScenarioStep(Strict):
    """A person acts, the platform reports, or something is expected, at an offset from the opening.

    ``case`` names one of the further cases; None is the scenario's own.
    """

    at: Duration
    case: str | None = None
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
        """The rule that is fired or reported; None if none is."""
        if self.act is not None:
            return None if self.act in ABOUT_STEPS else self.act
        return self.report

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        fields = self.model_fields_set
        kind = {"act", "report", "expect"} & fields
        if len(kind) != 1:
            raise ValueError("expected exactly one of: act, report, expect")
        allowed = {
            "act": {"form", "order", "occurred_at"} - _not_of(self.act),
            "report": set(ScenarioStep.model_fields),
            "expect": set[str](),
        }[kind.pop()]
        if extra := fields - allowed - {"at", "case", "act", "report", "expect"}:
            raise ValueError(f"{', '.join(sorted(extra))}: not allowed in this kind of step")
        if "expect" in fields and self.expect is None:
            raise ValueError("expected state or status")
        return self

    @model_validator(mode="after")
    def _within_limits(self) -> Self:
        if not timedelta(0) <= self.at <= LONGEST_SCENARIO:
            raise ValueError(f"at must be 0s to {LONGEST_SCENARIO.days}d")
        return self


def _not_of(act: str | None) -> set[str]:
    """Return the fields that an act about a waiting step does not have."""
    return {RETRY: {"order", "occurred_at"}, BY_HAND: {"order"}}.get(act or "", set())


class _Occurred(Strict):
    occurred_at: Instant


class Answers(Strict):
    """The answers of the scripted platform: what its clocks led to, by clock, and which effects fail.

    ``console``: whether console tasks are done at once, or wait for a step ``done_by_hand``.
    """

    settle: dict[str, str | dict[str, Any]] = {}
    fail: dict[str, Literal["business", "unreachable"]] = {}
    console: Literal["done", "wait"] = "done"


class CaseOpening(Strict):
    """The opening of a case: its process, facts and figures."""

    process: str
    opening: dict[str, Any]
    policy: dict[str, Any] = {}


class FurtherCase(CaseOpening):
    """A further case of the same world (G-15), and when it is opened."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    at: Duration = timedelta(0)

    @model_validator(mode="after")
    def _within_limits(self) -> Self:
        if not timedelta(0) <= self.at <= LONGEST_SCENARIO:
            raise ValueError(f"at must be 0s to {LONGEST_SCENARIO.days}d")
        return self


class ScenarioFile(CaseOpening):
    """The whole file."""

    opened_at: Instant | None = None
    also: tuple[FurtherCase, ...] = Field(default=(), max_length=20)
    platform: Answers = Answers()
    steps: tuple[ScenarioStep, ...] = ()
    until: Duration | None = None


class Scenario:
    """A scenario, read from its file and checked without running it."""

    def __init__(self, path: Path) -> None:
        """Read and check a file; raise BadFile that names line, field and what was expected."""
        self.document: Document = read_document(path)
        try:
            shift_instant(self.document.data.get("opened_at"), _as_it_is, ("opened_at",))
            self.file = _read_at(ScenarioFile, self.document.data, (), "scenario")
            self.process: Process = process_of(self.file.process)
            self._processes = self._read_processes()
            _check_times(self.file)
            _check_answers(self.file.platform, list(self._processes.values()))
            for number, step in enumerate(self.file.steps):
                _check_name(step.case or "", ("", *filter(None, self._processes)), "case", ("steps", number, "case"))
                _check_step(step, self._of(step), self._orders(step.case), ("steps", number))
                self._check_opened(step, ("steps", number, "at"))
            self._rehearse(SAMPLE_INSTANT)
        except BadForm as bad:
            raise self.document.fault(bad) from bad

    def _rehearse(self, origin: datetime) -> None:
        """Build everything that the run will need, so that faults show before it."""
        for name in self._processes:
            self.opening(origin, name)
        self.script(origin)
        for number, step in enumerate(self.file.steps):
            place = ("steps", number, "form")
            if step.rule is not None:
                _check_form(self._of(step), step.rule, self.form(number, origin), place)
            if step.act is not None and step.occurred_at is not None:
                _read_at(_Occurred, {OCCURRED_FIELD: self._occurred_at(number, origin)}, ("steps", number), "act")
            if step.act in ABOUT_STEPS and step.form is not None:
                _read_at(StuckStep, step.form, place, "form")
            if step.report is not None or step.deadline is not None:
                _read_at(Report, self.message(number, origin), ("steps", number), "message")

    def _read_processes(self) -> dict[str | None, Process]:
        """Return the processes of all cases by their names, None for the scenario's own."""
        processes: dict[str | None, Process] = {None: self.process}
        for number, case in enumerate(self.file.also):
            if case.name in processes:
                raise BadForm(f"name: {case.name!r} is taken", ("also", number, "name"))
            try:
                processes[case.name] = process_of(case.process)
            except BadForm as bad:
                raise BadForm(str(bad), ("also", number, "process")) from bad
        return processes

    def _check_opened(self, step: ScenarioStep, place: Place) -> None:
        for case in self.file.also:
            if case.name == step.case and step.at < case.at:
                raise BadForm(f"at: the case {case.name!r} is opened only at {format_duration(case.at)}", place)

    def process_of(self, name: str | None) -> Process:
        """Return the process of a case by its name; None is the scenario's own."""
        return self._processes[name]

    def _of(self, step: ScenarioStep) -> Process:
        return self._processes[step.case]

    def _orders(self, name: str | None) -> tuple[str, ...]:
        return self._processes[name].open_case(self.opening(SAMPLE_INSTANT, name)).orders

    def opening(self, origin: datetime, name: str | None = None) -> Opening:
        """Return the opening of a case of a scenario that begins at ``origin``, with its policy resolved."""
        numbers = {case.name: number for number, case in enumerate(self.file.also)}
        place: Place = () if name is None else ("also", numbers[name])
        opened: CaseOpening = self.file if name is None else self.file.also[numbers[name]]
        process = self._processes[name]
        try:
            facts = shift_instants(process.case.facts_type(), opened.opening, self._shift(origin), ("opening",))
            case = process.open_case(Opening(facts=facts, policy=opened.policy))
        except BadForm as bad:
            raise BadForm(str(bad), (*place, *bad.place)) from bad
        return Opening(facts=case.facts.model_dump(mode="json"), policy=case.policy.overrides())

    def form(self, number: int, origin: datetime) -> dict[str, Any] | None:
        """Return the form of a step, with its instants shifted."""
        step = self.file.steps[number]
        if step.act in ABOUT_STEPS:
            return step.form
        place = ("steps", number, "form")
        form: dict[str, Any] | None = self._form(self._of(step), step.rule, step.form, origin, place)
        return form

    def decision(self, number: int, origin: datetime) -> dict[str, Any] | None:
        """Return the argument of the update that a step sends: its form, and the fields that any form may bear."""
        step, form = self.file.steps[number], self.form(number, origin)
        reserved = {ORDER_FIELD: step.order, OCCURRED_FIELD: self._occurred_at(number, origin)}
        given = {name: value for name, value in reserved.items() if value is not None}
        return {**(form or {}), **given} if given else form

    def _occurred_at(self, number: int, origin: datetime) -> str | None:
        place = ("steps", number, "occurred_at")
        at: str | None = shift_instant(self.file.steps[number].occurred_at, self._shift(origin), place)
        return at

    def message(self, number: int, origin: datetime) -> dict[str, Any]:
        """Return the message that a step reports, with its instants shifted and without empty fields."""
        step = self.file.steps[number]
        fields = {
            "message_id": step.message_id,
            "rule": step.report,
            "form": self.form(number, origin),
            "order": step.order,
            "occurred_at": self._occurred_at(number, origin),
            "deadline": shift_instant(step.deadline, self._shift(origin), ("steps", number, "deadline")),
        }
        return {name: value for name, value in fields.items() if value is not None}

    def script(self, origin: datetime) -> Script:
        """Return the answers of the scripted platform, with their instants shifted."""
        answers = self.file.platform
        settle = {clock: self._outcome(clock, answer, origin) for clock, answer in answers.settle.items()}
        return Script(settle=settle, fail=answers.fail)

    def _outcome(self, clock: str, answer: str | dict[str, Any], origin: datetime) -> ExpiryOutcome:
        place = ("platform", "settle", clock)
        raw = {"rule": answer} if isinstance(answer, str) else answer
        outcome = _read_at(ExpiryOutcome, shift_instants(ExpiryOutcome, raw, self._shift(origin), place), place)
        if outcome.rule is None:
            return outcome
        process = next(own for own in self._processes.values() if clock in own.clocks)
        _check_rule(process, outcome.rule, place)
        form = self._form(process, outcome.rule, outcome.form, origin, (*place, "form"))
        _check_form(process, outcome.rule, form, (*place, "form"))
        return outcome.model_copy(update={"form": form})

    def _form(self, process: Process, rule: str | None, raw: Any, origin: datetime, place: Place) -> Any:
        model = process.case.form_type(process.rules[rule].form if rule else None)
        return shift_instants(model, raw, self._shift(origin), place)

    def _shift(self, origin: datetime) -> Shift:
        return scenario_shifter(origin, self.file.opened_at)


# Checks; all of them raise BadForm with the place of the fault


def _as_it_is(written: Any) -> Any:
    return written


def _read_at(model: type[Model], raw: Any, place: Place, what: str = "") -> Model:
    """Read the part of the file at a place into a model."""
    try:
        return read(model, raw, what or ".".join(str(part) for part in place))
    except BadForm as bad:
        inside = bad.place[1:]
        text = str(bad).removesuffix(expected(model)) + expected(_innermost(model, inside))
        raise BadForm(text, (*place, *inside)) from bad


def _innermost(model: type[BaseModel], place: Place) -> type[BaseModel]:
    """Return the innermost model on the path to a place: the one whose fields were expected there."""
    inner: type[BaseModel] = model
    annotation: Any = model
    for part in place:
        if isinstance(part, str) and part in inner.model_fields:
            annotation = inner.model_fields[part].annotation
        types = (annotation, *get_args(annotation))
        inner = next((type_ for type_ in types if isinstance(type_, type) and issubclass(type_, BaseModel)), inner)
    return inner


def _check_times(file: ScenarioFile) -> None:
    latest = timedelta(0)
    for number, step in enumerate(file.steps):
        if step.at < latest:
            raise BadForm("at: steps must be in order of time", ("steps", number, "at"))
        latest = step.at
    if file.until is not None and not latest <= file.until <= LONGEST_SCENARIO:
        raise BadForm(f"until: must not be before the last step, nor after {LONGEST_SCENARIO.days}d", ("until",))


def _check_answers(answers: Answers, processes: Sequence[Process]) -> None:
    clocks = [name for own in processes for name, clock in own.clocks.items() if clock.resolved_by_platform]
    _check_keys(answers.settle, dict.fromkeys(clocks), ("platform", "settle"))
    effects = [name for own in processes for name, effect in own.effects().items() if effect.calls_platform]
    _check_keys(answers.fail, (*dict.fromkeys(effects), SETTLE), ("platform", "fail"))


def _check_step(step: ScenarioStep, process: Process, orders: Sequence[str], place: Place) -> None:
    fields = step.model_fields_set
    if step.act is not None:
        rules = (name for name, rule in process.rules.items() if rule.party is not Party.CLOCK)
        _check_name(step.act, (*rules, *ABOUT_STEPS), "act", (*place, "act"))
    elif "act" in fields:
        raise BadForm("act: expected the name of a rule", (*place, "act"))
    elif step.report is not None:
        _check_rule(process, step.report, (*place, "report"))
    elif "report" in fields and (step.deadline is None or step.form is not None):
        raise BadForm("report: expected the name of a rule, or null and a deadline alone", (*place, "report"))
    for state in step.expect.state or () if step.expect else ():
        _check_state(process, state, orders, (*place, "expect", "state"))
    if "order" in fields and step.rule is not None and process.names_order(step.rule):
        _check_name(str(step.order), orders, "order", (*place, "order"))


def _check_state(process: Process, state: str, orders: Sequence[str], place: Place) -> None:
    """Check a state of the case, or of one of its orders, such as ``O2.waived``."""
    of_orders = (f"{order}.{name}" for order in orders for name in process.order_states)
    _check_name(state, (*process.states, *of_orders), "expect.state", place)


def _check_rule(process: Process, rule: str, place: Place) -> None:
    """Check the name of any rule; the platform may also report that a clock ran out."""
    _check_name(rule, process.rules, str(place[-1]), place)


def _check_form(process: Process, rule: str, form: Any, place: Place) -> None:
    """Refuse unknown fields and wrong types of a form; anything else is left for the rules to refuse in the run."""
    if form is None:
        return
    model = process.case.form_type(process.rules[rule].form)
    try:
        model.model_validate_json(json.dumps(form))
    except ValidationError as bad:
        for fault in bad.errors(include_url=False):
            if fault["type"] == "extra_forbidden" or fault["type"].endswith("_type"):
                where = (*place, *fault["loc"])
                name = ".".join(str(part) for part in ("form", *fault["loc"]))
                raise BadForm(f"{name}: {fault['msg']}; {expected(model)}", where) from bad


def _check_keys(names: Iterable[str], allowed: Iterable[str], place: Place) -> None:
    choices = tuple(allowed)
    for name in names:
        _check_name(name, choices, ".".join(str(part) for part in place), (*place, name))


def _check_name(name: str, allowed: Iterable[str], what: str, place: Place) -> None:
    choices = tuple(allowed)
    if name not in choices:
        raise BadForm(f"{what}: {name!r} is unknown; expected one of: {', '.join(choices)}", place)
