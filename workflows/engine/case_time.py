"""The time of a running case.

``workflow.now()`` is when the present workflow task began.  A worker that replays a case only to answer a query sees
events that no task has handled yet, still with the time of the task before.  What it did then would differ from what
the next task does, and the case would be wedged; to leave it for later would be worse, as nobody would wake the case.
Such an activation is stale: it is refused, so that the worker forgets the run.  Only the query fails.
Nor does time go on while a local call is made: how long that took is not the same when a case is replayed.
"""

import threading
from datetime import UTC, datetime, timedelta

from temporalio import workflow
from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion

from cases.models import whole_seconds

EVENTS = ("initialize_workflow", "signal_workflow", "fire_timer", "do_update", "cancel_workflow")
"""The jobs that come with a workflow task of their own."""


class _Activation(threading.local):
    """The instant of the task that the activation belongs to which this thread is running."""

    at: datetime | None = None
    second: datetime | None = None
    after_reset: bool = False


_activation = _Activation()


class TaskTimes:
    """Notes for one workflow, before each of its activations, when its task began."""

    def __init__(self) -> None:
        self._before: tuple[int, int] | None = None
        self._length = 0
        self._at: datetime | None = None
        self._second: datetime | None = None
        self._kept: tuple[datetime | None, datetime | None] = None, None

    def note(self, activation: WorkflowActivation) -> bool:
        """Note when the task began; return whether the activation is stale: it has events of a task still to come."""
        stamp, length = activation.timestamp, activation.history_length
        instant = stamp.seconds, stamp.nanos
        news = any(map(_is_news, activation.jobs))
        stale = news and instant == self._before and length > self._length
        self._kept = self._at, self._second
        if news:
            self._at = stamp.ToDatetime(UTC)
            self._second = whole_seconds(self._at)
        _activation.at, _activation.second = self._at, self._second
        _activation.after_reset = any(job.HasField("update_random_seed") for job in activation.jobs)
        self._before, self._length = instant, length
        return stale

    def forget_if_refused(self, activation: WorkflowActivation, completion: WorkflowActivationCompletion) -> None:
        """Forget when the task began if it brought only updates that were refused: a replay does not know of them."""
        if all(job.HasField("do_update") for job in activation.jobs if _is_news(job)) and not any(
            command.update_response.HasField("accepted") for command in completion.successful.commands
        ):
            self._at, self._second = self._kept


def _is_news(job: WorkflowActivationJob) -> bool:
    """Return whether a job comes with a task of its own; a local call ends in the task that made it."""
    variant = job.WhichOneof("variant")
    return not job.resolve_activity.is_local if variant == "resolve_activity" else variant in EVENTS


class CaseTime:
    """The time of one run of a case, in whole seconds."""

    def __init__(self) -> None:
        self._proved: datetime | None = None

    def now(self) -> datetime:
        """Return the present instant: not before that of any timer that has fired."""
        current = _activation.second or whole_seconds(workflow.now())
        return current if self._proved is None else max(current, self._proved)

    async def sleep_until(self, instant: datetime, summary: str) -> None:
        """Sleep until an instant, which has come when this returns whatever the clock says."""
        await workflow.sleep(max(instant - (task_began() or workflow.now()), timedelta(0)), summary=summary)
        self._proved = instant if self._proved is None else max(self._proved, instant)


def after_reset() -> bool:
    """Return whether the present activation gives the case again what it had been given before it was reset."""
    return _activation.after_reset


def task_began() -> datetime | None:
    """Return when the task began to which the last activation on this thread belonged; None before the first."""
    return _activation.at
