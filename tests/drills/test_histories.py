"""What the drill would notice of a history: a task that failed, a command that changed, a notice sent in vain."""

from collections import Counter
from copy import deepcopy
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from drills.histories import MOMENT_OFF, a_moment_off, failed_sendings, history_wrong
from tests.support.places import ROOT
from workflows.replay.replayer import recorded

NONDETERMINISTIC = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR
RESET = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW


def history_of(name: str) -> WorkflowHistory:
    return recorded(ROOT / "tests" / "histories" / f"douyin_reship_{name}.json")


def with_failed_task(history: WorkflowHistory, cause: "WorkflowTaskFailedCause.ValueType") -> WorkflowHistory:
    """Return a history whose last workflow task failed."""
    last, at = history.events[-1].event_id, history.events[-1].event_time
    scheduled, started, failed = (HistoryEvent(event_id=last + number, event_time=at) for number in (1, 2, 3))
    scheduled.event_type = EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED
    scheduled.workflow_task_scheduled_event_attributes.attempt = 1
    started.event_type = EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED
    started.workflow_task_started_event_attributes.scheduled_event_id = last + 1
    failed.event_type = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    failed.workflow_task_failed_event_attributes.cause = cause
    failed.workflow_task_failed_event_attributes.scheduled_event_id = last + 1
    failed.workflow_task_failed_event_attributes.started_event_id = last + 2
    return WorkflowHistory(history.workflow_id, [*history.events, scheduled, started, failed])


async def test_a_history_as_it_was_recorded_is_not_wrong() -> None:
    checked = Counter[str]()
    assert await history_wrong(history_of("still_open"), checked) == []
    assert checked[MOMENT_OFF] == 0


async def test_a_clock_that_was_another_is_noticed() -> None:
    history = deepcopy(history_of("still_open"))
    timer = next(event for event in history.events if event.HasField("timer_started_event_attributes"))
    timer.timer_started_event_attributes.start_to_fire_timeout.FromTimedelta(timedelta(hours=1))
    assert await history_wrong(history, Counter()) != []


async def test_a_command_that_is_no_longer_there_is_noticed() -> None:
    history = deepcopy(history_of("still_open"))
    timer = next(event for event in history.events if event.HasField("timer_started_event_attributes"))
    timer.event_type = EventType.EVENT_TYPE_MARKER_RECORDED
    timer.marker_recorded_event_attributes.marker_name = "planted"
    (wrong,) = await history_wrong(history, Counter())
    assert "TMPRL1100" in wrong


async def test_a_task_that_failed_is_noticed_unless_a_reset_has_left_it() -> None:
    failed = await history_wrong(with_failed_task(history_of("still_open"), NONDETERMINISTIC), Counter())
    assert any("NON_DETERMINISTIC_ERROR" in fault for fault in failed)
    assert await history_wrong(with_failed_task(history_of("still_open"), RESET), Counter()) == []


def test_a_sending_counts_as_failed_for_every_try_but_the_one_that_was_answered() -> None:
    history = deepcopy(history_of("notices_put_off"))
    (refused,) = +failed_sendings(history)
    assert failed_sendings(history)[refused] == 1

    completed = next(
        event.activity_task_completed_event_attributes
        for event in history.events
        if event.HasField("activity_task_completed_event_attributes")
        and history.events[
            event.activity_task_completed_event_attributes.scheduled_event_id - 1
        ].activity_task_scheduled_event_attributes.activity_type.name
        == "send_notice"
    )
    started = history.events[completed.started_event_id - 1].activity_task_started_event_attributes
    started.attempt = 3
    assert failed_sendings(history).total() == 3

    begun = WorkflowHistory(history.workflow_id, history.events[: completed.scheduled_event_id])
    assert failed_sendings(begun).total() == 1, "its run was reset before it had an answer"


@pytest.mark.parametrize(
    ("recorded", "now", "off"),
    [
        ("A/2026-11-27T00:41:45+00:00", "A/2026-11-27T00:41:46+00:00", True),
        ("A/2026-11-27T00:41:45+00:00", "B/2026-11-27T00:41:46+00:00", False),
        ("A/2026-11-27T00:41:45+00:00", "A/2026-11-27T00:42:46+00:00", False),
        ("agree", "refuse", False),
    ],
)
def test_only_an_instant_that_is_a_moment_later_is_no_change_of_a_history(
    recorded: str, now: str, *, off: bool
) -> None:
    assert a_moment_off(f"event 10: [0].key: recorded '{recorded}', now '{now}'") is off
    assert not a_moment_off("does not replay: TMPRL1100")
