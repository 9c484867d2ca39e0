"""A link to the cases that are due soon: saved views of the Web UI know absolute instants only."""

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
    """Return the route ``/due/12`` to the open cases with a deadline in the next 12 h, overdue ones included."""

    async def due(request: Request) -> Response:
        hours = request.path_params["hours"]
        if not 1 <= hours <= MOST_HOURS:
            return PlainTextResponse(f"expected 1 to {MOST_HOURS} hours", 404)
        try:
            address = await listed_at()
        except (CaseError, RPCError) as bad:
            return PlainTextResponse(str(bad), 503)
        target = link(address, due_within(timedelta(hours=hours), datetime.now(UTC)))
        return RedirectResponse(target, headers={"cache-control": "no-store"})

    return Route("/due/{hours:int}", due)
