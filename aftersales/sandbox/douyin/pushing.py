"""Pushing: messages go to the gateway in the background, signed and in order, until each is acknowledged."""

import asyncio
import contextlib
import json
import logging
import random
import ssl
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Any, Final

import httpx2
from pydantic import Field

from aftersales.platforms.douyin.signing import event_sign
from aftersales.sandbox.douyin.faults import Seconds, Share
from cases.models import Strict

Pause = Annotated[float, Field(gt=0, le=600)]


class SandboxMessage(Strict):
    """One delivery that is still to be made, in order within its ``record``; a ``late`` one lets the next pass."""

    msg_id: str
    tag: str
    app_key: str
    record: str
    data: str
    late: bool = False
    delay: float = 0.0

    def body(self) -> bytes:
        """Write the message as it is signed and sent."""
        told = [{"tag": self.tag, "msg_id": self.msg_id, "data": self.data}]
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


class Outbox(Strict):
    """What of a pusher survives a restart."""

    pending: tuple[SandboxMessage, ...] = ()
    numbered: int = 0


class Behaviour(Strict):
    """How messages go astray: shares of all, drawn from ``seed``, so that the same seed goes the same way.

    ``duplicates`` come twice with the same id, ``lost`` never, ``reordered`` after the next of the same record (or
    after ``hold`` seconds if there is none), all of them up to ``delay`` seconds late.  A message that is not
    acknowledged is sent again after ``first_retry`` seconds, doubling up to ``longest_retry``.
    """

    seed: int = 0
    duplicates: Share = 0.0
    lost: Share = 0.0
    reordered: Share = 0.0
    delay: Seconds = 0.0
    hold: Seconds = 0.5
    first_retry: Pause = 0.2
    longest_retry: Pause = 5.0

    def copies(self, message: SandboxMessage, number: int) -> tuple[SandboxMessage, ...]:
        """Give the deliveries that become of the ``number``-th message: none, one or two."""
        # Each message draws for itself: what becomes of it does not depend on how fast others go.
        draw = random.Random(f"{self.seed}/{number}")  # noqa: S311 - repeatable, not secret
        lost, twice, late, copy_late, delay = (draw.random() for _ in range(5))
        if lost < self.lost:
            return ()
        first = message.model_copy(update={"late": late < self.reordered, "delay": delay * self.delay})
        if twice >= self.duplicates:
            return (first,)
        return (first, first.model_copy(update={"late": copy_late < self.reordered}))


class DeliveryQueue:
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


log = logging.getLogger(__name__)

AT_ONCE: Final = 8
"""Messages on their way at the same time, of different records."""
KEPT: Final = 1000
"""Messages of the past that are remembered for whoever asks."""
TIMEOUT: Final = 5.0
"""Seconds the gateway has for its answer."""
FIRST_ID: Final = 7_100_000_000_000_000_000


