"""The stream of server-sent events that tells an open page that it has changed."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from aftersales.desk.access.users import User
from aftersales.desk.pages.home import read_filters
from aftersales.desk.rendering import user_of
from aftersales.desk.sections.live import LiveWatch, Poll
from aftersales.desk.waiting.filters import WaitingGroup

RECONNECT_MILLISECONDS: Final = 2000
ALIVE_SECONDS: Final = 15.0
"""How often something is sent at least, so that a proxy or a browser notices a connection that is no more."""
LONGEST_SECONDS: Final = 900.0
"""How long a stream lasts: then the browser asks again, and whoever is logged in no more is refused."""
CASES_PATH: Final = "/case/"


async def live(request: Request) -> Response:
    """Tell of a page, named by its own address, that it has changed since it bore a mark."""
    watch: LiveWatch = request.app.state.live
    asked = watched(watch, user_of(request), request.query_params.get("page", ""))
    if asked is None:
        return PlainTextResponse("此页不更新 / this page is not kept up to date", 404)
    mark = request.headers.get("last-event-id") or request.query_params.get("mark") or None
    stopping: asyncio.Event = request.state.stopping
    return StreamingResponse(events(watch, *asked, mark, stopping), media_type="text/event-stream")


def watched(watch: LiveWatch, user: User, address: str) -> tuple[Hashable, Poll] | None:
    """Return what to poll for a page of the desk; None if the page is not kept up to date."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    filters, _ = read_filters(dict(parse_qsl(parts.query)))
    if parts.path == "/":
        return watch.watch_list(user, filters)
    if parts.path == "/tasks":
        return watch.watch_list(user, filters.model_copy(update={"group": WaitingGroup.TASKS}))
    if parts.path.startswith(CASES_PATH):
        return watch.watch_case(user, unquote(parts.path.removeprefix(CASES_PATH)))
    return None


async def events(
    watch: LiveWatch, key: Hashable, poll: Poll, known: str | None, stopping: asyncio.Event
) -> AsyncIterator[str]:
    """Yield an event for every change, until the server stops; the first mark of a page that had none is no change."""
    yield f"retry: {RECONNECT_MILLISECONDS}\n\n"
    ends = asyncio.get_running_loop().time() + LONGEST_SECONDS
    stop = asyncio.create_task(stopping.wait())
    try:
        async with watch.looking(key, poll) as page:
            lost = False
            while not stop.done() and asyncio.get_running_loop().time() < ends:
                news = page.news
                if page.lost != lost:
                    lost = page.lost
                    yield f"event: {'lost' if lost else 'found'}\ndata: \n\n"
                if page.mark != known and page.mark is not None:
                    kind = "mark" if known is None else "changed"
                    known = page.mark
                    yield f"id: {known}\nevent: {kind}\ndata: {known}\n\n"
                told = asyncio.create_task(news.wait())
                try:
                    done, _ = await asyncio.wait(
                        (told, stop), timeout=ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED
                    )
                finally:
                    told.cancel()
                if not done:
                    yield ": alive\n\n"
    finally:
        stop.cancel()
