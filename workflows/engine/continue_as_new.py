"""The input of a case's workflow: the facts and policy that open it, or the whole state of the previous run."""

from datetime import datetime
from typing import Any

from cases.errors import BadForm
from cases.messages import Opening
from cases.models import read
from cases.policy import all_pinned
from workflows.engine.machine import CaseMachine
from workflows.engine.process import Process

CARRIED = "carried"


def is_pinned(arguments: tuple[Any, ...]) -> bool:
    """Return whether the figures are pinned (G-9); if not, the first run pins them and continues as new."""
    opening = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], dict) else {}
    policy = opening.get("policy")
    return CARRIED in opening or (isinstance(policy, dict) and all_pinned(policy))


def open_machine(
    process: Process, case_id: str, arguments: tuple[Any, ...], now: datetime, *, resumed: bool
) -> CaseMachine:
    """Open a case from the workflow's arguments, or resume it; raises BadForm, naming what is wrong.

    ``resumed``: a previous run continued as new.  Only then is a carried state accepted.
    """
    if len(arguments) != 1 or not isinstance(arguments[0], dict):
        raise BadForm(
            "案件须以一个 JSON 对象打开 / a case is opened with one object: {facts: {...}, policy?: {...}}; "
            f"got {len(arguments)} argument(s)"
        )
    opening = dict(arguments[0])
    if resumed and CARRIED in opening:
        carried = opening.pop(CARRIED)
        return CaseMachine.resume(process, case_id, read(process.case, opening, "case"), carried)
    case = process.open_case(read(Opening, opening, "case"))
    expected = f"{process.name}/{case.facts.own_id}"
    if case_id != expected:
        raise BadForm(
            f"workflow id: 应为 / must be {expected!r}, not {case_id!r}: 同一售后单只有一个案件 / one case per id"
        )
    return CaseMachine(process, case_id, case, now=now)


def next_input(machine: CaseMachine) -> dict[str, Any]:
    """Return the input of the next run: facts, figures and state."""
    return {**machine.case.model_dump(mode="json", include={"facts", "policy"}), CARRIED: machine.carried()}
