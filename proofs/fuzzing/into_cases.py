"""What reaches an open case: messages, decisions, steps done by hand, openings, and what is typed into a form."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from aftersales.desk.handling.form_fields import fields_of, read_form
from cases.errors import BadForm, CaseError
from cases.forms import Form
from cases.messages import EffectOutcome, Opening
from proofs.fuzzing.spoiling import as_json, json_bytes, odd_values, spoilt
from proofs.fuzzing.target import BadOutcome, FuzzTarget, check_told
from tests.support.rules.telling import FORMS, OPENED, OPENINGS, opened, restarted
from workflows.engine.case_workflow import take_message
from workflows.engine.details import current_details
from workflows.engine.machine import CaseMachine
from workflows.engine.process import Process
from workflows.engine.search_attributes import attributes
from workflows.engine.view import view
from workflows.registry import PROCESSES

LATER = OPENED + timedelta(hours=3)
MOST_STEPS = 6


def _messages() -> Iterator[dict[str, Any]]:
    for process, rules in ((name, PROCESSES[name].rules) for name in PROCESSES):
        for rule in rules:
            for form in FORMS.get(rule, [{}]):
                message = {"message_id": f"m-{rule}", "rule": rule, "form": form, "order": None}
                told = {**message, "occurred_at": OPENED.isoformat(), "deadline": LATER.isoformat()}
                yield {"process": process, "steps": [{"report": told}]}
                yield {"process": process, "steps": [{"act": rule, "form": form}, {"report": message}]}
    yield {"process": "anxinjian_split", "steps": [{"report": {"rule": "refund_order", "order": "O1"}}]}
    yield {"process": "douyin_reship", "steps": [{"act": "done_by_hand", "form": {"serial": 1, "note": "x"}}]}
    yield {"process": "douyin_reship", "steps": [{"act": "retry_effect", "form": {"serial": 1}}]}


def take_steps(written: bytes) -> None:
    """Let a case take some messages and decisions in; whatever they hold, it can be shown and carried over."""
    try:
        document = json.loads(written)
    except (ValueError, RecursionError):
        return
    process, steps = _process_of(document), _field(document, "steps")
    facts = OPENINGS[process.name][0]
    machine = opened(process.name, facts)
    now = OPENED
    for number, step in enumerate(steps[:MOST_STEPS] if isinstance(steps, list) else [{"report": document}]):
        now += timedelta(hours=number)
        if isinstance(step, dict) and "act" in step:
            _act(machine, str(step["act"]), step.get("form"), now)
        else:
            take_message(machine, step.get("report") if isinstance(step, dict) else step, now)
        machine.advance(now)
    shown = view(machine, now)
    shown.model_dump_json()
    current_details(machine, now).encode()
    attributes(machine)
    json.dumps(machine.carried()).encode()
    again = restarted(machine, facts)
    if view(again, now).model_dump() != shown.model_dump():
        raise BadOutcome("a case that was carried over is shown otherwise")


def _field(document: Any, name: str) -> Any:
    return document.get(name) if isinstance(document, dict) else None


def _process_of(document: Any) -> Process:
    name = _field(document, "process")
    return PROCESSES[name if isinstance(name, str) and name in PROCESSES else "douyin_reship"]


def _act(machine: CaseMachine, rule: str, form: Any, now: Any) -> None:
    try:
        if rule == "done_by_hand":
            machine.check_step(form, now, retry=False)
            machine.done_by_hand(form, now)
        elif rule == "retry_effect":
            machine.check_step(form, now, retry=True)
            machine.retry_effect(form)
        elif rule in machine.process.rules and machine.process.rules[rule].clock is None:
            machine.check(rule, form, now)
            decision = machine.submit(rule, form, now, key=f"{rule}@{now.isoformat()}")
            machine.take(decision.serial, EffectOutcome(), now)
    except CaseError as told:
        check_told(told)


OPENED_AS = [
    {"process": process, "opening": facts, "policy": policy}
    for process, samples in OPENINGS.items()
    for facts in samples
    for policy in ({}, {"default_decision": "agree"}, {"reminders_before": ["2h"], "late_facts": "3d"})
]


def take_opening(written: bytes) -> None:
    """Open a case; whatever the facts and the policy are, it can be shown, and time can pass."""
    try:
        document = json.loads(written)
    except (ValueError, RecursionError):
        return
    if not isinstance(document, dict):
        return
    process = _process_of(document)
    try:
        opening = Opening(facts=document.get("opening"), policy=document.get("policy", {}))  # type: ignore[arg-type]
    except ValueError:
        return  # what Temporal hands over is a mapping
    machine = CaseMachine(process, f"{process.name}/A1", process.open_case(opening, opened_at=OPENED), now=OPENED)
    machine.advance(OPENED)
    machine.advance(LATER)
    view(machine, LATER).model_dump_json()
    current_details(machine, LATER).encode()
    attributes(machine)


TYPED = [
    {
        "process": process,
        "form": name,
        "fields": {"reason": "x", "note": "y", "amount": "9.90", "evidence.0.kind": "photo"},
    }
    for process in PROCESSES
    for name in PROCESSES[process].case.forms
]


def take_typed(written: bytes) -> None:
    """Read what is typed into a form of the desk, and show the form again with it."""
    try:
        document = json.loads(written)
    except (ValueError, RecursionError):
        return
    form, typed = _form_of(document), _field(document, "fields")
    posted = {str(name): str(value) for name, value in typed.items()} if isinstance(typed, dict) else {}
    try:
        read_form(form, posted)
    except BadForm as told:
        check_told(told)
    fields_of(form, posted, {}, ())


def _form_of(document: Any) -> type[Form]:
    forms, name = _process_of(document).case.forms, _field(document, "form")
    return forms[name] if isinstance(name, str) and name in forms else next(iter(forms.values()))


NAMES = sorted(
    {
        place
        for process in PROCESSES
        for form in PROCESSES[process].case.forms.values()
        for field in form.model_fields
        for place in (
            field,
            f"{field}.0",
            f"{field}.0.kind",
            f"{field}.99999999999.url",
            f"{field}.-1.url",
            f"{field}.٣.url",
        )
    }
)
_typed = st.dictionaries(st.sampled_from(NAMES), odd_values.map(str), max_size=6)
_filled = st.tuples(st.sampled_from(TYPED), _typed).map(
    lambda pair: as_json({**pair[0], "fields": {**pair[0]["fields"], **pair[1]}})
)

TARGETS = (
    FuzzTarget("steps", json_bytes(list(_messages())), take_steps),
    FuzzTarget("opening", spoilt(OPENED_AS).map(as_json), take_opening),
    FuzzTarget("typed", st.one_of(_filled, json_bytes(TYPED)), take_typed),
)
