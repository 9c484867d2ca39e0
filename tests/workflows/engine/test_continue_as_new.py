"""What a new run is given: it knows all of it, or waits for a worker that does."""

from functools import reduce
from operator import getitem
from typing import Any

import pytest

from cases.editions import NEWEST
from cases.errors import BadForm, UnreadableCase
from cases.messages import Opening
from tests.support.rules.machines import PromptMachine
from tests.support.temporal.life import facts, whole_now
from workflows.engine.continue_as_new import next_input, open_machine, opening_record, typed_by_hand
from workflows.engine.machine import CaseMachine
from workflows.registry import PROCESSES

RESHIP = PROCESSES["douyin_reship"]
CASE_ID = "douyin_reship/A1"


@pytest.fixture
def machine() -> CaseMachine:
    case = RESHIP.open_case(Opening(facts=facts("A1"), policy={"shipping": "3h"}))
    machine = PromptMachine(RESHIP, CASE_ID, case, now=whole_now())
    machine.decide("mark_out_of_stock", None, whole_now())
    machine.decide("agree", None, whole_now())
    return machine


def resumed(record: dict[str, Any]) -> CaseMachine:
    return open_machine(RESHIP, CASE_ID, (record,), whole_now(), resumed=True)


def test_a_new_run_has_the_facts_the_edition_the_shops_figures_and_the_state(machine: CaseMachine) -> None:
    record = next_input(machine)

    assert {name: record[name] for name in ("schema", "edition", "policy")} == {
        "schema": 1,
        "edition": NEWEST,
        "policy": {"shipping": "3h"},
    }
    again = resumed(record)
    assert (again.case, again.state) == (machine.case, machine.state)
    assert next_input(again) == record


@pytest.mark.parametrize(
    "place",
    [
        (),
        ("facts",),
        ("policy",),
        ("carried",),
        ("carried", "context"),
        ("carried", "snapshot"),
        ("carried", "timeline", 0),
        ("carried", "effects", 0),
        ("carried", "inputs", 0),
        ("carried", "decisions", 0),
    ],
    ids=str,
)
def test_what_a_new_run_does_not_know_it_does_not_drop(machine: CaseMachine, place: tuple[Any, ...]) -> None:
    record = next_input(machine)
    reduce(getitem, place, record)["younger"] = 1

    with pytest.raises(UnreadableCase, match="younger"):
        resumed(record)


def test_a_state_that_no_previous_run_wrote_is_refused(machine: CaseMachine) -> None:
    with pytest.raises(BadForm, match="carried"):
        open_machine(RESHIP, CASE_ID, (next_input(machine),), whole_now(), resumed=False)


def test_one_whole_figure_does_not_count_as_all_of_them() -> None:
    whole = RESHIP.case.policy_type()().model_dump(mode="json")["shipping"]

    assert typed_by_hand(({"facts": facts("A1"), "policy": {"shipping": whole}},))
    assert not typed_by_hand((opening_record(RESHIP.open_case(Opening(facts=facts("A1")))),))
