"""Recorded histories replay, with their content; a change of the code that they would not survive is found."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.common import RetryPolicy
from temporalio.worker import Replayer, WorkflowReplayResult

from cases.douyin_reship import ReshipCase
from cases.errors import BadForm, Refused
from tests.support.histories.record_histories import STORIES, calls_of, file_of
from tests.support.places import HISTORIES
from tests.support.temporal.life import PROCESS
from workflows.engine import activity_calls, case_workflow
from workflows.engine.activity_options import EFFECT, ActivityOptions
from workflows.engine.machine import CaseMachine
from workflows.engine.state import EffectState
from workflows.registry import case_workflows
from workflows.replay.replayer import REPLAY_ATTEMPTS, Difference, HistoryChanged, local_calls, recorded, replay
from workflows.worker_options import DEADLOCK, CaseRunner, OneArgument, for_cases

FILES = sorted(HISTORIES.glob("*.json"))


def history(story: str) -> WorkflowHistory:
    return recorded(HISTORIES / f"{PROCESS}_{story}.json")


async def changes(story: str) -> list[str]:
    with pytest.raises(HistoryChanged) as changed:
        await replay(history(story))
    return changed.value.differences


def test_every_story_is_recorded_and_every_record_has_its_story() -> None:
    assert {path.stem for path in FILES} == {file_of(story).stem for story in STORIES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_recorded_histories_replay_with_their_content(path: Path) -> None:
    await replay(recorded(path))
    assert await local_calls(recorded(path)) == json.loads(calls_of(path).read_text(encoding="utf-8"))


def test_the_sending_of_notices_and_what_quiet_hours_put_off_are_recorded() -> None:
    events = history("notices_put_off").events
    calls = [event.activity_task_scheduled_event_attributes.activity_type.name for event in events]
    assert [call for call in calls if call] == ["remind", *["send_notice"] * 5]
    waits = [event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta() for event in events]
    assert [round(wait / timedelta(hours=1)) for wait in waits if wait] == [36, 12, 4, 1, 6]


async def test_histories_are_read_as_the_case_they_are_of() -> None:
    assert history("still_open").workflow_id == f"{PROCESS}/still_open"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"events": []}', '{"events": [{"eventId": "1"}]}', '"x"'])
def test_what_is_no_history_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "not_a_history.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadForm, match=r"not_a_history\.json"):
        recorded(path)


def test_a_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadForm, match="nowhere"):
        recorded(tmp_path / "nowhere.json")


async def test_a_clock_of_another_length_is_found_although_plain_replay_is_content(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def halved(self: ReshipCase, figure: str, entered: datetime) -> datetime:
        return entered + timedelta(seconds=getattr(self.policy, figure).value.total_seconds() / 2)

    monkeypatch.setattr(ReshipCase, "due", halved)
    plain = Replayer(
        workflows=case_workflows(),
        workflow_runner=CaseRunner(),
        interceptors=[OneArgument()],
        data_converter=for_cases(),
    )
    just_opened = WorkflowHistory(f"{PROCESS}/still_open", first_task(history("still_open")))
    await plain.replay_workflow(just_opened)
    with pytest.raises(HistoryChanged) as changed:
        await replay(just_opened)
    (timer,) = [line for line in changed.value.differences if "timer_started" in line]
    assert "duration: recorded '1 day, 12:" in timer or "duration: recorded '1 day, 11:" in timer
    assert "now '12:" in timer or "now '11:" in timer


def first_task(whole: WorkflowHistory) -> list[Any]:
    """Return the events until the first timer has been started."""
    kinds = [event.WhichOneof("attributes") for event in whole.events]
    return list(whole.events)[: kinds.index("timer_started_event_attributes") + 1]


async def test_another_budget_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    budget: ActivityOptions = {**EFFECT, "start_to_close_timeout": timedelta(minutes=2)}  # type: ignore[typeddict-item]
    monkeypatch.setattr(activity_calls, "EFFECT", budget)
    (line,) = await changes("taken_late")
    assert line.endswith("start_to_close: recorded '0:00:30', now '0:02:00'")
    assert "agree_on_platform" in line


async def test_another_retry_policy_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    budget: ActivityOptions = {**EFFECT, "retry_policy": RetryPolicy(maximum_attempts=3)}  # type: ignore[typeddict-item]
    monkeypatch.setattr(activity_calls, "EFFECT", budget)
    assert any("retries.attempts: recorded 20, now 3" in line for line in await changes("taken_late"))


def _renumbered(monkeypatch: pytest.MonkeyPatch) -> None:
    real = activity_calls.effect_input

    def renumbered(machine: CaseMachine, effect: EffectState) -> Any:
        name, call = real(machine, effect)
        return name, call.model_copy(update={"key": f"{call.key}-again"})

    monkeypatch.setattr(activity_calls, "effect_input", renumbered)


async def test_another_argument_of_an_activity_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    _renumbered(monkeypatch)
    (line,) = await changes("taken_late")
    assert line.startswith("event ")
    assert "[0].key: recorded 'douyin_reship/taken_late/agree_on_platform/" in line
    assert line.endswith("-again'")


async def test_another_argument_of_a_local_call_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    _renumbered(monkeypatch)
    (call,) = await local_calls(history("still_open"))
    (kept,) = json.loads(calls_of(file_of("still_open")).read_text(encoding="utf-8"))
    assert call["arguments"][0]["key"] == f"{kept['arguments'][0]['key']}-again"


async def test_another_answer_to_a_person_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_workflow, "summary", lambda *_: {"status": "open"})
    lines = await changes("still_open")
    assert any("workflow_execution_update_completed" in line for line in lines)


async def test_another_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_workflow, "summary", lambda *_: {"status": "closed"})
    lines = await changes("silent_never_received")
    assert any("workflow_execution_completed" in line and ".state" not in line.split(":")[0] for line in lines)


async def test_another_search_attribute_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = case_workflow.attributes
    monkeypatch.setattr(
        case_workflow,
        "attributes",
        lambda machine: {
            key: f"{value}!" if key.name == "CaseState" else value for key, value in real(machine).items()
        },
    )
    assert any("CaseState" in line for line in await changes("still_open"))


async def test_other_commands_do_not_replay_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CaseMachine, "_remind", lambda *_: None)
    lines = await changes("silent_never_received")
    assert lines[0].startswith("does not replay: ")


@pytest.mark.parametrize("stops", [0, 1, REPLAY_ATTEMPTS - 1, REPLAY_ATTEMPTS])
async def test_a_machine_that_stops_in_the_middle_is_not_taken_for_another_history(
    monkeypatch: pytest.MonkeyPatch, stops: int
) -> None:
    calls, replay_workflow = count(1), Replayer.replay_workflow

    async def stopped(self: Replayer, history: WorkflowHistory, **options: Any) -> WorkflowReplayResult:
        if next(calls) <= stops:
            return WorkflowReplayResult(history, RuntimeError(f"[{DEADLOCK}] Potential deadlock detected"))
        return await replay_workflow(self, history, **options)

    monkeypatch.setattr(Replayer, "replay_workflow", stopped)
    with pytest.raises(HistoryChanged, match=DEADLOCK) if stops == REPLAY_ATTEMPTS else nullcontext():
        await replay(recorded(FILES[0]))


async def test_a_changed_history_is_a_refusal_to_the_command_line() -> None:
    assert issubclass(HistoryChanged, Refused)
    assert str(HistoryChanged([Difference("a", "1"), Difference("b")])) == "a: 1; b"


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_order_of_commands_does_not_hang_on_the_hashes_of_a_process(hash_seed: str) -> None:
    # An effect and a reminder begin in one task of the story.
    program = (
        "import asyncio, os\n"
        "from tests.support.places import HISTORIES\n"
        "from workflows.replay.replayer import recorded, replay\n"
        "async def run():\n"
        "    await replay(recorded(HISTORIES / 'douyin_reship_two_at_once.json'))\n"
        "asyncio.run(run())\n"
        "os._exit(0)"  # as our programs end: the SDK's threads now and then abort one that winds down by itself
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=HISTORIES.parent.parent,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
