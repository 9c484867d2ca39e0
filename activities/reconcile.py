"""The activity that finds what no message reported."""

from collections.abc import Callable, Mapping
from typing import Any

from temporalio import activity

from cases.errors import BadForm
from cases.messages import CatchUp, CatchUpCall
from cases.ports import Look


def catch_up_activity(looks: Mapping[str, Look]) -> Callable[..., Any]:
    """Return the activity that uses the look of a shop's marketplace."""

    @activity.defn(name="catch_up")
    async def catch_up(call: CatchUpCall) -> CatchUp:
        look = looks.get(call.platform)
        if look is None:
            known = ", ".join(looks) or "-"
            raise BadForm(f"platform: 不能补查 / cannot be looked at: {call.platform!r}; expected one of: {known}")
        return await look(call.shop_id, call.since, call.until)

    return catch_up
