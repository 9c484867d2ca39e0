"""The time of a running case.

``workflow.now()`` is when the present workflow task began.  A worker that replays a case only to answer a query sees
events that no task has handled yet, still with the time of the task before.  What the case did then would differ from
what the next task does, which moreover would not run it again: the case would be wedged.  Such an activation is stale,
and is declined: the query fails, and the worker replays the case when the next task comes.
Nor does time go on while a local call is made: how long that took is not the same when a case is replayed.
"""

import threading
from datetime import UTC, datetime, timedelta

from temporalio import workflow
from temporalio.bridge.proto.workflow_activation import WorkflowActivation

from cases.models import whole_seconds

EVENTS = ("initialize_workflow", "signal_workflow", "fire_timer", "resolve_activity", "do_update", "cancel_workflow")
"""The jobs that come with a workflow task of their own, except for the results of local calls."""
STALE = "案件有新事件待处理,请稍后再查 / the case has events that no worker has handled yet: ask again in a moment"


class _Activation(threading.local):
    """The instant of the task to which the activation belongs that this thread is running."""

    at: datetime | None = None


_activation = _Activation()


class TaskTimes:
    """Notes for one workflow, before each of its activations, when its task began."""

    def __init__(self) -> None:
        self._before: int | None = None
        self._length = 0
        self._at: datetime | None = None

    def note(self, activation: WorkflowActivation) -> bool:
        """Note when the task began; return whether the activation is stale: more history, but no time has passed."""
        nanoseconds, length = activation.timestamp.ToNanoseconds(), activation.history_length
        jobs = [job for job in activation.jobs if job.WhichOneof("variant") in EVENTS]
        news = any(job.WhichOneof("variant") != "resolve_activity" or not job.resolve_activity.is_local for job in jobs)
        stale = news and nanoseconds == self._before and length > self._length
        if news:
            self._at = activation.timestamp.ToDatetime(UTC)
        _activation.at = self._at
        self._before, self._length = nanoseconds, length
        return stale


class CaseTime:
    """The time of one run of a case, in whole seconds."""

    def __init__(self) -> None:
        self._proved: datetime | None = None

    def now(self) -> datetime:
        """Return the present instant: not before that of any timer that has fired."""
        current = whole_seconds(_task_began())
        return current if self._proved is None else max(current, self._proved)

    async def sleep_until(self, instant: datetime, summary: str) -> None:
        """Sleep until an instant, which has come when this returns whatever the clock says."""
        await workflow.sleep(max(instant - _task_began(), timedelta(0)), summary=summary)
        self._proved = instant if self._proved is None else max(self._proved, instant)


def _task_began() -> datetime:
    return _activation.at or workflow.now()
