"""What has changed of the open pages: one poll of the server for everybody who looks at the same page."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog

from aftersales.desk.access.users import User
from aftersales.desk.handling.team import claims_on, notes_on
from aftersales.desk.sections.listing import Found, find_cases
from aftersales.desk.services import DeskServices
from aftersales.desk.waiting.filters import Filters
from aftersales.desk.waiting.kept_counts import CountAge
from aftersales.runtime.client.known_cases import find_workflow
from workflows.engine import search_attributes as sa

POLL_SECONDS: Final = 5.0
"""The pause between two polls; with the poll itself and the page's own loading, a page is at most 10 s behind."""
POLLS_AT_ONCE: Final = 2
"""Different pages that are polled at the same time; the clerks' own requests come first."""
COUNTS_OF_POLLS: Final = CountAge(fresh=0.8 * POLL_SECONDS, shown=0)
"""Lists that differ by group and page alone share what was counted since their last polls."""
_log = structlog.get_logger("desk")

Poll = Callable[[], Awaitable[str | None]]


@dataclass
class LivePage:
    """A page that is looked at: its mark, which differs once the page would look different.

    ``mark`` is None until the first poll has ended; ``lost``: the last poll had no answer.
    """

    mark: str | None = None
    lost: bool = False
    listeners: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    polling: asyncio.Task[None] | None = None

    def tell(self, mark: str | None, *, lost: bool) -> None:
        """Note how a poll ended, and tell the listeners if that is news."""
        if (self.mark, self.lost) != (mark, lost):
            self.mark, self.lost = mark, lost
            told, self.news = self.news, asyncio.Event()
            told.set()

    def stop(self) -> None:
        """Poll no more."""
        if self.polling:
            self.polling.cancel()


class LiveWatch:
    """Polls for the pages that are open, as long as anybody looks at them."""

    def __init__(self, services: DeskServices, pause: float = POLL_SECONDS) -> None:
        """Poll with these services, and a pause in seconds."""
        self._services, self._pause = services, pause
        self._pages: dict[Hashable, LivePage] = {}
        self._gate = asyncio.Semaphore(POLLS_AT_ONCE)

    def watch_list(self, user: User, filters: Filters) -> tuple[Hashable, Poll]:
        """Return the key and the poll of a list; users who see the same shops share it."""

        async def poll() -> str:
            found = await find_cases(self._services, filters, user, datetime.now(UTC), COUNTS_OF_POLLS)
            return await mark_of_list(self._services, found)

        return ("list", filters.model_dump_json(), user.shops), poll

    def watch_case(self, user: User, case_id: str) -> tuple[Hashable, Poll]:
        """Return the key and the poll of a case."""

        async def poll() -> str | None:
            return await self._mark_of_case(user, case_id)

        return ("case", case_id, user.shops), poll

    @asynccontextmanager
    async def looking(self, key: Hashable, poll: Poll) -> AsyncIterator[LivePage]:
        """Poll for a page until the block ends, unless somebody else looks at it already."""
        page = self._pages.get(key)
        if page is None:
            page = self._pages[key] = LivePage()
            page.polling = asyncio.create_task(self._keep_polling(page, poll))
        page.listeners += 1
        try:
            yield page
        finally:
            page.listeners -= 1
            if not page.listeners:
                del self._pages[key]
                page.stop()

    @property
    def pages_looked_at(self) -> int:
        """How many different pages are polled for."""
        return len(self._pages)

    async def _keep_polling(self, page: LivePage, poll: Poll) -> None:
        while True:
            try:
                async with self._gate:
                    mark = await poll()
                page.tell(mark, lost=False)
            except Exception as failed:  # noqa: BLE001 - whatever it is, whoever looks at the page is told, and it goes on
                if not page.lost:
                    _log.warning("the open pages cannot be kept up to date", fault=type(failed).__name__)
                page.tell(page.mark, lost=True)
            await asyncio.sleep(self._pause)

    async def _mark_of_case(self, user: User, case_id: str) -> str | None:
        """Return the mark of a case; None if there is none that the user sees."""
        described = await find_workflow(self._services.client, case_id)
        if described is None or not user.sees(described.typed_search_attributes.get(sa.SHOP)):
            return None
        claims = await claims_on(self._services.ledger, [case_id])
        notes = await notes_on(self._services.ledger, case_id)
        claim = None if claims is None else claims.get(case_id)
        return _digest((described.run_id, described.status, described.history_length, claim, len(notes)))


async def mark_of_list(services: DeskServices, found: Found) -> str:
    """Return the mark of a list: of what the server knows of it, and of who works on its cases."""
    claims = await claims_on(services.ledger, found.case_ids) or {}
    return _digest((found.shape, sorted((case_id, claim.clerk) for case_id, claim in claims.items())))


def _digest(shape: Hashable) -> str:
    return hashlib.sha256(repr(shape).encode()).hexdigest()[:16]