class Pusher:
    """Sends what was added; ``add`` never waits, and may be called before the start and from any thread."""

    def __init__(
        self,
        gateway: str | None,
        secret_of: Callable[[str], str],
        outbox: Outbox | None = None,
        progressed: Callable[[], None] = lambda: None,
    ) -> None:
        """Send to a gateway's address (None: nothing is sent), signed with the secret of the message's application.

        ``progressed`` is called whenever a message is no longer pending, in the loop of ``start``.
        """
        outbox = outbox or Outbox()
        self.gateway = gateway
        self.behaviour = Behaviour()
        self.delivered: deque[SandboxMessage] = deque(maxlen=KEPT)
        self.lost: deque[SandboxMessage] = deque(maxlen=KEPT)
        self.failures = 0
        self._secret_of = secret_of
        self._progressed = progressed
        self._numbered = outbox.numbered
        self._drawn = 0
        self._lock = threading.Lock()
        self._lanes: dict[str, DeliveryQueue] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: httpx2.AsyncClient | None = None
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._going = asyncio.Event()
        self._going.set()
        self._again = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._queue(outbox.pending)

    @property
    def pending(self) -> tuple[SandboxMessage, ...]:
        """What is still to be delivered."""
        with self._lock:
            return tuple(message for lane in self._lanes.values() for message in lane.queue)

    @property
    def paused(self) -> bool:
        """Whether nothing is sent for now."""
        return not self._going.is_set()

    def outbox(self) -> Outbox:
        """Give what survives a restart."""
        return Outbox(pending=self.pending, numbered=self._numbered)

    def behave(self, behaviour: Behaviour) -> None:
        """Let messages that are added from now on go astray so."""
        self.behaviour = behaviour
        self._drawn = 0

    def add(self, app_key: str, record: str, tag: str, write: Callable[[bool], str]) -> None:
        """Queue a message; ``write`` gives its data, told whether ``update_time`` is a text this time."""
        if self.gateway is None:
            return
        self._numbered += 1
        self._drawn += 1
        number, data = str(FIRST_ID + self._numbered), write(self._numbered % 2 == 0)
        message = SandboxMessage(msg_id=number, tag=tag, app_key=app_key, record=record, data=data)
        copies = self.behaviour.copies(message, self._drawn)
        if not copies:
            self.lost.append(message)
        self._queue(copies)

    async def start(self) -> None:
        """Begin to send what is pending."""
        if self.gateway:
            self._client = httpx2.AsyncClient(timeout=TIMEOUT, verify=_trust(self.gateway))
        self._loop = asyncio.get_running_loop()
        with self._lock:
            waiting = list(self._lanes)
        for record in waiting:
            self._run_lane(record)

    async def stop(self) -> None:
        """End; what is pending stays so."""
        self._loop = None
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._running.clear()
        if self._client:
            await self._client.aclose()

    def pause(self) -> None:
        """Send nothing until told to."""
        self._going.clear()

    def resume(self) -> None:
        """Go on sending, at once also what was waiting to be sent again."""
        self._going.set()
        self._again.set()
        self._again = asyncio.Event()

    async def idle(self, within: float) -> bool:
        """Wait until nothing is pending; False where that takes longer than ``within`` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._idle.wait()
        return self._idle.is_set()

    def _queue(self, messages: Iterable[SandboxMessage]) -> None:
        for message in messages:
            with self._lock:
                self._idle.clear()
                self._lanes.setdefault(message.record, DeliveryQueue(self._deliver, self._progressed)).put(message)
            if self._loop:
                self._loop.call_soon_threadsafe(self._run_lane, message.record)

    def _run_lane(self, record: str) -> None:
        with self._lock:
            lane = self._lanes.get(record)
            if lane is None or self._loop is None:
                return
            lane.wake()
            if record not in self._running:
                self._running[record] = self._loop.create_task(self._run(record, lane))

    async def _run(self, record: str, lane: DeliveryQueue) -> None:
        while True:
            await lane.run(self.behaviour.hold)
            with self._lock:  # nothing can be added between the last look and the end
                if not lane.queue:
                    del self._lanes[record], self._running[record]
                    if not self._lanes:
                        self._idle.set()
                    break

    async def _deliver(self, message: SandboxMessage) -> None:
        if message.delay:
            await asyncio.sleep(message.delay)
        pause = self.behaviour.first_retry
        while True:
            await self._going.wait()
            if await self._send(message):
                break
            self.failures += 1
            again = self._again
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await again.wait()
            pause = min(pause * 2, self.behaviour.longest_retry)
        self.delivered.append(message)

    async def _send(self, message: SandboxMessage) -> bool:
        if self._client is None or self.gateway is None:
            return False
        body = message.body()
        signed = event_sign(message.app_key, self._secret_of(message.app_key), body)
        headers = {"app-id": message.app_key, "event-sign": signed, "content-type": "application/json"}
        try:
            async with self._at_once:
                answer = await self._client.post(self.gateway, content=body, headers=headers)
            said: Any = json.loads(answer.content)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError) as error:
            log.debug("message %s was not delivered: %s", message.msg_id, type(error).__name__)
            return False
        return isinstance(said, dict) and said.get("code") == 0


def _trust(gateway: str) -> ssl.SSLContext:
    if gateway.startswith("https:"):
        return ssl.create_default_context()
    # Reading every root certificate takes a tenth of a second, for nothing.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
