"""Reconciliation: read what changed on a platform since the last run, in case messages were lost (G-3)."""

from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

from cases.errors import BadForm
from cases.messages import CatchUp, CatchUpCall, CatchUpScope
from cases.models import read, whole_seconds

FIRST_LOOK = timedelta(days=3)
"""How far back the first run for a shop goes."""
OVERLAP = timedelta(minutes=10)
"""How far a run overlaps the previous one: the platforms' lists lag."""
LONGEST = timedelta(minutes=30)
TRIES = RetryPolicy(maximum_attempts=3)
"""If they fail, the next run starts where the last successful one ended."""


@workflow.defn(name="catch_up")
class CatchUpWorkflow:
    """One run; its result is where the next run of the same schedule begins."""

    @workflow.run
    async def run(self, *scope: Any) -> dict[str, Any]:
        """Read what changed in a shop, ``{platform, shop_id}``; return until when, and the counts."""
        try:
            shop = read(CatchUpScope, scope[0] if len(scope) == 1 else None, "catch_up")
        except BadForm as bad:
            raise ApplicationError(str(bad), type="BadForm", non_retryable=True) from bad
        until = whole_seconds(workflow.now())
        last = workflow.get_last_completion_result(dict[str, Any]) if workflow.has_last_completion_result() else {}
        call = CatchUpCall(
            **shop.model_dump(),
            since=datetime.fromisoformat(last["until"]) - OVERLAP if last else until - FIRST_LOOK,
            until=until,
        )
        found = await workflow.execute_activity(
            "catch_up",
            call,
            result_type=CatchUp,
            start_to_close_timeout=LONGEST,
            retry_policy=TRIES,
            summary=f"{shop.platform} {shop.shop_id}",
        )
        return {"until": until.isoformat(), **found.model_dump()}
