"""How often a worker looks for garbage: the cases that it keeps in memory are none, and nothing moves while it looks.

A case in memory is some hundred objects, and one that is evicted is freed at once (``workflows/worker_options.py``),
without a search.  Python by itself searches the newest objects after so many were made *less those freed meanwhile*.
Where a case is evicted for each that is opened, nearly all cases in memory have become the newest by then.
"""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

OBJECTS_OF_A_CASE: Final = 400
SECONDS_BETWEEN_SEARCHES: Final = 2.0
"""If they were fewer, more would be left out that is in use only at the moment of a search."""
SEARCHES_BETWEEN_COUNTS: Final = 30
"""Searches among what is new until all is counted, which takes some 5 ms for each 1,000 cases."""


class GarbageSearch:
    """Search what is new for garbage, and the rest only once it has grown by 1.5 times what a worker's cases take up.

    That never happens while evicted cases are freed; what is lost here and there is found before it takes up more than
    twice the cache.  To be made once the worker has started: what it has loaded by then belongs to the rest.
    """

    def __init__(self, cached_cases: int) -> None:
        self._may_grow = cached_cases * OBJECTS_OF_A_CASE * 3 // 2
        self.search_all()

    def search_new(self) -> None:
        """Search among what was made since the last search, and leave what is in use out of those that follow."""
        gc.collect(1)
        gc.freeze()

    def search_all_if_grown(self) -> None:
        """Search everything, if it has grown that much since that was done."""
        if gc.get_freeze_count() > self._kept + self._may_grow:
            self.search_all()

    def search_all(self) -> None:
        """Search everything, during which the program stands still."""
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._kept = gc.get_freeze_count()


@asynccontextmanager
async def garbage_searched_rarely(cached_cases: int) -> AsyncIterator[None]:
    """Keep searching as ``GarbageSearch`` does within this block."""
    searching = asyncio.create_task(_keep_searching(GarbageSearch(cached_cases)))
    try:
        yield
    finally:
        searching.cancel()
        with suppress(asyncio.CancelledError):
            await searching
        gc.unfreeze()


async def _keep_searching(search: GarbageSearch) -> None:
    while True:
        for _ in range(SEARCHES_BETWEEN_COUNTS):
            await asyncio.sleep(SECONDS_BETWEEN_SEARCHES)
            search.search_new()
        search.search_all_if_grown()
