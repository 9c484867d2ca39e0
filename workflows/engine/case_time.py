"""The time of a running case.

``workflow.now()`` is when the present workflow task began.  A worker that replays a case only to answer a query sees
events that no task has handled yet, still with the time of the task before.  What it did then would differ from what
the next task does, and the case would be wedged.  Such an activation is stale: a case does nothing until time goes on.
"""

import threading
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.bridge.proto.workflow_activation import WorkflowActivation

from cases.models import whole_seconds

EVENTS = ("signal_workflow", "fire_timer", "resolve_activity", "do_update", "cancel_workflow")
"""The jobs that come with a workflow task of their own."""


class _Activation(threading.local):
    """The activation that this thread is running."""

    stale = False


_activation = _Activation()


class Staleness:
    """Notes for one workflow, before each of its activations, whether that is stale."""

    def __init__(self) -> None:
        self._before: int | None = None

    def note(self, activation: WorkflowActivation) -> None:
        """Note whether events arrive although no time has passed since the activation before."""
        at = activation.timestamp.ToNanoseconds()
        jobs = [job for job in activation.jobs if job.WhichOneof("variant") in EVENTS]
        news = any(job.WhichOneof("variant") != "resolve_activity" or not job.resolve_activity.is_local for job in jobs)
        _activation.stale = news and at == self._before
        self._before = at


class CaseTime:
    """The time of one run of a case, in whole seconds."""

    def __init__(self) -> None:
        self._proved: datetime | None = None

    def now(self) -> datetime:
        """Return the present instant: not before that of any timer that has fired."""
        current = whole_seconds(workflow.now())
        return current if self._proved is None else max(current, self._proved)

    async def is_certain(self) -> None:
        """Wait, if this activation is stale, until time goes on."""
        if _activation.stale:
            await workflow.wait_condition(lambda: not _activation.stale)

    async def sleep_until(self, instant: datetime, summary: str) -> None:
        """Sleep until an instant, which has come when this returns whatever the clock says."""
        await workflow.sleep(max(instant - workflow.now(), timedelta(0)), summary=summary)
        self._proved = instant if self._proved is None else max(self._proved, instant)
