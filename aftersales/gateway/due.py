"""A link to the cases that are due soon: saved views of the Web UI know absolute instants only."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from temporalio.service import RPCError

from aftersales.runtime.http.http_authorization import TokenSource, bears, logged_in
from aftersales.runtime.temporal.web_ui import due_within, link
from cases.errors import CaseError

MOST_HOURS: Final = 24 * 30


LOGIN: Final = {"www-authenticate": 'Basic realm="aftersales: any name, the status token as password"'}


def due_route(listed_at: Callable[[], Awaitable[str]], token: TokenSource) -> Route:
    """Return the route ``/due/12`` to the open cases with a deadline in the next 12 h, overdue ones included.

    It is open to whoever has the token, as the bearer or as the password of a login.
    """

    async def due(request: Request) -> Response:
        if not (bears(request, token()) or logged_in(request, token())):
            return PlainTextResponse("unauthorized", 401, headers=LOGIN)
        hours = _hours(request.path_params["hours"])
        if hours is None:
            return PlainTextResponse(f"expected 1 to {MOST_HOURS} hours", 400)
        try:
            address = await listed_at()
        except (CaseError, RPCError) as bad:
            return PlainTextResponse(str(bad), 503)
        target = link(address, due_within(timedelta(hours=hours), datetime.now(UTC)))
        return RedirectResponse(target, headers={"cache-control": "no-store"})

    return Route("/due/{hours}", due)


def _hours(text: str) -> int | None:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(MOST_HOURS))):
        return None
    hours = int(text)
    return hours if 1 <= hours <= MOST_HOURS else None
