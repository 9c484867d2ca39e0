"""A link that always shows what is due soon: a saved view of the Web UI knows absolute instants only."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from temporalio.service import RPCError

from aftersales.runtime.web_ui import due_within, link
from cases.errors import CaseError

MOST_HOURS: Final = 24 * 30


def due_route(listed_at: Callable[[], Awaitable[str]]) -> Route:
    """``/due/12`` leads to the open cases with a deadline in the next 12 h, the overdue among them."""

    async def due(request: Request) -> Response:
        hours = request.path_params["hours"]
        if not 1 <= hours <= MOST_HOURS:
            return PlainTextResponse(f"expected 1 to {MOST_HOURS} hours", 404)
        try:
            listed = await listed_at()
        except (CaseError, RPCError) as bad:
            return PlainTextResponse(str(bad), 503)
        address = link(listed, due_within(timedelta(hours=hours), datetime.now(UTC)))
        return RedirectResponse(address, headers={"cache-control": "no-store"})

    return Route("/due/{hours:int}", due)
