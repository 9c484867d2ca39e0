"""What can be told of a scenario before it is run; every check raises BadForm with the place of the fault."""

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from aftersales.files.documents import Place
from aftersales.platforms.scripted import SETTLE
from aftersales.simulation.scenario_file import LONGEST_SCENARIO, ScenarioFile, ScenarioStep
from cases.errors import BadForm
from cases.models import expected, read
from statecharts.rules import Party
from workflows.engine.process import Process

Model = TypeVar("Model", bound=BaseModel)


def read_at(model: type[Model], raw: Any, place: Place, what: str = "") -> Model:
    """Read a part of the file into a model; a fault stands under ``place``."""
    try:
        return read(model, raw, what or ".".join(str(part) for part in place))
    except BadForm as bad:
        inside = bad.place[1:]
        text = str(bad).removesuffix(expected(model)) + expected(_around(model, inside))
        raise BadForm(text, (*place, *inside)) from bad


def _around(model: type[BaseModel], place: Place) -> type[BaseModel]:
    """The innermost model that a place goes through: the one whose fields were expected."""
    found: type[BaseModel] = model
    annotation: Any = model
    for part in place:
        if isinstance(part, str) and part in found.model_fields:
            annotation = found.model_fields[part].annotation
        inner = (annotation, *get_args(annotation))
        found = next((each for each in inner if isinstance(each, type) and issubclass(each, BaseModel)), found)
    return found


def check_times(file: ScenarioFile) -> None:
    """Steps stand in order of time, and the end does not come before them."""
    latest = timedelta(0)
    for number, step in enumerate(file.steps):
        if step.at < latest:
            raise BadForm("at: steps must stand in order of time", ("steps", number, "at"))
        latest = step.at
    if file.until is not None and not latest <= file.until <= LONGEST_SCENARIO:
        raise BadForm(f"until: must not come before the last step, nor after {LONGEST_SCENARIO.days}d", ("until",))


def check_names(file: ScenarioFile, process: Process, orders: Sequence[str]) -> None:
    """Every clock, effect, rule, order and state that is named exists."""
    clocks = (name for name, clock in process.clocks.items() if clock.settled_by_platform)
    _known(file.platform.settle, clocks, ("platform", "settle"))
    effects = (name for name, effect in process.effects().items() if effect.calls_platform)
    _known(file.platform.fail, (*effects, SETTLE), ("platform", "fail"))
    for number, step in enumerate(file.steps):
        _check_step(step, process, orders, ("steps", number))


def _check_step(step: ScenarioStep, process: Process, orders: Sequence[str], place: Place) -> None:
    given = step.model_fields_set
    if step.act is not None:
        rules = (name for name, rule in process.rules.items() if rule.party is not Party.CLOCK)
        _one_of(step.act, rules, "act", (*place, "act"))
    elif "act" in given:
        raise BadForm("act: expected the name of a rule", (*place, "act"))
    elif step.report is not None:
        known_rule(process, step.report, (*place, "report"))
    elif "report" in given and (step.deadline is None or step.form is not None):
        raise BadForm("report: expected the name of a rule, or null and a deadline alone", (*place, "report"))
    for state in step.expect.state or () if step.expect else ():
        check_state(process, state, orders, (*place, "expect", "state"))
    if "order" in given and step.rule is not None and process.names_order(step.rule):
        _one_of(str(step.order), orders, "order", (*place, "order"))


def check_state(process: Process, state: str, orders: Sequence[str], place: Place) -> None:
    """A state of the case, or of one of its orders, as in ``O2.waived``."""
    of_orders = (f"{order}.{name}" for order in orders for name in process.order_states)
    _one_of(state, (*process.states, *of_orders), "expect.state", place)


def known_rule(process: Process, rule: str, place: Place) -> None:
    """A rule, also a clock's: the platform may say that it ran out."""
    _one_of(rule, process.rules, str(place[-1]), place)


def check_form(process: Process, rule: str, form: Any, place: Place) -> None:
    """No field that the form has not, and no value of a wrong type; what the rules refuse is for the run to show."""
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


def _known(names: Iterable[str], known: Iterable[str], place: Place) -> None:
    choices = tuple(known)
    for name in names:
        _one_of(name, choices, ".".join(str(part) for part in place), (*place, name))


def _one_of(name: str, known: Iterable[str], what: str, place: Place) -> None:
    choices = tuple(known)
    if name not in choices:
        raise BadForm(f"{what}: {name!r} is unknown; expected one of: {', '.join(choices)}", place)
