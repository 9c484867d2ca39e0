"""When a task began, and when an activation is stale: it brings events that no workflow task has handled yet."""

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion

from workflows.engine.case_time import TaskTimes, task_began

BEGAN = datetime(2026, 1, 5, tzinfo=UTC)


def activation(
    job: str, *, length: int, after: float = 0.0, local: bool = False, called_off: bool = False
) -> WorkflowActivation:
    made = WorkflowActivation(history_length=length, jobs=[WorkflowActivationJob()])
    made.timestamp.FromDatetime(BEGAN + timedelta(seconds=after))
    getattr(made.jobs[0], job).SetInParent()
    if local:
        made.jobs[0].resolve_activity.is_local = True
    if called_off:
        made.jobs[0].resolve_activity.result.cancelled.SetInParent()
    return made


@pytest.mark.parametrize(
    ("next_one", "stale"),
    [
        (activation("fire_timer", length=14), True),
        (activation("signal_workflow", length=14), True),
        (activation("fire_timer", length=14, after=0.001), False),
        (activation("resolve_activity", length=14), True),
        (activation("resolve_activity", length=3, called_off=True), False),
        (activation("resolve_activity", length=14, local=True), False),
        (activation("query_workflow", length=14), False),
    ],
    ids=[
        "a timer",
        "a signal",
        "of a task of its own",
        "a call",
        "called off in the same task",
        "a local call",
        "a query",
    ],
)
def test_what_comes_without_a_task_of_its_own_is_stale(next_one: WorkflowActivation, *, stale: bool) -> None:
    times = TaskTimes()
    assert not times.note(activation("initialize_workflow", length=3))
    assert times.note(next_one) is stale


def completion(*, accepted: bool) -> WorkflowActivationCompletion:
    made = WorkflowActivationCompletion()
    answer = made.successful.commands.add().update_response
    (answer.accepted if accepted else answer.rejected).SetInParent()
    return made


@pytest.mark.parametrize("accepted", [True, False], ids=["accepted", "refused"])
def test_a_task_that_brought_only_a_refused_update_leaves_the_time_as_it_was(*, accepted: bool) -> None:
    times, later = TaskTimes(), activation("do_update", length=8, after=60)
    times.note(activation("initialize_workflow", length=3))

    times.note(later)
    assert task_began() == BEGAN + timedelta(minutes=1)  # the rules are asked as of now
    times.forget_if_refused(later, completion(accepted=accepted))

    times.note(activation("resolve_activity", length=8, after=60, local=True))
    assert task_began() == BEGAN + timedelta(minutes=1 if accepted else 0)


def test_a_refused_update_beside_something_else_does_not_undo_the_task() -> None:
    times, both = TaskTimes(), activation("signal_workflow", length=8, after=60)
    both.jobs.add().do_update.SetInParent()
    times.note(activation("initialize_workflow", length=3))

    times.note(both)
    times.forget_if_refused(both, completion(accepted=False))

    times.note(activation("resolve_activity", length=8, after=60, local=True))
    assert task_began() == BEGAN + timedelta(minutes=1)
