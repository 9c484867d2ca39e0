"""Reconciliation: read what has changed on a platform since the last run, in case messages were lost (G-3)."""

from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

from cases.errors import BadForm
from cases.messages import CatchUp, CatchUpCall, CatchUpScope
from cases.models import read, whole_seconds
from workflows.engine.activity_options import shop_share

FIRST_SPAN = timedelta(days=3)
"""The time that the first run for a shop covers."""
OVERLAP = timedelta(minutes=10)
"""The overlap with the previous run, as the platforms' lists lag."""
LONGEST_RUN = timedelta(minutes=30)
SILENCE = timedelta(minutes=1)
"""A look that is silent for so long has died with its worker."""
RUN_ATTEMPTS = RetryPolicy(initial_interval=timedelta(seconds=5), maximum_attempts=3)
"""If all of them fail, the next run starts where the last successful one ended."""


@workflow.defn(name="catch_up")
class CatchUpWorkflow:
    """One run of a schedule; the next run begins where its result says.  A run that could not see all has no result."""

    @workflow.run
    async def run(self, *scope: Any) -> dict[str, Any]:
        """Report what has changed in a shop, ``{platform, shop_id}``; return the end of the span and the counts."""
        try:
            shop = read(CatchUpScope, scope[0] if len(scope) == 1 else None, "catch_up")
        except BadForm as bad:
            raise ApplicationError(str(bad), type="BadForm", non_retryable=True) from bad
        until = whole_seconds(workflow.now())
        last = workflow.get_last_completion_result(dict[str, Any]) if workflow.has_last_completion_result() else {}
        call = CatchUpCall(
            platform=shop.platform,
            shop_id=shop.shop_id,
            since=datetime.fromisoformat(last["until"]) - OVERLAP if last else shop.since or until - FIRST_SPAN,
            until=until,
        )
        counts = await workflow.execute_activity(
            "catch_up",
            call,
            result_type=CatchUp,
            start_to_close_timeout=LONGEST_RUN,
            heartbeat_timeout=SILENCE,
            retry_policy=RUN_ATTEMPTS,
            priority=shop_share(shop.shop_id),
            summary=f"{shop.platform} {shop.shop_id}",
        )
        return {"until": until.isoformat(), **counts.model_dump()}
