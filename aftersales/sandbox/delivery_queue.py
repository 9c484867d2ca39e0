"""The messages of one record on their way, one after another."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from aftersales.sandbox.messages import SandboxMessage


class Lane:
    """A queue that delivers in order, but lets a late message be overtaken by the next one."""

    def __init__(self, deliver: Callable[[SandboxMessage], Awaitable[None]], progressed: Callable[[], None]) -> None:
        """``deliver`` returns when the message is acknowledged; ``progressed`` is called once it is off the queue."""
        self.queue: list[SandboxMessage] = []
        self._deliver = deliver
        self._progressed = progressed
        self._arrived = asyncio.Event()

    def put(self, message: SandboxMessage) -> None:
        """Add a message at the end."""
        self.queue.append(message)

    def wake(self) -> None:
        """Tell a late message that another one is there (in the loop of ``run``)."""
        self._arrived.set()

    async def run(self, hold: float) -> None:
        """Deliver until the queue is empty; a late message waits at most ``hold`` seconds for the next."""
        while self.queue:
            if self.queue[0].late and len(self.queue) == 1:
                await self._another(hold)
            at = int(self.queue[0].late and len(self.queue) > 1)
            message = self.queue[at]
            await self._deliver(message)
            del self.queue[at]
            if at:  # the late one was overtaken, once is enough
                self.queue[0] = self.queue[0].model_copy(update={"late": False})
            self._progressed()

    async def _another(self, hold: float) -> None:
        self._arrived.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(hold):
                while len(self.queue) == 1:
                    await self._arrived.wait()
                    self._arrived.clear()
