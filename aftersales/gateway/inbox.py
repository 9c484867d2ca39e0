"""The durable inbox: every message lies on disk before its platform is answered, and until its case knows it."""

import asyncio
import fcntl
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from aftersales.gateway.inbox_file import InboxFile, InboxRow
from aftersales.platforms.messages import InboundMessage, MessageState

Result = TypeVar("Result")

KEPT_SECONDS: Final = 30 * 24 * 3600
"""How long a message is kept that nobody has to look at any more."""


class Inbox:
    """Messages in a file that several gateways may share; methods raise ``sqlite3.Error`` where the disk refuses.

    ``clock`` gives seconds since 1970.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """Open the file, or create it."""
        self._clock, self._file = clock, InboxFile(path)
        self._turn = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inbox")
        self._arrived: list[tuple[Sequence[InboundMessage], asyncio.Future[int]]] = []
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the file once what was begun is written."""
        if self._keeping:
            await self._keeping
        await self._run(self._file.close)
        self._thread.shutdown()
        os.close(self._turn)

    def claim(self) -> bool:
        """Become the one gateway that hands over, until ``release`` or the end of the process."""
        try:
            fcntl.flock(self._turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let another gateway hand over."""
        fcntl.flock(self._turn, fcntl.LOCK_UN)

    async def keep(self, messages: Sequence[InboundMessage]) -> int:
        """Keep messages; returns, once they lie on disk, how many were new.  Those that come together share a sync."""
        kept: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._arrived.append((messages, kept))
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep_all())
        return await kept

    async def due(self, most: int) -> list[InboxRow]:
        """The messages to hand over now, at most so many; those of a case in the order of their arrival."""
        return await self._run(self._file.due, self._clock(), most)

    async def done(self, row: InboxRow, note: str) -> None:
        """Remember that a message was handed over, and how."""
        await self._run(self._file.end, row, MessageState.DONE, note)

    async def failed(self, row: InboxRow, why: str) -> None:
        """Remember that a message can never be handed over."""
        await self._run(self._file.end, row, MessageState.FAILED, why)

    async def later(self, row: InboxRow, why: str, seconds: float) -> None:
        """Let a message, and with it all of its case, wait for another try."""
        await self._run(self._file.postpone, row, why, self._clock() + seconds)

    async def retry_failed(self) -> int:
        """Take up again what could not be handed over; returns how many messages."""
        return await self._run(self._file.retry_failed)

    async def prune(self) -> int:
        """Forget what is older than 30 days, but for what waits and what failed; returns how many messages."""
        return await self._run(self._file.prune, self._clock() - KEPT_SECONDS)

    async def prove(self) -> None:
        """Raise where nothing can be written."""
        await self._run(self._file.prove, self._clock())

    async def counts(self) -> dict[str, Any]:
        """How many messages are in each state and of each unknown tag, how many came again, how long one waits."""
        return await self._run(self._file.counts, self._clock())

    async def _keep_all(self) -> None:
        try:
            while self._arrived:
                arrived, self._arrived = self._arrived, []
                batches = [messages for messages, _ in arrived]
                new: Sequence[int | Exception]
                try:
                    new = await self._run(self._file.keep, batches, self._clock())
                except Exception as refused:  # noqa: BLE001 - whoever waits is told
                    new = [refused] * len(arrived)
                for (_, kept), answer in zip(arrived, new, strict=True):
                    _answer(kept, answer)
        finally:
            self._keeping = None

    async def _run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


def _answer(kept: asyncio.Future[int], answer: int | Exception) -> None:
    if kept.done():  # who waited has gone
        return
    if isinstance(answer, Exception):
        kept.set_exception(answer)
    else:
        kept.set_result(answer)
