"""What a case keeps is bounded, whatever it is given, so that it can always continue as new."""

import json
from datetime import timedelta
from typing import Any

import pytest

from cases.errors import BadForm
from cases.messages import Opening, Report
from cases.models import LARGEST_INPUT, NAME_LENGTH
from tests.support.rules.machines import OPENED
from tests.support.temporal.life import facts
from workflows.engine.continue_as_new import next_input
from workflows.engine.limits import (
    LARGEST_OPENING,
    clip_report,
    newest_within,
    refuse_oversized,
    refuse_oversized_opening,
)
from workflows.engine.machine import CaseMachine
from workflows.registry import PROCESSES

CARRIED_AT_MOST = 1_000_000
"""Half of what the server takes as the input of a run."""


def large_refusal() -> dict[str, Any]:
    pieces = [{"kind": "sms", "url": "u" * 1000, "note": "证" * 500} for _ in range(20)]
    return {"reason": "无货" * 500, "evidence": pieces}


def test_an_input_of_the_greatest_size_is_taken_and_a_larger_one_refused() -> None:
    frame = len(json.dumps({"text": ""}, separators=(",", ":")))
    refuse_oversized({"text": "x" * (LARGEST_INPUT - frame)}, "agree")
    with pytest.raises(BadForm, match="agree: 过大"):
        refuse_oversized({"text": "x" * (LARGEST_INPUT - frame + 1)}, "agree")


def test_facts_and_figures_have_a_greatest_size_together() -> None:
    half = "x" * (LARGEST_OPENING // 2)
    with pytest.raises(BadForm, match="case: 过大"):
        refuse_oversized_opening({"facts": {"text": half}, "policy": {"text": half}})


@pytest.mark.parametrize("raw", [None, 7, [], {}, {"rule": 1, "message_id": []}, {"rule": " ", "message_id": ""}])
def test_of_a_message_without_names_nothing_is_kept(raw: Any) -> None:
    assert clip_report(raw) == Report()


def test_of_a_message_that_is_too_large_its_names_are_kept_clipped() -> None:
    kept = clip_report({"rule": "sign", "message_id": "\ud800" + "字" * 10_000, "form": {"x": "x" * 10_000}})
    assert (kept.rule, kept.form) == ("sign", None)
    assert kept.message_id is not None
    assert len(kept.message_id) == NAME_LENGTH


def test_the_newest_entries_that_fit_are_kept_in_order() -> None:
    assert newest_within(["a" * 10, "b" * 10, "c" * 10], 2 + 2 * 13) == ["b" * 10, "c" * 10]
    assert newest_within(["a", "b" * 1000], 100) == []
    assert newest_within([], 100) == []


def test_a_case_that_is_given_the_largest_inputs_again_and_again_still_fits_in_an_input_of_a_run() -> None:
    process = PROCESSES["douyin_reship"]
    case = process.open_case(
        Opening(facts=facts("A1", reason="other", applied_at=OPENED.isoformat(), description="字" * 2000), policy={})
    )
    machine = CaseMachine(process, "douyin_reship/A1", case, now=OPENED)
    now = OPENED
    for number in range(120):
        now += timedelta(seconds=61)
        rule = ("refuse", "modify")[number % 2]
        form = large_refusal() if rule == "refuse" else {"reason": "other", "description": "字" * 2000}
        message_id = f"{number}/".ljust(NAME_LENGTH, "字")
        report = {"message_id": message_id, "rule": rule, "form": form, "occurred_at": now.isoformat()}
        machine.receive(Report.model_validate_json(json.dumps(report)), now)
        machine.advance(now)
    fired = machine.state.fired_in_all
    assert fired == 120, machine.state.ignored[-1:]
    assert machine.state.timeline[-2].form is not None
    assert len(json.dumps(next_input(machine), ensure_ascii=False).encode()) < CARRIED_AT_MOST
