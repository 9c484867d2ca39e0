"""The activity that reports to the cases what no message reported."""

from collections.abc import Callable, Mapping
from typing import Any

from temporalio import activity

from cases.errors import BadForm
from cases.messages import CatchUp, CatchUpCall
from cases.ports import Reconcile


def catch_up_activity(reconcile: Mapping[str, Reconcile]) -> Callable[..., Any]:
    """Return the activity, which calls the function of the shop's marketplace."""

    @activity.defn(name="catch_up")
    async def catch_up(call: CatchUpCall) -> CatchUp:
        if call.platform not in reconcile:
            names = ", ".join(reconcile) or "-"
            raise BadForm(f"platform: 不能补查 / cannot be reconciled: {call.platform!r}; expected one of: {names}")
        return await reconcile[call.platform](call.shop_id, call.since, call.until)

    return catch_up
