"""The input of a case's workflow: what opens it, and at a new run also what the previous one knew.

Programs of ours write a record with the number of its ``schema``.  One that this worker cannot read was written by
another release; it fails the workflow task, so that the case waits for a worker that can.  What people type, without
a schema, fails the workflow and says what is wrong.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import Field

from cases.case import Case
from cases.errors import BadForm, CaseError, UnreadableCase
from cases.messages import Opening
from cases.models import Instant, Strict, read
from workflows.engine.machine import CaseMachine
from workflows.engine.process import Process

SCHEMA = 1
"""Goes up with a change that a worker of the previous release would misunderstand.  The old records are still read."""
_SCHEMA_FIELD = "schema"


class OpeningRecord(Strict):
    """What a program of ours writes: facts, edition and the shop's figures, and at a new run the state."""

    schema_number: int = Field(default=SCHEMA, alias=_SCHEMA_FIELD)
    facts: dict[str, Any]
    edition: str
    policy: dict[str, Any]
    carried: dict[str, Any] | None = None


class _Beginning(Strict):
    """When a case began, as its state carries it."""

    began: Instant | None


def typed_by_hand(arguments: tuple[Any, ...]) -> bool:
    """Return whether an opening has no edition yet: the first run pins it (G-9) and continues as new."""
    return not (len(arguments) == 1 and isinstance(arguments[0], dict) and _is_record(arguments[0]))


def _is_record(opening: dict[str, Any]) -> bool:
    return isinstance(opening.get(_SCHEMA_FIELD), int)


def open_machine(
    process: Process, case_id: str, arguments: tuple[Any, ...], now: datetime, *, resumed: bool
) -> CaseMachine:
    """Open a case from the workflow's arguments, or resume it; raises BadForm, naming what is wrong, or UnreadableCase.

    ``resumed``: a previous run continued as new.  Only then is a carried state accepted.
    """
    if len(arguments) != 1 or not isinstance(arguments[0], dict):
        raise BadForm(
            "案件须以一个 JSON 对象打开 / a case is opened with one object: {facts: {...}, policy?: {...}}; "
            f"got {len(arguments)} argument(s)"
        )
    opening = arguments[0]
    if not _is_record(opening):
        case = process.open_case(read(Opening, opening, "case"), opened_at=now)
        return _opened(process, case_id, case, now)
    if opening[_SCHEMA_FIELD] > SCHEMA:
        raise UnreadableCase(f"case: schema {opening[_SCHEMA_FIELD]}, this worker reads up to {SCHEMA}")
    try:
        record = read(OpeningRecord, opening, "case")
        began = _began(record.carried) if resumed and record.carried else now
        case = process.open_case(Opening(facts=record.facts, policy=record.policy), record.edition, opened_at=began)
        if resumed and record.carried is not None:
            return _resumed(process, case_id, case, record.carried)
    except CaseError as bad:
        raise UnreadableCase(f"written by another release of this program: {bad}") from bad
    if record.carried is not None:
        raise BadForm("carried: 没有这个字段 / no such field: only a new run of a case carries its state")
    return _opened(process, case_id, case, now)


def _began(carried: dict[str, Any]) -> datetime | None:
    """Return when a case began, on which the figures that it has pinned depend; raises BadForm."""
    return read(_Beginning, {"began": carried.get("began")}, "carried").began


def _opened(process: Process, case_id: str, case: Case, now: datetime) -> CaseMachine:
    expected = f"{process.name}/{case.facts.own_id}"
    if case_id != expected:
        raise BadForm(
            f"workflow id: 应为 / must be {expected!r}, not {case_id!r}: 同一售后单只有一个案件 / one case per id"
        )
    return CaseMachine(process, case_id, case, now=now)


def _resumed(process: Process, case_id: str, case: Case, carried: dict[str, Any]) -> CaseMachine:
    machine = CaseMachine.resume(process, case_id, case, carried)
    for place in _forgotten(carried, machine.carried(), "carried"):
        raise UnreadableCase(f"{place}: this worker does not know it")
    return machine


def _forgotten(written: Any, kept: Any, place: str) -> Iterator[str]:
    """Yield what was written and is not kept: a later release would miss it."""
    if isinstance(written, dict) and isinstance(kept, dict):
        for name, value in written.items():
            if name not in kept:
                yield f"{place}.{name}"
            else:
                yield from _forgotten(value, kept[name], f"{place}.{name}")
    elif isinstance(written, list) and isinstance(kept, list):
        for number, (value, own) in enumerate(zip(written, kept, strict=False)):
            yield from _forgotten(value, own, f"{place}[{number}]")


def opening_record(case: Case) -> dict[str, Any]:
    """Return the input that opens a case, with its edition."""
    return {
        _SCHEMA_FIELD: SCHEMA,
        "facts": case.facts.model_dump(mode="json", exclude_none=True),
        "edition": case.edition,
        "policy": case.policy.overrides(),
    }


def next_input(machine: CaseMachine) -> dict[str, Any]:
    """Return the input of the next run: that of the opening, and the state."""
    return {**opening_record(machine.case), "carried": machine.carried()}
