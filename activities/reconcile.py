"""The activity that reports to the cases what no message reported."""

from collections.abc import Callable, Mapping
from typing import Any

from temporalio import activity

from cases.errors import BadForm
from cases.messages import CatchUp, CatchUpCall
from cases.ports import Reconcile


def catch_up_activity(reconcilers: Mapping[str, Reconcile]) -> Callable[..., Any]:
    """Return the activity that reconciles a shop with its marketplace."""

    @activity.defn(name="catch_up")
    async def catch_up(call: CatchUpCall) -> CatchUp:
        reconcile = reconcilers.get(call.platform)
        if reconcile is None:
            names = ", ".join(reconcilers) or "-"
            raise BadForm(f"platform: 不能补查 / cannot be reconciled: {call.platform!r}; expected one of: {names}")
        return await reconcile(call.shop_id, call.since, call.until)

    return catch_up
