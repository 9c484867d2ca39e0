"""Looking regularly for cases whose workflows were terminated, failed, cancelled or timed out (G-14)."""

from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy

from cases.messages import EndedLook, EndedLookCall
from cases.models import whole_seconds

LOOK_OVERLAP = timedelta(minutes=10)
"""The overlap with the previous look, as Temporal lists a workflow's end a moment late."""
LONGEST_LOOK = timedelta(minutes=30)
LOOK_SILENCE = timedelta(minutes=2)
LOOK_ATTEMPTS = RetryPolicy(initial_interval=timedelta(seconds=5), maximum_attempts=3)
"""If all of them fail, the next look starts where the last successful one ended."""


@workflow.defn(name="look_for_ended")
class LookForEndedWorkflow:
    """One run of a schedule; the next run begins where its result says."""

    @workflow.run
    async def run(self, *_: Any) -> dict[str, Any]:
        """Find the cases that ended early, and tell operators; return the end of the span and the counts."""
        began = whole_seconds(workflow.now())
        last = workflow.get_last_completion_result(dict[str, Any]) if workflow.has_last_completion_result() else {}
        counts = await workflow.execute_activity(
            "look_for_ended",
            EndedLookCall(since=datetime.fromisoformat(last["until"]) - LOOK_OVERLAP if last else None),
            result_type=EndedLook,
            start_to_close_timeout=LONGEST_LOOK,
            heartbeat_timeout=LOOK_SILENCE,
            retry_policy=LOOK_ATTEMPTS,
        )
        return {"until": began.isoformat(), **counts.model_dump()}
