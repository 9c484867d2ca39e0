"""Measuring how late the clocks of cases fire, outside of the cases: no command of theirs depends on it.

A case sleeps until an instant by a timer, and an instant is a whole second; other timers of a case (to ask a platform
again, to go on with a backlog) end at no whole second, and are not measured.  Both the instant at which a task began
and those of timers are the server's, so that this machine's clock does not matter.
"""

from datetime import datetime
from typing import Final

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails

from aftersales.monitoring.figures import CLOCK_LATENESS
from workflows.engine.case_time import task_began
from workflows.registry import REGISTERED
from workflows.worker_options import CaseRunner

ROUNDED_MICROSECONDS: Final = 2
"""By how much an instant may be wrong that is added up: both its parts were rounded to microseconds."""


class ClockWatch:
    """The timers of one case that run, and when each is due."""

    def __init__(self, process: str) -> None:
        """Watch a case of a process."""
        self._lateness = CLOCK_LATENESS.labels(process)
        self._due: dict[int, datetime] = {}

    def note(self, activation: WorkflowActivation, completion: WorkflowActivationCompletion) -> None:
        """Measure the timers that have fired, unless the case is only replayed; note those started or cancelled."""
        began = task_began()
        if began is None:
            return
        for job in activation.jobs:
            fired = job.HasField("fire_timer")
            if fired and (due := self._due.pop(job.fire_timer.seq, None)) and not activation.is_replaying:
                self._lateness.observe(max(0.0, (began - due).total_seconds()))
        for command in completion.successful.commands:
            if command.HasField("start_timer"):
                due = began + command.start_timer.start_to_fire_timeout.ToTimedelta()
                if _is_instant(due):
                    self._due[command.start_timer.seq] = due
            elif command.HasField("cancel_timer"):
                self._due.pop(command.cancel_timer.seq, None)


def _is_instant(due: datetime) -> bool:
    return min(due.microsecond, 1_000_000 - due.microsecond) <= ROUNDED_MICROSECONDS


class MeasuringRunner(CaseRunner):
    """The runner of a worker that measures the clocks of its cases."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Create an instance; that of a case is watched."""
        instance = super().create_instance(det)
        if det.info.workflow_type not in REGISTERED:
            return instance
        activate, watch = instance.activate, ClockWatch(det.info.workflow_type)

        def watched(act: WorkflowActivation) -> WorkflowActivationCompletion:
            completion = activate(act)
            watch.note(act, completion)
            return completion

        vars(instance)["activate"] = watched
        return instance
